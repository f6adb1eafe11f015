package ds.zero;

import ds.comm.CommException;
import ds.comm.Communicator;
import java.util.Arrays;
import java.util.function.IntFunction;

/**
 * The order in which one rank completed units in a step, to be compared with the others': each
 * completion is a collective, which fits its like only if all ranks have the same order.
 */
final class CompletionOrder {
    private static final long FACTOR = 1_000_003;

    private int[] units = new int[0];
    private int length;

    /** Forgets what was completed. */
    void clear() {
        length = 0;
    }

    /**
     * Notes a completion.
     *
     * @param expected how many a step is expected to have
     */
    void add(int unit, int expected) {
        if (length == units.length) {
            units = Arrays.copyOf(units, Math.max(expected, length + 1));
        }
        units[length++] = unit;
    }

    /** Returns the last {@code count} units, in the order in which they were completed. */
    int[] last(int count) {
        return Arrays.copyOfRange(units, length - count, length);
    }

    /** Returns a number that is equal on two ranks that completed units in the same order. */
    long hash() {
        long hash = 1;
        for (int i = 0; i < length; i++) {
            hash = hash * FACTOR + units[i];
        }
        return hash & Long.MAX_VALUE;
    }

    /**
     * Finds where the orders of the ranks part, and says so on every rank. Collective.
     *
     * @param name names a unit
     */
    CommException mismatch(Communicator communicator, IntFunction<String> name) {
        int world = communicator.size();
        long[] all = new long[world * length];
        for (int i = 0; i < length; i++) {
            all[communicator.rank() * length + i] = units[i];
        }
        communicator.allReduce(all).await();
        for (int i = 0; i < length; i++) {
            for (int rank = 1; rank < world; rank++) {
                long theirs = all[rank * length + i];
                if (theirs != all[i]) {
                    return new CommException(
                            "Rank 0 completed unit '%s' where rank %d completed unit '%s' (completion %d of the step); every rank must complete units in the same order."
                                    .formatted(
                                            name.apply((int) all[i]),
                                            rank,
                                            name.apply((int) theirs),
                                            i));
                }
            }
        }
        return new CommException("Ranks disagree about the order of completed units.");
    }
}
