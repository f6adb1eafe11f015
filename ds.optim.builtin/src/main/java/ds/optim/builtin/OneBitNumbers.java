package ds.optim.builtin;

import ds.core.FlatBuffer;
import ds.optim.spi.Shard;
import ds.optim.spi.StepContext;

/**
 * The arithmetic that the 1-bit family shares, over one replica. No bias is corrected. With g the
 * gradient as it lies in memory:
 *
 * <pre>
 * d = scale · g
 * m = beta1 · m + (1 − beta1) · d
 * v = beta2 · v + (1 − beta2) · d · d
 * u = m / (sqrt(v) + eps) + weight_decay · p
 * p = p − rate · u
 * </pre>
 *
 * @param factors of {@link LambNumbers}, whose passes these are
 * @param passes scalar or vector
 * @param context of the step
 */
record OneBitNumbers(LambNumbers factors, Passes passes, StepContext context) {
    /**
     * What no schedule changes.
     *
     * @param eps added to the denominator, 0 or more
     * @param weightDecay the weight that joins the update, 0 or more
     */
    record Rule(double eps, double weightDecay) {}

    static OneBitNumbers of(StepContext context, Rule rule, Passes passes) {
        LambSettings settings =
                new LambSettings(rule.eps(), false, rule.weightDecay(), false, 1, 1);
        return new OneBitNumbers(LambNumbers.of(context, settings), passes, context);
    }

    /** Updates both moments; writes the weights and the update into scratch. */
    void moments(Shard replica, FlatBuffer weights, FlatBuffer update) {
        context.forEachPiece(
                replica.length(),
                (from, to) -> passes.lambMeasure(factors, replica, weights, update, from, to));
    }

    /** m = beta1 · m + (1 − beta1) · factor · from. */
    void firstMoment(Shard replica, FlatBuffer from, float factor) {
        FlatBuffer m = replica.slots().getFirst();
        context.kernels().scale(factors.beta1(), m, m, false);
        context.kernels().scale(factors.gain1() * factor, from, m, true);
    }

    /** p = p − rate · u, with the 16-bit copy. */
    void step(Shard replica, double rate) {
        float factor = (float) -rate;
        context.forEachPiece(
                replica.length(),
                (from, to) -> passes.lambApply(factors, factor, replica, from, to));
    }
}
