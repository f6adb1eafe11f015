package example.inverse;

import ds.optim.spi.Hyper;
import ds.optim.spi.Schedule;

/** Up in a straight line, then down with the root of the step: Vaswani et al. 2017, section 5.3. */
record InverseRoot(double warmup) implements Schedule {
    @Override
    public Hyper at(long appliedSteps, Hyper base) {
        double step = appliedSteps + 1.0; // at(0) is what the first step uses
        return base.withLr(base.lr() * Math.min(step / warmup, Math.sqrt(warmup / step)));
    }
}
