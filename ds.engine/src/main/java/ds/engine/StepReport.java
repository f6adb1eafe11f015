package ds.engine;

import ds.offload.Transfers;
import java.util.Map;

/**
 * What one boundary did.
 *
 * @param step the boundary, from 1, skipped ones counted
 * @param loss mean over the step's micro-batches, before the step
 * @param lr the learning rate the step used
 * @param gradNorm 2-norm of the averaged gradient before clipping; not finite after an overflow
 * @param lossScale the scale in force during the step; 1 in fp32 and bf16
 * @param skipped whether an overflow left everything unchanged
 * @param samples samples consumed by this step
 * @param targets targets in these samples, ignored ones counted: tokens, for a language model
 * @param samplesSeen samples consumed since the run began
 * @param nanos wall time of the step on rank 0
 * @param modelOperations floating-point operations that the step's products and attention take on
 *     all ranks: three times those of the forward passes, since a backward pass takes two, and
 *     nothing for what is computed twice; 0 where the model does not count them
 * @param phaseNanos where the time went on rank 0, by phase name; adds up to {@code nanos}
 * @param transfers what rank 0 moved between memory and files in this step
 */
public record StepReport(
        long step,
        double loss,
        double lr,
        double gradNorm,
        double lossScale,
        boolean skipped,
        int samples,
        long targets,
        long samplesSeen,
        long nanos,
        double modelOperations,
        Map<String, Long> phaseNanos,
        Transfers transfers) {
    /** Copies the map. */
    public StepReport {
        phaseNanos = Map.copyOf(phaseNanos);
    }

    /** Returns targets per second. */
    public double tokensPerSecond() {
        return nanos == 0 ? 0 : targets * 1e9 / nanos;
    }
}
