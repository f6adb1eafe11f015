package ds.zero;

/**
 * Which micro-batch of a step a backward pass belongs to.
 *
 * @param index 0 to count − 1
 * @param count accumulation steps, at least 1; the same on every rank
 * @param appliedSteps boundaries so far that changed parameters
 */
public record MicroStep(int index, int count, long appliedSteps) {
    /** Checks the range. */
    public MicroStep {
        if (count < 1 || index < 0 || index >= count) {
            throw new IllegalArgumentException(
                    "Accumulation step %d is outside 0..%d.".formatted(index, count - 1));
        }
    }

    /** Returns whether this is the first micro-batch of a step. */
    public boolean first() {
        return index == 0;
    }

    /** Returns whether the boundary follows. */
    public boolean last() {
        return index == count - 1;
    }
}
