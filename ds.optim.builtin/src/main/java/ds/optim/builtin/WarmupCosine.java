package ds.optim.builtin;

import ds.optim.spi.Hyper;
import ds.optim.spi.Schedule;

/**
 * DeepSpeed's warm-up followed by half a cosine, as shares of the optimizer's own learning rate. The
 * value of construction is 0 whatever {@code minRatio} is; behind the end the last share stays.
 *
 * @param minRatio share at the start of the warm-up
 * @param steps iterations of the warm-up, at least 2
 * @param logarithmic whether the rate grows as log(iteration + 1) or linearly
 * @param total iterations until the end of the cosine
 * @param endRatio share at the end of the cosine
 * @param start iteration of the value after construction; −1 unless a run is continued by hand
 */
record WarmupCosine(
        double minRatio, long steps, boolean logarithmic, long total, double endRatio, long start)
        implements Schedule {
    /** Raises a warm-up of one step to two, as DeepSpeed does: it divides by log(steps). */
    WarmupCosine {
        steps = Math.max(Warmup.STEPS_MIN, steps);
    }

    @Override
    public Hyper at(long appliedSteps, Hyper base) {
        long iteration = start + appliedSteps;
        if (iteration < 0) {
            return base.withLr(0);
        }
        return appliedSteps == 0 ? base : base.withLr(base.lr() * ratio(iteration));
    }

    private double ratio(long iteration) {
        if (iteration < steps) {
            return minRatio + (1 - minRatio) * Warmup.climb(iteration, steps, logarithmic);
        }
        double way = (double) (iteration - steps + 1) / Math.max(1, total - steps);
        double cosine = (1 + StrictMath.cos(Math.PI * Math.min(1, way))) / 2;
        return Math.max(0, endRatio + (1 - endRatio) * cosine);
    }
}
