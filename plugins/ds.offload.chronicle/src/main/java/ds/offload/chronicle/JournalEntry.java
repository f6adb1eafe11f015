package ds.offload.chronicle;

/**
 * One boundary of a run.
 *
 * @param step counted from 1, skipped ones too; at most that of the entry before where a run went
 *     back, else one more; at least 0
 * @param commit the number of the store's commit that begins with this entry and is on the medium by
 *     the next one; 0 if there is none
 * @param loss of the step; NaN where there is none
 * @param gradNorm 2-norm of the averaged gradient before clipping
 * @param lr the learning rate
 * @param skipped whether an overflow left everything unchanged
 * @param bytes that rank 0 moved between memory and files in this step; at least 0
 */
public record JournalEntry(
        long step,
        long commit,
        double loss,
        double gradNorm,
        double lr,
        boolean skipped,
        long bytes) {
    /** Checks the counters. */
    public JournalEntry {
        if (step < 0 || commit < 0 || bytes < 0) {
            throw new IllegalArgumentException(
                    "step, commit and bytes must be at least 0, were %d, %d and %d."
                            .formatted(step, commit, bytes));
        }
    }
}
