package ds.zero;

import ds.core.FlatBuffer;
import ds.model.BackwardContext;
import ds.model.ForwardContext;
import ds.model.Init;
import ds.model.Lease;
import ds.model.ModelLayout;
import ds.model.Parameter;
import ds.model.Unit;
import java.util.List;

/**
 * Units of awkward sizes with made-up gradients: a tied table used by the first and the last unit, a
 * frozen unit and a frozen tensor, a unit without parameters, one that never gets a gradient. A
 * gradient depends on the parameter's present value, so that an error in one step shows in the next.
 */
final class SyntheticModel {
    static final Parameter TABLE =
            Parameter.of("embed.table", new Init.Normal(0.5f), 61, 48).tied("table");
    static final Parameter POSITIONS =
            Parameter.of("embed.positions", new Init.Uniform(0.5f), 10, 24);
    static final Parameter WEIGHT = Parameter.of("block.weight", new Init.Normal(0.1f), 48, 96);
    static final Parameter BIAS = Parameter.of("block.bias", Init.ZERO, 96);
    static final Parameter MASK = Parameter.of("block.mask", new Init.Uniform(1), 70, 41).frozen();
    static final Parameter IDLE = Parameter.of("idle.weight", Init.ONE, 1500);
    static final Parameter STILL =
            Parameter.of("still.weight", new Init.Normal(1), 50, 50).frozen();
    static final Parameter HEAD =
            Parameter.of("head.weight", new Init.Normal(0.5f), 61, 48).tied("table");
    static final Parameter GAIN = Parameter.of("head.gain", Init.ONE, 1);

    static final Unit EMBED = new Unit("embed", List.of(TABLE, POSITIONS));
    static final Unit BLOCK = new Unit("block", List.of(WEIGHT, BIAS, MASK));
    static final Unit NONE = new Unit("none", List.of());
    static final Unit IDLE_UNIT = new Unit("idle", List.of(IDLE));
    static final Unit STILL_UNIT = new Unit("still", List.of(STILL));
    static final Unit HEAD_UNIT = new Unit("head", List.of(HEAD, GAIN));

    static final ModelLayout LAYOUT =
            new ModelLayout(List.of(EMBED, BLOCK, NONE, IDLE_UNIT, STILL_UNIT, HEAD_UNIT));

    private SyntheticModel() {}

    /** Returns a made-up value in [−1, 1) for an element of a parameter and a micro-batch. */
    private static float noise(String name, long element, long microBatch) {
        long z = name.hashCode() * 0x9E3779B97F4A7C15L + element * 0xBF58476D1CE4E5B9L;
        z = (z ^ z >>> 30) * 0x94D049BB133111EBL + microBatch * 0xD6E8FEB86659FD93L;
        z = (z ^ z >>> 29) * 0xBF58476D1CE4E5B9L;
        return (z >> 40) * 0x1p-23f;
    }

    private static void fill(
            Parameter parameter, FlatBuffer values, long microBatch, FlatBuffer to, boolean add) {
        for (long i = 0; i < to.lengthElements(); i++) {
            float g = noise(parameter.name(), i, microBatch) + 0.25f * values.get(i);
            to.set(i, add ? to.get(i) + g : g);
        }
    }

    /** Reads every parameter in forward order, as a model would, and returns a made-up loss. */
    static double forward(long microBatch, ForwardContext context) {
        double loss = noise("loss", 0, microBatch);
        for (Unit unit : LAYOUT.units()) {
            try (Lease lease = context.acquire(unit)) {
                for (Parameter parameter : unit.parameters()) {
                    loss += lease.parameter(parameter).get(0);
                }
            }
        }
        return loss;
    }

    static void backward(long microBatch, BackwardContext context) {
        for (Unit unit : LAYOUT.units().reversed()) {
            try (Lease lease = context.acquire(unit)) {
                for (Parameter parameter : unit.parameters()) {
                    if (parameter != IDLE && context.gradient(parameter).wanted()) {
                        FlatBuffer values = lease.parameter(parameter);
                        context.gradient(parameter)
                                .accumulate(
                                        (to, add) -> fill(parameter, values, microBatch, to, add));
                    }
                }
            }
            context.complete(unit);
        }
    }
}
