package ds.engine;

/**
 * The scalars of one boundary (NUMERICS 3), the same on every rank: from the norm of the summed
 * gradient to the one factor that the step kernel applies.
 *
 * @param gradNorm norm of the averaged, unscaled gradient, before clipping
 * @param gradientScale what every summed gradient element is multiplied by, rounded once to fp32
 */
record StepMath(double gradNorm, float gradientScale) {
    private static final double CLIP_EPSILON = 1e-6;

    /**
     * Derives both.
     *
     * @param sumNorm norm of the summed gradient as it was exchanged
     * @param seed what backward started from: 1, or the loss scale's share
     * @param contributions n: ranks × accumulation steps
     * @param clip the largest norm allowed; 0 for none
     */
    static StepMath of(double sumNorm, double seed, int contributions, double clip) {
        double average = 1 / (seed * contributions);
        double norm = sumNorm * average;
        double excess = clip > 0 ? (norm + CLIP_EPSILON) / clip : 1;
        return new StepMath(norm, (float) (1 / (seed * contributions * Math.max(excess, 1))));
    }
}
