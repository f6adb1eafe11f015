package example.signum;

import ds.core.FlatBuffer;
import ds.optim.spi.Hyper;
import ds.optim.spi.Optimizer;
import ds.optim.spi.ParameterSpec;
import ds.optim.spi.Shard;
import ds.optim.spi.StateSlot;
import ds.optim.spi.StepContext;
import java.util.List;

/** m = momentum · m + (1 − momentum) · g; w = w − lr · sign(m). */
record Signum(double lr, double momentum) implements Optimizer, Optimizer.Element {
    @Override
    public Hyper base() {
        return new Hyper(lr, momentum, 0); // a schedule starts from these
    }

    @Override
    public List<StateSlot> slots() {
        return List.of(new StateSlot("momentum")); // fp32, zero at first; the runtime owns it
    }

    @Override
    public Kind kind(ParameterSpec parameter) {
        return this; // every element by itself, so any shard will do
    }

    @Override
    public void step(Shard shard, StepContext context) {
        float rate = (float) context.hyper().lr();
        float decay = (float) context.hyper().beta1OrMomentum();
        FlatBuffer w = shard.master();
        FlatBuffer g = shard.gradient();
        FlatBuffer m = shard.slots().getFirst();
        context.forEachPiece(
                shard.length(),
                (from, to) -> {
                    for (long i = from; i < to; i++) {
                        float scaled = g.get(i) * context.gradientScale();
                        float next = decay * m.get(i) + (1 - decay) * scaled;
                        m.set(i, next);
                        w.set(i, w.get(i) - rate * Math.signum(next));
                    }
                });
        shard.copyOut().ifPresent(copy -> context.kernels().convert(w, copy));
    }
}
