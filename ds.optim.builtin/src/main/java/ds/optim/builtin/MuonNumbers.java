package ds.optim.builtin;

import ds.optim.spi.StepContext;

/**
 * The factors of one Muon step (Jordan et al. 2024). Each is computed in fp64 and rounded once to
 * fp32. With g the gradient as it lies in memory and O the nearest orthogonal matrix, nearly:
 *
 * <pre>
 * d = scale · g
 * m = m + (1 − momentum) · (d − m)
 * u = d + momentum · (m − d)
 * p = (1 − lr · weight_decay) · p − lr · sqrt(max(1, rows / columns)) · O(u)
 * </pre>
 *
 * @param scale the factor of every gradient element
 * @param gain 1 − momentum
 * @param momentum decay of the momentum
 * @param rate the factor of the direction
 * @param decay the factor of the weight
 */
record MuonNumbers(float scale, float gain, float momentum, float rate, float decay) {
    /** Computes the factors of the step of a matrix that {@code context} describes. */
    static MuonNumbers of(StepContext context, double weightDecay, int rows, int columns) {
        double lr = context.hyper().lr();
        double momentum = context.hyper().beta1OrMomentum();
        return new MuonNumbers(
                context.gradientScale(),
                (float) (1 - momentum),
                (float) momentum,
                (float) (-lr * Math.sqrt(Math.max(1, (double) rows / columns))),
                (float) (1 - lr * weightDecay));
    }
}
