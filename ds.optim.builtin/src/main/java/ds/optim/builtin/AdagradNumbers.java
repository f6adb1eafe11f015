package ds.optim.builtin;

import ds.optim.spi.StepContext;

/**
 * The factors of one Adagrad step (Duchi et al. 2011), PyTorch's formula. Each is computed in fp64
 * and rounded once to fp32. With g the gradient as it lies in memory:
 *
 * <pre>
 * d = l2 · p + scale · g
 * s = s + d · d
 * p = p − lr / (1 + (t − 1) lr_decay) · d / (sqrt(s + initial) + eps)
 * </pre>
 *
 * <p>PyTorch's sum starts at {@code initial}; ours starts at 0 and leaves it out, because states
 * start at zero. DeepSpeed's CPU Adagrad, which it takes where states are offloaded, leaves the
 * decay out of the numerator: here a step is the same wherever its state rests.
 *
 * @param scale the factor of every gradient element
 * @param l2 the weight that joins the gradient
 * @param initial what the sum of squares is larger by
 * @param eps added to the denominator; never 0, so that an element without gradient stays in place
 * @param rate minus the decayed learning rate
 */
record AdagradNumbers(float scale, float l2, float initial, float eps, float rate) {
    /** Computes the factors of the step that {@code context} describes. */
    static AdagradNumbers of(StepContext context, AdagradSettings settings) {
        double decayed = 1 + (context.appliedSteps() - 1) * settings.lrDecay();
        return new AdagradNumbers(
                context.gradientScale(),
                (float) settings.weightDecay(),
                (float) settings.initial(),
                Math.max((float) settings.eps(), Float.MIN_VALUE),
                (float) (-context.hyper().lr() / decayed));
    }
}
