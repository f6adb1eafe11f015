package ds.engine;

/**
 * Where a run stands. Every rank has the same.
 *
 * @param globalStep boundaries so far, skipped ones too
 * @param appliedSteps boundaries that changed parameters, since they were last loaded from elsewhere
 * @param microSteps micro-batches per rank so far
 * @param samplesSeen samples consumed: the data cursor
 * @param skippedInARow overflowed boundaries since the last applied one
 */
record Position(
        long globalStep, long appliedSteps, long microSteps, long samplesSeen, int skippedInARow) {
    static final Position START = new Position(0, 0, 0, 0, 0);

    Position afterMicroBatch() {
        return new Position(globalStep, appliedSteps, microSteps + 1, samplesSeen, skippedInARow);
    }

    /** Returns this place in the run with an optimizer that has not stepped yet. */
    Position withoutSteps() {
        return new Position(globalStep, 0, microSteps, samplesSeen, skippedInARow);
    }

    Position afterBoundary(boolean skipped, long samples) {
        return new Position(
                globalStep + 1,
                skipped ? appliedSteps : appliedSteps + 1,
                microSteps,
                samplesSeen + samples,
                skipped ? skippedInARow + 1 : 0);
    }
}
