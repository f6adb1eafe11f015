package ds.optim.builtin;

import ds.optim.spi.Hyper;
import ds.optim.spi.Schedule;
import java.util.Optional;

/**
 * Smith's one-cycle policy (arXiv:1803.09820), as DeepSpeed has it: the learning rate climbs and
 * falls once while the momentum falls and climbs, then both decay. Where the momentum is cycled the
 * second beta is {@value #SECOND_BETA}; an optimizer without a second beta has no momentum that
 * could be cycled, and keeps what it has.
 *
 * @param shape the steps of both halves and the stairs in them
 * @param minLr learning rate at both ends
 * @param maxLr learning rate at the top
 * @param lrDecay decay of the learning rate after the cycle, per {@code decaySize} steps
 * @param decaySize steps in which the decay acts once; 0 for no decay
 * @param momentum how the momentum is cycled, if it is
 * @param start iteration of the value after construction; −1 unless a run is continued by hand
 */
record OneCycle(
        Shape shape,
        double minLr,
        double maxLr,
        double lrDecay,
        double decaySize,
        Optional<Momentum> momentum,
        long start)
        implements Schedule {
    static final double SECOND_BETA = 0.99;

    /**
     * The cycle in time.
     *
     * @param first steps of the climb, above 0
     * @param second steps of the fall, 0 or more
     * @param firstStairs stairs of the climb; 0 for none
     * @param secondStairs stairs of the fall; 0 for none
     */
    record Shape(double first, double second, long firstStairs, long secondStairs) {
        double total() {
            return first + second;
        }

        /** Returns how high step {@code count} of the cycle is, from 0 to 1. */
        double height(double count) {
            double turns = count / total();
            double within = 1 + turns - Math.floor(1 + turns);
            double peak = first / total();
            boolean climbs = within <= peak;
            long stairs = climbs ? firstStairs : secondStairs;
            if (stairs > 0) {
                return Math.floor(stair(count % total(), stairs)) / stairs;
            }
            return climbs ? within / peak : (within - 1) / (peak - 1);
        }

        // From the count itself: a share of it can lie just below a whole stair.
        private double stair(double count, long stairs) {
            return count <= first ? count * stairs / first : (total() - count) * stairs / second;
        }
    }

    /**
     * The momentum's part of the cycle.
     *
     * @param least momentum at the top of the learning rate, and right after construction
     * @param most momentum at both ends
     * @param growth growth after the cycle, per {@code decaySize} steps
     */
    record Momentum(double least, double most, double growth) {
        /**
         * Returns the momentum after the cycle. DeepSpeed's "decay" multiplies upwards and leaves
         * [0, 1), where no momentum means anything; here the last value below 1 stays.
         */
        double after(double steps, double size) {
            if (size == 0 || growth == 0) {
                return most;
            }
            double value = most * (1 + growth * (steps / size));
            if (value < 1) {
                return value;
            }
            double last = Math.ceil((1 / most - 1) * size / growth) - 1;
            return Math.min(Math.nextDown(1.0), most * (1 + growth * (last / size)));
        }
    }

    @Override
    public Hyper at(long appliedSteps, Hyper base) {
        long iteration = start + appliedSteps;
        if (appliedSteps == 0) {
            return start < 0 ? hyper(base, minLr, Momentum::least) : base;
        }
        if (iteration < shape.total()) {
            double height = shape.height(iteration + 1.0);
            return hyper(
                    base,
                    minLr + (maxLr - minLr) * height,
                    cycled -> cycled.most - (cycled.most - cycled.least) * height);
        }
        double steps = iteration - shape.total() + 1;
        double fall = decaySize == 0 ? 1 : 1 + lrDecay * (steps / decaySize);
        return hyper(base, minLr / fall, cycled -> cycled.after(steps, decaySize));
    }

    private interface Cycled {
        double of(Momentum momentum);
    }

    private Hyper hyper(Hyper base, double lr, Cycled cycled) {
        return momentum.isPresent() && base.beta2() != 0
                ? new Hyper(lr, cycled.of(momentum.get()), SECOND_BETA)
                : base.withLr(lr);
    }
}
