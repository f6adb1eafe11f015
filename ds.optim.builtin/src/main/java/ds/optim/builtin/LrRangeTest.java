package ds.optim.builtin;

import ds.optim.spi.Hyper;
import ds.optim.spi.Schedule;

/**
 * Smith's learning-rate range test (arXiv:1803.09820): the rate grows without end, linearly or in
 * stairs, so that a curve of the loss shows where training breaks.
 *
 * @param minLr learning rate at the start
 * @param stepSize iterations in which the rate grows by {@code rate} times {@code minLr}
 * @param rate growth per {@code stepSize}
 * @param stairs whether it grows at the end of each {@code stepSize} only
 * @param start iteration of the value after construction; −1 unless a run is continued by hand
 */
record LrRangeTest(double minLr, long stepSize, double rate, boolean stairs, long start)
        implements Schedule {
    @Override
    public Hyper at(long appliedSteps, Hyper base) {
        if (appliedSteps == 0) {
            return start < 0 ? base.withLr(minLr) : base;
        }
        long count = start + appliedSteps + 1;
        double interval = stairs ? count / stepSize : (double) count / stepSize;
        return base.withLr(minLr * (1 + rate * interval));
    }
}
