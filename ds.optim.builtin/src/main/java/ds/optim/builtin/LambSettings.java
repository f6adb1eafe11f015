package ds.optim.builtin;

/**
 * What no schedule changes.
 *
 * @param eps added to the denominator, 0 or more
 * @param epsInsideSqrt whether it is added under the root
 * @param weightDecay the weight that joins the update, 0 or more
 * @param biasCorrection whether the step is scaled while the moments are young
 * @param least smallest trust ratio
 * @param most largest trust ratio
 */
record LambSettings(
        double eps,
        boolean epsInsideSqrt,
        double weightDecay,
        boolean biasCorrection,
        double least,
        double most) {
    /** Returns how far a parameter may go, by the norms of its weights and of its update. */
    double trust(double weights, double update) {
        if (weights == 0 || update == 0) {
            return 1;
        }
        return Math.max(Math.min(weights / update, most), least);
    }
}
