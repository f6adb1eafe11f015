package ds.zero;

import ds.core.FlatBuffer;
import ds.optim.spi.Hyper;
import ds.optim.spi.Optimizer;
import ds.optim.spi.ParameterRange;
import ds.optim.spi.ParameterSpec;
import ds.optim.spi.Shard;
import ds.optim.spi.StateSlot;
import ds.optim.spi.StepContext;
import java.util.List;

/** SGD with momentum, element by element: the smallest optimizer with a state. */
final class Momentum implements Optimizer, Optimizer.Element {
    @Override
    public Hyper base() {
        return new Hyper(0.1, 0.9, 0);
    }

    @Override
    public List<StateSlot> slots() {
        return List.of(new StateSlot("momentum"));
    }

    @Override
    public Kind kind(ParameterSpec parameter) {
        return this;
    }

    @Override
    public void step(Shard shard, StepContext context) {
        float lr = (float) context.hyper().lr();
        float beta = (float) context.hyper().beta1OrMomentum();
        FlatBuffer momentum = shard.slots().getFirst();
        for (ParameterRange range : shard.ranges()) {
            for (long i = range.shardOffset(); i < range.shardOffset() + range.length(); i++) {
                float g = shard.gradient().get(i) * context.gradientScale();
                float m = beta * momentum.get(i) + g;
                float w = shard.master().get(i) - lr * m;
                momentum.set(i, m);
                shard.master().set(i, w);
                long at = i;
                shard.copyOut().ifPresent(copy -> copy.set(at, w));
            }
        }
    }
}
