package ds.cli;

import ds.engine.StepReport;
import java.util.OptionalDouble;
import java.util.function.DoubleSupplier;

/**
 * The {@code gemm_share} of the metrics: the rate at which a step does the model's products and
 * attention, as a part of the best rate of fp32 products known so far. That is measured on the same
 * workers between steps, often at first, while the compiler is at work, and then now and then; a
 * step that was faster counts as well, so the share is never above 1. The first step has none: a rate
 * of code that is not compiled says nothing.
 */
final class GemmShare {
    /** Steps between two measurements in the long run. */
    private static final int PERIOD = 64;

    private final DoubleSupplier productRate;
    private double best;
    private long steps;

    /**
     * Creates the shares of one run.
     *
     * @param productRate measures operations per second; called between steps
     */
    GemmShare(DoubleSupplier productRate) {
        this.productRate = productRate;
    }

    /** Returns the share of the latest step; empty for the first, or if the model counts no operations. */
    OptionalDouble of(StepReport report) {
        if (report.modelOperations() == 0 || report.nanos() == 0) {
            return OptionalDouble.empty();
        }
        steps++;
        if (steps == 1) {
            return OptionalDouble.empty();
        }
        if (Long.bitCount(steps) == 1 && steps < PERIOD || steps % PERIOD == 0) {
            best = Math.max(best, productRate.getAsDouble());
        }
        double rate = report.modelOperations() * 1e9 / report.nanos();
        best = Math.max(best, rate);
        return OptionalDouble.of(rate / best);
    }
}
