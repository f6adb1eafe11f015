package ds.it;

import ds.core.DType;
import ds.core.FlatBuffer;
import ds.kernels.Kernels;
import ds.kernels.Philox;
import ds.model.Activations;
import ds.model.BackwardContext;
import ds.model.Batch;
import ds.model.ForwardContext;
import ds.model.Gradient;
import ds.model.Lease;
import ds.model.Mode;
import ds.model.ModelLayout;
import ds.model.Parameter;
import ds.model.TrainableModel;
import ds.model.Unit;
import ds.model.Workspace;
import java.util.HashMap;
import java.util.Map;
import java.util.function.Supplier;

/**
 * A model that adds up, beside the engine, what each rank contributes to a step: as DeepSpeed's stage
 * 1 does, a rank's own micro-batches first, in fp16, and the ranks' sums only at the step's end.
 */
final class OwnSums implements TrainableModel {
    /** From here on a number is rounded to infinity in fp16. */
    static final float LIMIT = 65_520;

    /**
     * What one step's gradients came to, scaled by the loss scale.
     *
     * @param own the largest magnitude in one rank's sum, before fp16 cuts it off
     * @param average the largest magnitude in the mean of the ranks' sums
     */
    record Largest(float own, float average) {}

    private static final class Sum {
        private float[] exact = new float[0];
        private float[] half = new float[0];
    }

    private static final class Rank {
        private final Map<String, Sum> sums = new HashMap<>();
        private int backwards;
    }

    private final TrainableModel model;
    private final int world;
    private final int accumulation;
    private final boolean enforced;
    private final ThreadLocal<Rank> ranks = ThreadLocal.withInitial(Rank::new);
    private final Map<String, float[]> total = new HashMap<>();
    private float largestOwn;

    /**
     * Wraps {@code model}.
     *
     * @param enforced whether a rank whose own sum is infinite hands over an infinite gradient
     */
    OwnSums(TrainableModel model, int world, int accumulation, boolean enforced) {
        this.model = model;
        this.world = world;
        this.accumulation = accumulation;
        this.enforced = enforced;
    }

    /** Returns what the last step came to, and begins the next. */
    synchronized Largest next() {
        float average = 0;
        for (float[] sum : total.values()) {
            average = Math.max(average, largest(sum) / world);
        }
        Largest result = new Largest(largestOwn, average);
        total.clear();
        largestOwn = 0;
        return result;
    }

    @Override
    public ModelLayout layout() {
        return model.layout();
    }

    @Override
    public Activations forward(Batch batch, ForwardContext context) {
        return model.forward(batch, context);
    }

    @Override
    public void backward(Activations activations, float lossSeed, BackwardContext context) {
        Rank rank = ranks.get();
        model.backward(activations, lossSeed, new Listening(context, rank));
        rank.backwards++;
    }

    /** Adds one contribution; the last one of a step may be made infinite. */
    private void add(Rank rank, String name, FlatBuffer contribution) {
        Sum sum = rank.sums.computeIfAbsent(name, _ -> new Sum());
        float[] values = contribution.toFloats();
        if (rank.backwards % accumulation == 0) {
            sum.exact = values;
            sum.half = values.clone();
        } else {
            for (int i = 0; i < values.length; i++) {
                sum.exact[i] += values[i];
                sum.half[i] = Float.float16ToFloat(Float.floatToFloat16(sum.half[i] + values[i]));
            }
        }
        if (rank.backwards % accumulation == accumulation - 1) {
            if (enforced && !Float.isFinite(largest(sum.half))) {
                contribution.set(0, Float.POSITIVE_INFINITY);
            }
            note(name, sum.exact);
        }
    }

    private synchronized void note(String name, float[] own) {
        largestOwn = Math.max(largestOwn, largest(own));
        float[] all = total.computeIfAbsent(name, _ -> new float[own.length]);
        for (int i = 0; i < own.length; i++) {
            all[i] += own[i];
        }
    }

    /** Returns the largest magnitude; infinity if one is not a number. */
    private static float largest(float... values) {
        float largest = 0;
        for (float value : values) {
            largest =
                    Math.max(
                            largest,
                            Float.isNaN(value) ? Float.POSITIVE_INFINITY : Math.abs(value));
        }
        return largest;
    }

    /** Sees every gradient when it is in its place. */
    private final class Listening implements BackwardContext {
        private final BackwardContext context;
        private final Rank rank;

        Listening(BackwardContext context, Rank rank) {
            this.context = context;
            this.rank = rank;
        }

        @Override
        public Gradient gradient(Parameter parameter) {
            Gradient place = context.gradient(parameter);
            return new Gradient() {
                @Override
                public boolean wanted() {
                    return place.wanted();
                }

                @Override
                public void accumulate(Writer writer) {
                    place.accumulate(
                            (target, again) -> {
                                if (again) {
                                    throw new IllegalStateException(
                                            "'%s' is used twice; this model takes each parameter once."
                                                    .formatted(parameter.name()));
                                }
                                writer.write(target, false);
                                add(rank, parameter.name(), target);
                            });
                }

                @Override
                public void accumulate(FlatBuffer contribution) {
                    accumulate((target, _) -> kernels().convert(contribution, target));
                }
            };
        }

        @Override
        public void complete(Unit unit) {
            context.complete(unit);
        }

        @Override
        public Lease acquire(Unit unit) {
            return context.acquire(unit);
        }

        @Override
        public Mode mode() {
            return context.mode();
        }

        @Override
        public DType activationType() {
            return context.activationType();
        }

        @Override
        public DType productType() {
            return context.productType();
        }

        @Override
        public Philox dropout() {
            return context.dropout();
        }

        @Override
        public Kernels kernels() {
            return context.kernels();
        }

        @Override
        public Workspace workspace() {
            return context.workspace();
        }

        @Override
        public <T> T keep(Class<T> type, Supplier<T> create) {
            return context.keep(type, create);
        }
    }
}
