package ds.optim.builtin;

import ds.optim.spi.Hyper;
import ds.optim.spi.StepContext;

/**
 * The factors of one Adam step. Each is computed in fp64 and rounded once to fp32. With g the
 * gradient as it lies in memory:
 *
 * <pre>
 * d = l2 · p + scale · g
 * m = beta1 · m + (1 − beta1) · d
 * v = beta2 · v + (1 − beta2) · d · d
 * p = decay · p − lr / (1 − beta1^t) · m / (sqrt(v) / sqrt(1 − beta2^t) + eps)
 * </pre>
 *
 * <p>Decoupled decay (AdamW) has l2 = 0 and decay = 1 − lr · weight_decay; the L2 penalty of plain
 * Adam has l2 = weight_decay and decay = 1. So both run the same instructions.
 *
 * @param scale the factor of every gradient element
 * @param l2 the weight that joins the gradient
 * @param beta1 decay of the first moment
 * @param gain1 1 − beta1
 * @param beta2 decay of the second moment
 * @param gain2 1 − beta2
 * @param root 1 / sqrt(1 − beta2^t), or 1 without bias correction
 * @param eps added to the denominator; never 0, so that an element without gradient stays in place
 * @param rate −lr / (1 − beta1^t), or −lr without bias correction
 * @param decay the factor of the weight
 */
record AdamNumbers(
        float scale,
        float l2,
        float beta1,
        float gain1,
        float beta2,
        float gain2,
        float root,
        float eps,
        float rate,
        float decay) {

    /** Computes the factors of the step that {@code context} describes. */
    static AdamNumbers of(StepContext context, AdamSettings settings) {
        Hyper hyper = context.hyper();
        double beta1 = hyper.beta1OrMomentum();
        double beta2 = hyper.beta2();
        double rate = -hyper.lr();
        double root = 1;
        if (settings.biasCorrection()) {
            rate /= 1 - power(beta1, context.appliedSteps());
            root = 1 / Math.sqrt(1 - power(beta2, context.appliedSteps()));
        }
        double penalty = settings.weightDecay();
        boolean decoupled = settings.decoupled();
        return new AdamNumbers(
                context.gradientScale(),
                decoupled ? 0 : (float) penalty,
                (float) beta1,
                (float) (1 - beta1),
                (float) beta2,
                (float) (1 - beta2),
                (float) root,
                Math.max((float) settings.eps(), Float.MIN_VALUE),
                (float) rate,
                decoupled ? (float) (1 - hyper.lr() * penalty) : 1);
    }

    /** Returns base^exponent by repeated squaring: the same bits on every machine. */
    static double power(double base, long exponent) {
        double result = 1;
        double square = base;
        for (long rest = exponent; rest > 0; rest >>= 1) {
            if ((rest & 1) != 0) {
                result *= square;
            }
            square *= square;
        }
        return result;
    }
}
