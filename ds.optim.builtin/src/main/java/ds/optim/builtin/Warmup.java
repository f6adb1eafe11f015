package ds.optim.builtin;

import ds.optim.spi.Hyper;
import ds.optim.spi.Schedule;

/**
 * DeepSpeed's warm-up: from {@code minLr} to {@code maxLr} in {@code steps} steps, then {@code tail}.
 *
 * <p>Its iteration is one behind the applied steps: the value of construction is iteration −1, which
 * is the minimum, and so is iteration 0; linear warm-up yields the minimum twice. A run that names
 * the iteration it starts from keeps the optimizer's own learning rate until the next iteration.
 *
 * @param minLr learning rate at the start
 * @param maxLr learning rate at the end of the warm-up
 * @param steps iterations of the warm-up, at least 2
 * @param logarithmic whether the rate grows as log(iteration + 1) or linearly
 * @param start iteration of the value after construction; −1 unless a run is continued by hand
 * @param tail the share of {@code maxLr − minLr} after the warm-up
 */
record Warmup(double minLr, double maxLr, long steps, boolean logarithmic, long start, Tail tail)
        implements Schedule {
    static final long STEPS_MIN = 2;

    /** What follows the warm-up. */
    @FunctionalInterface
    interface Tail {
        /** Returns the share of the range at an iteration not before the end of the warm-up. */
        double share(long iteration, long warmupSteps);
    }

    /** Raises a warm-up of one step to two, as DeepSpeed does: it divides by log(steps). */
    Warmup {
        steps = Math.max(STEPS_MIN, steps);
    }

    @Override
    public Hyper at(long appliedSteps, Hyper base) {
        long iteration = start + appliedSteps;
        if (iteration < 0) {
            return base.withLr(minLr);
        }
        if (appliedSteps == 0) {
            return base;
        }
        return base.withLr(minLr + (maxLr - minLr) * share(iteration));
    }

    private double share(long iteration) {
        if (iteration >= steps) {
            return tail.share(iteration, steps);
        }
        return climb(iteration, steps, logarithmic);
    }

    /** Returns the share of the way that {@code iteration} of {@code steps}, at least 2, has come. */
    static double climb(long iteration, long steps, boolean logarithmic) {
        return logarithmic
                ? 1 / StrictMath.log(steps) * StrictMath.log(iteration + 1)
                : (double) iteration / steps;
    }
}
