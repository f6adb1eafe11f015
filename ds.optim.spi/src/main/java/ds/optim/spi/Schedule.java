package ds.optim.spi;

/** Hyper-parameters as a pure function of the steps applied so far. */
@FunctionalInterface
public interface Schedule {
    /**
     * Returns what the next step uses. {@code at(0, base)} is the value right after construction.
     *
     * @param appliedSteps boundaries that changed parameters so far; skipped ones do not count
     * @param base what the optimizer's own settings say
     */
    Hyper at(long appliedSteps, Hyper base);
}
