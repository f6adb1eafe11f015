package ds.offload;

import java.util.OptionalDouble;

/**
 * What one rank's files moved so far, without journals and preallocation.
 *
 * @param readBytes read
 * @param writtenBytes written
 * @param pipelineNanos how long the pipeline of optimizer state had transfers under way
 * @param pipelineStallNanos how long of that the step waited for it
 */
public record Transfers(
        long readBytes, long writtenBytes, long pipelineNanos, long pipelineStallNanos) {
    /** Nothing. */
    public static final Transfers NONE = new Transfers(0, 0, 0, 0);

    /** Returns what both moved. */
    public Transfers plus(Transfers other) {
        return new Transfers(
                readBytes + other.readBytes,
                writtenBytes + other.writtenBytes,
                pipelineNanos + other.pipelineNanos,
                pipelineStallNanos + other.pipelineStallNanos);
    }

    /** Returns what was moved since {@code before}. */
    public Transfers since(Transfers before) {
        return new Transfers(
                readBytes - before.readBytes,
                writtenBytes - before.writtenBytes,
                pipelineNanos - before.pipelineNanos,
                pipelineStallNanos - before.pipelineStallNanos);
    }

    /**
     * Returns the share of the pipeline's transfers that the step did not wait for, 0 to 1;
     * empty if there were none.
     */
    public OptionalDouble overlap() {
        return pipelineNanos == 0
                ? OptionalDouble.empty()
                : OptionalDouble.of(
                        Math.clamp(1 - (double) pipelineStallNanos / pipelineNanos, 0, 1));
    }
}
