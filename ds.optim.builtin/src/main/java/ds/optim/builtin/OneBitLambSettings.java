package ds.optim.builtin;

/**
 * What no schedule changes.
 *
 * @param freezeStep the first step of compressed exchanges
 * @param least smallest trust ratio of the warm-up
 * @param most largest trust ratio of the warm-up
 * @param memory how much of the remembered trust ratio stays at each step of the warm-up
 * @param factorMost largest correction of the remembered ratio
 * @param factorLeast smallest correction
 * @param factorChange how far a correction may be from the last one, as a share of it
 */
record OneBitLambSettings(
        long freezeStep,
        double least,
        double most,
        double memory,
        double factorMost,
        double factorLeast,
        double factorChange) {
    /** Returns how far a parameter may go, by the norms of its weights and of its update. */
    double trust(double weights, double update) {
        return weights == 0 || update == 0 ? 1 : Math.max(Math.min(weights / update, most), least);
    }

    /** Returns what is remembered after a step with {@code trust}. */
    double remember(double remembered, double trust) {
        return memory * remembered + (1 - memory) * trust;
    }

    /** Returns a correction inside its limits, the last one being {@code before}. */
    double limited(double correction, double before) {
        double inside = Math.max(Math.min(correction, factorMost), factorLeast);
        return Math.max(Math.min(inside, before * (1 + factorChange)), before * (1 - factorChange));
    }
}
