package ds.optim.builtin;

import ds.optim.spi.Hyper;
import ds.optim.spi.StepContext;

/**
 * The factors of one Lion step (Chen et al. 2023, arXiv:2302.06675). Each is computed in fp64 and
 * rounded once to fp32. With g the gradient as it lies in memory:
 *
 * <pre>
 * d = scale · g
 * c = beta1 · m + (1 − beta1) · d
 * p = (1 − lr · weight_decay) · p − lr · sign(c)
 * m = beta2 · m + (1 − beta2) · d
 * </pre>
 *
 * <p>The sign is the sign bit, as in DeepSpeed: a weight whose blend is exactly 0 moves by −lr.
 *
 * @param scale the factor of every gradient element
 * @param beta1 decay of the momentum in the blend
 * @param gain1 1 − beta1
 * @param beta2 decay of the momentum that is kept
 * @param gain2 1 − beta2
 * @param rate the learning rate
 * @param decay the factor of the weight
 */
record LionNumbers(
        float scale, float beta1, float gain1, float beta2, float gain2, float rate, float decay) {
    /** Computes the factors of the step that {@code context} describes. */
    static LionNumbers of(StepContext context, double weightDecay) {
        Hyper hyper = context.hyper();
        return new LionNumbers(
                context.gradientScale(),
                (float) hyper.beta1OrMomentum(),
                (float) (1 - hyper.beta1OrMomentum()),
                (float) hyper.beta2(),
                (float) (1 - hyper.beta2()),
                (float) hyper.lr(),
                (float) (1 - hyper.lr() * weightDecay));
    }
}
