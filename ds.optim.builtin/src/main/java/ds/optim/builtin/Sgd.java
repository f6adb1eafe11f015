package ds.optim.builtin;

import ds.optim.spi.Hyper;
import ds.optim.spi.Optimizer;
import ds.optim.spi.ParameterSpec;
import ds.optim.spi.Shard;
import ds.optim.spi.StateSlot;
import ds.optim.spi.StepContext;
import java.util.List;

/**
 * Stochastic gradient descent, as {@link SgdNumbers} says. Without momentum in its settings it keeps
 * no state, and a schedule cannot give it any.
 */
final class Sgd implements Optimizer, Optimizer.Element {
    private final Hyper base;
    private final SgdSettings settings;
    private final Passes passes;
    private final boolean hasMomentum;

    Sgd(Hyper base, SgdSettings settings, Passes passes) {
        this.base = base;
        this.settings = settings;
        this.passes = passes;
        this.hasMomentum = base.beta1OrMomentum() != 0;
    }

    @Override
    public Hyper base() {
        return base;
    }

    @Override
    public List<StateSlot> slots() {
        return hasMomentum ? List.of(new StateSlot("momentum_buffer")) : List.of();
    }

    @Override
    public Kind kind(ParameterSpec parameter) {
        return this;
    }

    @Override
    public void step(Shard shard, StepContext context) {
        SgdNumbers numbers = SgdNumbers.of(context, settings);
        context.forEachPiece(
                shard.length(),
                hasMomentum
                        ? (from, to) -> passes.momentum(numbers, shard, from, to)
                        : (from, to) -> passes.plain(numbers, shard, from, to));
    }

    @Override
    public String toString() {
        return "Sgd[%s, %s]".formatted(base, settings);
    }
}
