package ds.optim.builtin;

import ds.core.FlatBuffer;
import ds.optim.spi.Hyper;
import ds.optim.spi.Optimizer;
import ds.optim.spi.ParameterRange;
import ds.optim.spi.ParameterSpec;
import ds.optim.spi.Shard;
import ds.optim.spi.StateSlot;
import ds.optim.spi.StepContext;
import java.util.List;

/** LAMB, as {@link LambNumbers} says: two passes, between which norms are known. */
record Lamb(Hyper base, LambSettings settings, Passes passes) implements Optimizer, Optimizer.Norm {
    private static final List<StateSlot> SLOTS =
            List.of(new StateSlot("exp_avg"), StateSlot.nonNegative("exp_avg_sq"));
    private static final int NORMS = 2;

    @Override
    public List<StateSlot> slots() {
        return SLOTS;
    }

    @Override
    public Kind kind(ParameterSpec parameter) {
        return this;
    }

    @Override
    public int norms() {
        return NORMS;
    }

    @Override
    public void measure(Shard shard, StepContext context, List<FlatBuffer> measured) {
        LambNumbers numbers = LambNumbers.of(context, settings);
        FlatBuffer weights = measured.get(0);
        FlatBuffer update = measured.get(1);
        context.forEachPiece(
                shard.length(),
                (from, to) -> passes.lambMeasure(numbers, shard, weights, update, from, to));
    }

    @Override
    public void apply(Shard shard, StepContext context, List<double[]> norms) {
        LambNumbers numbers = LambNumbers.of(context, settings);
        for (int i = 0; i < shard.ranges().size(); i++) {
            ParameterRange range = shard.ranges().get(i);
            double trust = settings.trust(norms.get(i)[0], norms.get(i)[1]);
            float rate = (float) (-numbers.rate() * trust);
            long first = range.shardOffset();
            context.forEachPiece(
                    range.length(),
                    (from, to) -> passes.lambApply(numbers, rate, shard, first + from, first + to));
        }
    }
}
