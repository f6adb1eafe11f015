package ds.offload;

import java.util.List;

/**
 * Which commit the ranks of a run go on from: the last one that all of them have. Pure arithmetic,
 * the same on every rank.
 *
 * @param commit its number
 * @param epoch one more than any rank knew of
 */
public record Recovery(long commit, long epoch) {
    /** How many numbers a claim is. */
    public static final int CLAIM_LONGS = 5;

    /**
     * What one rank says of its store.
     *
     * @param run a hash of the run's id
     * @param world the ranks of the run
     * @param layout a hash of the layout's hash
     * @param lastCommit the last commit it holds, at least 1
     * @param epoch how often the run was recovered, as far as this rank knows
     */
    public record Claim(long run, long world, long layout, long lastCommit, long epoch) {
        /** Returns the claim of an open store, which was not recovered yet. */
        public static Claim of(DurableStore store, StoreLocation location) {
            return new Claim(
                    hash(location.runId()),
                    location.world(),
                    hash(store.identity().layoutHash()),
                    store.lastCommit(),
                    store.epoch());
        }

        private static long hash(String text) {
            long hash = 0;
            for (int i = 0; i < text.length(); i++) {
                hash = hash * 0x9e3779b97f4a7c15L + text.charAt(i) + 1;
            }
            return hash;
        }

        /** Writes the claim into a message, at a rank's place. */
        public void copyTo(long[] message, int rank) {
            int at = rank * CLAIM_LONGS;
            message[at] = run;
            message[at + 1] = world;
            message[at + 2] = layout;
            message[at + 3] = lastCommit;
            message[at + 4] = epoch;
        }

        /** Reads the claim of a rank. */
        public static Claim from(long[] message, int rank) {
            int at = rank * CLAIM_LONGS;
            return new Claim(
                    message[at],
                    message[at + 1],
                    message[at + 2],
                    message[at + 3],
                    message[at + 4]);
        }
    }

    /**
     * Decides.
     *
     * @param claims of all ranks, in order
     * @throws StorageException naming the ranks that cannot go on together
     */
    public static Recovery of(List<Claim> claims) {
        Claim first = claims.getFirst();
        long least = Long.MAX_VALUE;
        long most = 0;
        long epoch = 0;
        int leastRank = 0;
        int mostRank = 0;
        for (int rank = 0; rank < claims.size(); rank++) {
            Claim claim = claims.get(rank);
            requireSame("run", first.run(), claim.run(), rank);
            requireSame("world size", first.world(), claim.world(), rank);
            requireSame("model, optimizer or stage", first.layout(), claim.layout(), rank);
            if (claim.lastCommit() < least) {
                least = claim.lastCommit();
                leastRank = rank;
            }
            if (claim.lastCommit() > most) {
                most = claim.lastCommit();
                mostRank = rank;
            }
            epoch = Math.max(epoch, claim.epoch());
        }
        if (first.world() != claims.size()) {
            throw new StorageException(
                    "The stores are of %d ranks, %d want to go on from them; a store goes on at its own world size."
                            .formatted(first.world(), claims.size()));
        }
        if (most - least > 1) {
            throw new StorageException(
                    "Rank %d's store ends at commit %,d and rank %d's at %,d; ranks are never more than one apart, so one of them was lost or is older. Resume from a checkpoint."
                            .formatted(leastRank, least, mostRank, most));
        }
        return new Recovery(least, epoch + 1);
    }

    private static void requireSame(String what, long first, long other, int rank) {
        if (first != other) {
            throw new StorageException(
                    "The stores of ranks 0 and %d are not of the same %s; name the stores of one run."
                            .formatted(rank, what));
        }
    }
}
