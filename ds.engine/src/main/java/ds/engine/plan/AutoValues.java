package ds.engine.plan;

import ds.config.AutoKey;
import ds.config.BatchSizes;
import ds.config.DsConfig;
import ds.config.Tunable;
import ds.core.KeyDeclaration.Status;
import ds.model.ModelLayout;
import ds.model.Parameter;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What {@code "auto"} becomes: the values that the Hugging Face Trainer fills in, from the model and
 * from the Trainer's own defaults, and DeepSpeed's default for every other key. Each is a decision of
 * the plan.
 */
final class AutoValues {
    /** The Trainer's per_device_train_batch_size. */
    static final long MICRO = 8;

    /** The Trainer's gradient_accumulation_steps. */
    static final long ACCUMULATION = 1;

    private static final double MAX_GRAD_NORM = 1.0;
    private static final String TRAINER = "what the Hugging Face Trainer takes by default";
    private static final String NO_EFFECT = "; it has no effect here, since ";
    private static final long PERSISTENT_VECTORS = 10;
    private static final double PREFETCHED_SHARE = 0.9;

    private final List<Decision> decisions;
    private final long hidden;

    AutoValues(ModelLayout layout, List<Decision> decisions) {
        this.decisions = decisions;
        this.hidden = hiddenSize(layout);
    }

    /** The width of the model, as far as its parameters tell: the size most vectors have; or 0. */
    private static long hiddenSize(ModelLayout layout) {
        Map<Long, Integer> uses = new HashMap<>();
        for (Parameter parameter : layout.storages()) {
            if (parameter.shape().size() == 1) {
                uses.merge(parameter.elements(), 1, Integer::sum);
            }
        }
        long size = 0;
        for (Map.Entry<Long, Integer> entry : uses.entrySet()) {
            int most = uses.getOrDefault(size, 0);
            if (entry.getValue() > most || entry.getValue() == most && entry.getKey() < size) {
                size = entry.getKey();
            }
        }
        return size;
    }

    /** Says what the batch keys became that were left open. */
    void batch(BatchSizes written, BatchSizes.Resolved found) {
        for (String key : written.auto()) {
            switch (key) {
                case "train_batch_size" ->
                        decided(
                                "/" + key,
                                found.train(),
                                "%d (micro) x %d (accumulation) x %d (ranks)"
                                        .formatted(
                                                found.micro(),
                                                found.accumulation(),
                                                found.ranks()));
                case "gradient_accumulation_steps" ->
                        decided(
                                "/" + key,
                                found.accumulation(),
                                written.train().isPresent()
                                        ? "train_batch_size %d over %d (micro) x %d (ranks)"
                                                .formatted(
                                                        found.train(), found.micro(), found.ranks())
                                        : TRAINER);
                default ->
                        decided(
                                "/" + key,
                                found.micro(),
                                written.train().isPresent()
                                        ? "a share of train_batch_size %d, at most %d unless the accumulation is given"
                                                .formatted(found.train(), MICRO)
                                        : TRAINER);
            }
        }
    }

    /** Returns whether a precision is on; the Trainer's own switches are off by default. */
    boolean enabled(Tunable<Boolean> value, String pointer) {
        return take(value, false, pointer, "fp32 unless asked for, as the Trainer's own switch");
    }

    /** Returns the largest gradient norm. */
    double clip(Tunable<Double> value) {
        return take(value, MAX_GRAD_NORM, "/gradient_clipping", TRAINER);
    }

    /** Returns {@code reduce_bucket_size}: the hidden size squared. */
    long reduceBucket(Tunable<Long> value) {
        return size(value, hidden * hidden, "reduce_bucket_size", "squared");
    }

    /** Returns {@code stage3_prefetch_bucket_size}: 0.9 of the hidden size squared. */
    long prefetchBucket(Tunable<Long> value, int stage) {
        return ofWidth(stage)
                ? value.orPlanned((long) (PREFETCHED_SHARE * hidden * hidden))
                : value.value();
    }

    /** Says what {@code stage3_prefetch_bucket_size} became, and why that has no effect, if so. */
    void prefetched(Tunable<Long> value, int stage, Optional<String> idle) {
        if (value.isAuto()) {
            decided(
                    ReadAheadChoice.POINTER,
                    prefetchBucket(value, stage),
                    (ofWidth(stage)
                                    ? "hidden size %d squared x 0.9".formatted(hidden)
                                    : "the default")
                            + idle.map(why -> NO_EFFECT + why).orElse(""));
        }
    }

    /** The Trainer fills these in at stage 3 only; below, DeepSpeed's default stands. */
    private boolean ofWidth(int stage) {
        return stage == 3 && hidden > 0;
    }

    /** Returns {@code stage3_param_persistence_threshold}: ten times the hidden size. */
    long persistence(Tunable<Long> value, int stage) {
        return ofWidth(stage)
                ? size(
                        value,
                        PERSISTENT_VECTORS * hidden,
                        "stage3_param_persistence_threshold",
                        "x 10")
                : value.value();
    }

    private long size(Tunable<Long> value, long planned, String key, String how) {
        if (hidden == 0) {
            return value.value(); // no vector tells how wide the model is
        }
        return take(
                value,
                planned,
                "/zero_optimization/" + key,
                "hidden size %d %s".formatted(hidden, how));
    }

    private <T> T take(Tunable<T> value, T planned, String pointer, String why) {
        if (value.isAuto()) {
            decided(pointer, planned, why);
        }
        return value.orPlanned(planned);
    }

    /** Says that a setting of a plug-in became what the Trainer takes. */
    void ofTrainer(String pointer, Object became) {
        decided(pointer, became, TRAINER);
    }

    /** Says what an {@code "auto"} became. */
    void decided(String pointer, Object became, String why) {
        decisions.add(
                new Decision(Decision.Kind.AUTO, pointer, "became %s: %s".formatted(became, why)));
    }

    /** Says that every {@code "auto"} nobody decided is the default. */
    void others(DsConfig config) {
        for (AutoKey auto : config.autos()) {
            boolean open =
                    decisions.stream()
                            .noneMatch(
                                    decision ->
                                            decision.kind() == Decision.Kind.AUTO
                                                    && decision.pointer().equals(auto.pointer()));
            if (open) {
                decided(
                        auto.pointer(),
                        auto.fallback(),
                        auto.key().status() == Status.NO_EFFECT
                                ? "the default" + NO_EFFECT + auto.key().reason()
                                : "the default");
            }
        }
    }
}
