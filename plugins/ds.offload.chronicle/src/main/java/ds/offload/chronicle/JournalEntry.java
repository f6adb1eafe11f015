package ds.offload.chronicle;

/**
 * One commit of a run.
 *
 * @param step the optimizer step; at least 0
 * @param generation of the store's commit; at least 0
 * @param loss of the step; NaN where there is none
 */
public record JournalEntry(long step, long generation, double loss) {
    /** Checks the counters. */
    public JournalEntry {
        if (step < 0 || generation < 0) {
            throw new IllegalArgumentException(
                    "step and generation must be at least 0, were %d and %d."
                            .formatted(step, generation));
        }
    }
}
