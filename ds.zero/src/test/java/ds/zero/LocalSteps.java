package ds.zero;

import ds.core.FlatBuffer;
import ds.optim.spi.Hyper;
import ds.optim.spi.Optimizer;
import ds.optim.spi.ParameterSpec;
import ds.optim.spi.Shard;
import ds.optim.spi.StateSlot;
import ds.optim.spi.StepContext;
import java.util.List;

/** Takes reduced gradients in its first step and its own, which it averages itself, from then on. */
final class LocalSteps implements Optimizer, Optimizer.Replica {
    @Override
    public Hyper base() {
        return new Hyper(0.1, 0, 0);
    }

    @Override
    public List<StateSlot> slots() {
        return List.of(new StateSlot("mean"));
    }

    @Override
    public Kind kind(ParameterSpec parameter) {
        return this;
    }

    @Override
    public Gradients gradients(long appliedSteps) {
        return appliedSteps == 0 ? Gradients.REDUCED : Gradients.LOCAL;
    }

    @Override
    public long keptElements(List<ParameterSpec> parameters, int ranks) {
        return parameters.size();
    }

    @Override
    public void step(
            List<Shard> replicas, StepContext context, Exchange exchange, FlatBuffer kept) {
        for (int i = 0; i < replicas.size(); i++) {
            if (kept.get(i) != context.appliedSteps() - 1) {
                throw new IllegalStateException("Not as it was left: " + kept.get(i));
            }
            kept.set(i, context.appliedSteps());
            step(replicas.get(i), context, exchange);
        }
    }

    private static void step(Shard replica, StepContext context, Exchange exchange) {
        var mean = replica.slots().getFirst();
        mean.copyFrom(replica.gradient());
        exchange.allReduceMean(mean);
        for (long i = 0; i < replica.length(); i++) {
            float w = replica.master().get(i) - 0.01f * context.gradientScale() * mean.get(i);
            replica.master().set(i, w);
            long at = i;
            replica.copyOut().ifPresent(copy -> copy.set(at, w));
        }
    }
}
