package ds.offload;

/**
 * What a store on NVMe promises.
 *
 * @param generations slots of every extent: 2 keeps the last commit whole while the next is written,
 *     3 also the one before it; 1 is written in place and survives no crash
 * @param commitEverySteps boundaries from one commit to the next, at least 1: what a crash costs at
 *     most
 * @param share of the elements that rest in files, 0 to 1; the others stay in memory and are written
 *     with each commit
 * @param reserved whether the space of new files is reserved, where the backend can, and not filled with
 *     zeros; it reads as zeros until it is written
 */
public record StoreTerms(int generations, int commitEverySteps, double share, boolean reserved) {
    /** The slots of a store that survives, unless more are asked for. */
    public static final int GENERATIONS_DEFAULT = 2;

    /** The most slots. */
    public static final int GENERATIONS_MAX = 3;

    /** Two generations, committed at every boundary. */
    public static final StoreTerms DEFAULT = new StoreTerms(GENERATIONS_DEFAULT, 1, 1, false);

    /** In place: a crash costs the store. */
    public static final StoreTerms IN_PLACE = new StoreTerms(1, 1, 1, false);

    /** Checks the ranges. */
    public StoreTerms {
        if (generations < 1 || generations > GENERATIONS_MAX) {
            throw new IllegalArgumentException(
                    "A store keeps 1 to %d generations, was asked for %d."
                            .formatted(GENERATIONS_MAX, generations));
        }
        if (commitEverySteps < 1) {
            throw new IllegalArgumentException(
                    "A store commits every 1 or more steps, was asked for "
                            + commitEverySteps
                            + ".");
        }
        if (!(share >= 0 && share <= 1)) {
            throw new IllegalArgumentException("A share is 0 to 1, was %s.".formatted(share));
        }
    }

    /** Returns these terms with another number of generations. */
    public StoreTerms withGenerations(int count) {
        return new StoreTerms(count, commitEverySteps, share, reserved);
    }

    /** Returns these terms with another share in files. */
    public StoreTerms withShare(double inFiles) {
        return new StoreTerms(generations, commitEverySteps, inFiles, reserved);
    }

    /** Returns these terms with the space of new files reserved, or filled with zeros. */
    public StoreTerms withReserved(boolean is) {
        return new StoreTerms(generations, commitEverySteps, share, is);
    }

    /** Returns whether a crash leaves the last commit. */
    public boolean survives() {
        return generations > 1;
    }
}
