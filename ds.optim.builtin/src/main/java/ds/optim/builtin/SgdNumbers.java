package ds.optim.builtin;

import ds.optim.spi.Hyper;
import ds.optim.spi.StepContext;

/**
 * The factors of one step of SGD, PyTorch's formula. Each is computed in fp64 and rounded once to
 * fp32. With g the gradient as it lies in memory:
 *
 * <pre>
 * d = weight_decay · p + scale · g
 * b = momentum · b + gain · d
 * p = p − lr · (ofBuffer · b + ofGradient · d)
 * </pre>
 *
 * <p>Nesterov's step has ofBuffer = momentum and ofGradient = 1, the classical one 1 and 0. So both
 * run the same instructions.
 *
 * @param scale the factor of every gradient element
 * @param l2 the weight that joins the gradient
 * @param momentum decay of the buffer
 * @param gain 1 − dampening; 1 at the first step, whose buffer is the gradient itself
 * @param ofBuffer how much of the buffer makes the step
 * @param ofGradient how much of the gradient makes the step
 * @param rate −lr
 */
record SgdNumbers(
        float scale,
        float l2,
        float momentum,
        float gain,
        float ofBuffer,
        float ofGradient,
        float rate) {

    /** Computes the factors of the step that {@code context} describes. */
    static SgdNumbers of(StepContext context, SgdSettings settings) {
        Hyper hyper = context.hyper();
        float momentum = (float) hyper.beta1OrMomentum();
        boolean first = context.appliedSteps() == 1;
        return new SgdNumbers(
                context.gradientScale(),
                (float) settings.weightDecay(),
                momentum,
                first ? 1 : (float) (1 - settings.dampening()),
                settings.nesterov() ? momentum : 1,
                settings.nesterov() ? 1 : 0,
                (float) -hyper.lr());
    }
}
