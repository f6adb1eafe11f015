package ds.optim.builtin;

import ds.optim.spi.Hyper;
import ds.optim.spi.Optimizer;
import ds.optim.spi.ParameterSpec;
import ds.optim.spi.Shard;
import ds.optim.spi.StateSlot;
import ds.optim.spi.StepContext;
import java.util.List;

/** Adagrad, as {@link AdagradNumbers} says. */
record Adagrad(Hyper base, AdagradSettings settings, Passes passes)
        implements Optimizer, Optimizer.Element {
    private static final List<StateSlot> SLOTS = List.of(StateSlot.nonNegative("sum"));

    @Override
    public List<StateSlot> slots() {
        return SLOTS;
    }

    @Override
    public Kind kind(ParameterSpec parameter) {
        return this;
    }

    @Override
    public void step(Shard shard, StepContext context) {
        AdagradNumbers numbers = AdagradNumbers.of(context, settings);
        context.forEachPiece(
                shard.length(), (from, to) -> passes.adagrad(numbers, shard, from, to));
    }
}
