package ds.engine.plan;

import ds.config.Autocast;
import ds.config.Bf16;
import ds.config.DsConfig;
import ds.config.Fp16;
import ds.config.GradientOptions;
import ds.core.DType;
import ds.core.Diagnostic;
import ds.engine.LossScaler;
import ds.zero.GradientStorage;
import ds.zero.StateStorage;
import java.util.List;
import java.util.Optional;

/** Which number formats a configuration asks for. */
final class PrecisionChoice {
    private static final double SCALE_BASE = 2;

    /** The rules of PyTorch's GradScaler, and the smallest scale of fp16. */
    private static final LossScaler.Dynamic TORCH_SCALE =
            new LossScaler.Dynamic(0x1p16, 2000, 1, false, 1, false);

    private final DsConfig config;
    private final int ranks;
    private final List<Diagnostic> problems;
    private final boolean half;
    private final boolean brain;
    private final Autocast autocast;

    PrecisionChoice(DsConfig config, int ranks, AutoValues auto, List<Diagnostic> problems) {
        this.config = config;
        this.ranks = ranks;
        this.problems = problems;
        this.half = auto.enabled(config.fp16().enabled(), "/fp16/enabled");
        this.brain = auto.enabled(config.bf16().enabled(), "/bf16/enabled");
        this.autocast = config.autocast();
    }

    /** Returns the type of parameters and activations, and the loss scale. */
    PrecisionPlan plan() {
        if (half) {
            return half(config.fp16());
        }
        return brain
                ? new PrecisionPlan(
                        DType.BF16,
                        DType.BF16,
                        Optional.empty(),
                        1,
                        config.bf16().checkGradOverflow())
                : cast();
    }

    /** fp32, perhaps with products or all in 16 bits; those of fp16 need a loss scale. */
    private PrecisionPlan cast() {
        DType products = autocast.products().orElse(DType.FP32);
        boolean dynamic = products == DType.FP16 && autocast.lossScale() == 0;
        return new PrecisionPlan(
                type(),
                products,
                dynamic ? Optional.of(TORCH_SCALE) : Optional.empty(),
                products == DType.FP16 && !dynamic ? autocast.lossScale() : 1,
                true);
    }

    private PrecisionPlan half(Fp16 fp16) {
        boolean dynamic = fp16.lossScale() == 0;
        return new PrecisionPlan(
                DType.FP16,
                DType.FP16,
                dynamic
                        ? Optional.of(
                                new LossScaler.Dynamic(
                                        Math.pow(SCALE_BASE, fp16.initialScalePower()),
                                        fp16.lossScaleWindow(),
                                        fp16.hysteresis(),
                                        fp16.consecutiveHysteresis(),
                                        fp16.minLossScale(),
                                        true))
                        : Optional.empty(),
                dynamic ? 1 : fp16.lossScale(),
                true);
    }

    /** Returns how gradients travel and are added. */
    GradientStorage gradients() {
        DType type = type();
        GradientStorage usual = GradientStorage.of(type);
        GradientOptions options = config.gradients();
        DType accumulators =
                options.accumulationType().orElse(narrowMasters() ? type : usual.accumulators());
        boolean said = options.accumulationType().isPresent() || narrowMasters();
        double factor = options.prescale() ? 1.0 / ranks : 1 / options.predivideFactor();
        return new GradientStorage(
                options.communicationType().orElse(usual.contributions()),
                accumulators,
                (float) factor,
                said ? Float.POSITIVE_INFINITY : usual.limit(),
                usual.place());
    }

    /** Returns in which types masters and slots rest. */
    StateStorage states() {
        if (!narrowMasters()) {
            return StateStorage.FP32;
        }
        Bf16 section = config.bf16();
        return new StateStorage(
                type(),
                brain && section.optimizerStates() ? DType.BF16 : DType.FP32,
                config.jvm().stochasticRounding());
    }

    /** Returns whether norms keep fp32 parameters. */
    boolean wideNorms() {
        return autocast.all();
    }

    private DType type() {
        return half || autocast.all() ? DType.FP16 : brain ? DType.BF16 : DType.FP32;
    }

    private boolean narrowMasters() {
        return half && config.fp16().masterWeightsAndGrads()
                || brain && config.bf16().masterWeightsAndGrads();
    }
}
