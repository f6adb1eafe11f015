package ds.optim.builtin;

import ds.optim.spi.Hyper;
import ds.optim.spi.StepContext;

/**
 * The factors of one LAMB step (You et al. 2020), DeepSpeed's FusedLamb. Each is computed in fp64
 * and rounded once to fp32. With g the gradient as it lies in memory:
 *
 * <pre>
 * d = scale · g
 * m = beta1 · m + (1 − beta1) · d
 * v = beta2 · v + (1 − beta2) · d · d
 * u = m / (sqrt(v + inside) + outside) + weight_decay · p
 * p = p − rate · trust · u
 * </pre>
 *
 * <p>trust is |p| / |u| over the whole parameter, held between the coefficients, and 1 where either
 * norm is 0. Bias correction is in the rate only: lr · sqrt(1 − beta2^t) / (1 − beta1^t).
 *
 * @param scale the factor of every gradient element
 * @param beta1 decay of the first moment
 * @param gain1 1 − beta1
 * @param beta2 decay of the second moment
 * @param gain2 1 − beta2
 * @param inside epsilon under the root; where epsilon is outside, 0
 * @param outside epsilon beside the root; never 0, so that an element without gradient stays
 * @param decay the weight that joins the update
 * @param rate step size before trust, in fp64
 */
record LambNumbers(
        float scale,
        float beta1,
        float gain1,
        float beta2,
        float gain2,
        float inside,
        float outside,
        float decay,
        double rate) {
    /** Computes the factors of the step that {@code context} describes. */
    static LambNumbers of(StepContext context, LambSettings settings) {
        Hyper hyper = context.hyper();
        double beta1 = hyper.beta1OrMomentum();
        double beta2 = hyper.beta2();
        double rate = hyper.lr();
        if (settings.biasCorrection()) {
            rate *=
                    Math.sqrt(1 - AdamNumbers.power(beta2, context.appliedSteps()))
                            / (1 - AdamNumbers.power(beta1, context.appliedSteps()));
        }
        float eps = (float) settings.eps();
        return new LambNumbers(
                context.gradientScale(),
                (float) beta1,
                (float) (1 - beta1),
                (float) beta2,
                (float) (1 - beta2),
                settings.epsInsideSqrt() ? eps : 0,
                settings.epsInsideSqrt() ? Float.MIN_VALUE : Math.max(eps, Float.MIN_VALUE),
                (float) settings.weightDecay(),
                rate);
    }
}
