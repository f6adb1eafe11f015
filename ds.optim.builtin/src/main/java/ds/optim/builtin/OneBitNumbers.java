package ds.optim.builtin;

import ds.core.FlatBuffer;
import ds.optim.spi.Shard;
import ds.optim.spi.StepContext;
import java.lang.foreign.MemorySegment;

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
 * <p>Where v is 0, an exchanged m is 0 as well: see {@link #clearUntouched}.
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

    /**
     * Clears the first moment where the second is 0: of elements that had no gradient. An exchange of
     * signs gives them a whole scale, which eps alone would divide. DeepSpeed leaves that to its
     * users, who name such elements in {@code exp_avg_mask}.
     */
    void clearUntouched(Shard replica) {
        MemorySegment first = replica.slots().get(0).segment();
        MemorySegment second = replica.slots().get(1).segment();
        context.forEachPiece(
                replica.length(),
                (from, to) -> {
                    for (long at = from * Float.BYTES; at < to * Float.BYTES; at += Float.BYTES) {
                        if (second.get(FlatBuffer.FLOAT, at) == 0) {
                            first.set(FlatBuffer.FLOAT, at, 0);
                        }
                    }
                });
    }

    /** p = p − rate · u, with the 16-bit copy. */
    void step(Shard replica, double rate) {
        float factor = (float) -rate;
        context.forEachPiece(
                replica.length(),
                (from, to) -> passes.lambApply(factors, factor, replica, from, to));
    }
}
