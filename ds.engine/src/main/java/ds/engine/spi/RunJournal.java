package ds.engine.spi;

/** An open journal of a run. Owned by rank 0's thread, which makes every call. */
public interface RunJournal extends AutoCloseable {
    /**
     * Notes one boundary. Comes before the store's commit of it begins, so that no committed step is
     * missing after a crash; the last entry may then be of a step that is made again.
     *
     * @throws ds.core.DsException if it cannot; the run stops, and goes on from the commit before
     */
    void append(Entry entry);

    /**
     * Ends it. Not called where the process is killed.
     *
     * @throws ds.core.DsException if what was appended may be lost
     */
    @Override
    void close();

    /**
     * What one boundary came to.
     *
     * @param step from 1, skipped ones counted; at most that of the entry before where a run went
     *     back, else one more
     * @param commit the number of the commit that begins with this entry and is on the medium by the
     *     next one; 0 if there is none
     * @param loss mean over the step's micro-batches, before the step
     * @param gradNorm 2-norm of the averaged gradient before clipping; not finite after an overflow
     * @param lr the learning rate the step used
     * @param skipped whether an overflow left everything unchanged
     * @param bytes what rank 0 moved between memory and files in this step, without journals
     */
    record Entry(
            long step,
            long commit,
            double loss,
            double gradNorm,
            double lr,
            boolean skipped,
            long bytes) {
        /** Checks the counters. */
        public Entry {
            if (step < 1 || commit < 0 || bytes < 0) {
                throw new IllegalArgumentException(
                        "step must be at least 1, commit and bytes at least 0, were %d, %d and %d."
                                .formatted(step, commit, bytes));
            }
        }
    }
}
