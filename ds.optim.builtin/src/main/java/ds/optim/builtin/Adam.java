package ds.optim.builtin;

import ds.optim.spi.Hyper;
import ds.optim.spi.Optimizer;
import ds.optim.spi.ParameterSpec;
import ds.optim.spi.Shard;
import ds.optim.spi.StateSlot;
import ds.optim.spi.StepContext;
import java.util.List;

/**
 * Adam (Kingma and Ba 2015), AdamW (Loshchilov and Hutter 2019) and AMSGrad (Reddi et al. 2018), as
 * {@link AdamNumbers} says.
 */
final class Adam implements Optimizer, Optimizer.Element {
    private static final List<StateSlot> SLOTS =
            List.of(new StateSlot("exp_avg"), StateSlot.nonNegative("exp_avg_sq"));
    private static final List<StateSlot> AMSGRAD =
            List.of(
                    new StateSlot("exp_avg"),
                    StateSlot.nonNegative("exp_avg_sq"),
                    StateSlot.nonNegative("max_exp_avg_sq"));

    private final Hyper base;
    private final AdamSettings settings;
    private final Passes passes;

    Adam(Hyper base, AdamSettings settings, Passes passes) {
        this.base = base;
        this.settings = settings;
        this.passes = passes;
    }

    @Override
    public Hyper base() {
        return base;
    }

    @Override
    public List<StateSlot> slots() {
        return settings.amsgrad() ? AMSGRAD : SLOTS;
    }

    @Override
    public Kind kind(ParameterSpec parameter) {
        return this;
    }

    @Override
    public void step(Shard shard, StepContext context) {
        AdamNumbers numbers = AdamNumbers.of(context, settings);
        context.forEachPiece(
                shard.length(),
                settings.amsgrad()
                        ? (from, to) -> passes.amsgrad(numbers, shard, from, to)
                        : (from, to) -> passes.adam(numbers, shard, from, to));
    }

    @Override
    public String toString() {
        return "Adam[%s, %s]".formatted(base, settings);
    }
}
