package ds.optim.builtin;

import ds.optim.spi.Hyper;
import ds.optim.spi.Optimizer;
import ds.optim.spi.ParameterRange;
import ds.optim.spi.ParameterSpec;
import ds.optim.spi.Shard;
import ds.optim.spi.StateSlot;
import ds.optim.spi.StepContext;
import java.util.List;

/** Lion, as {@link LionNumbers} says. It steps parameters only: it would move padding. */
record Lion(Hyper base, double weightDecay, Passes passes) implements Optimizer, Optimizer.Element {
    private static final List<StateSlot> SLOTS = List.of(new StateSlot("exp_avg"));

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
        LionNumbers numbers = LionNumbers.of(context, weightDecay);
        for (ParameterRange range : shard.ranges()) {
            long first = range.shardOffset();
            context.forEachPiece(
                    range.length(),
                    (from, to) -> passes.lion(numbers, shard, first + from, first + to));
        }
    }
}
