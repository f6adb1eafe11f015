package ds.optim.spi;

import ds.kernels.Kernels;
import ds.kernels.Workers;

/**
 * Everything about this step that is not an array.
 *
 * @param globalStep boundaries so far, this one included, skipped ones too; from 1
 * @param appliedSteps boundaries that changed parameters, this one included: the t of bias
 *     correction; from 1
 * @param microStep micro-batches per rank so far
 * @param hyper the schedule's values for this step
 * @param gradientScale the factor for every gradient element: 1/n, loss scale and clipping in one,
 *     applied inside the step
 * @param kernels the math
 */
public record StepContext(
        long globalStep,
        long appliedSteps,
        long microStep,
        Hyper hyper,
        float gradientScale,
        Kernels kernels) {
    /** Returns the worker pool over which a step may split its elements. */
    public Workers workers() {
        return kernels.workers();
    }
}
