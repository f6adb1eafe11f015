package ds.optim.builtin;

import ds.core.KeyDeclaration;
import ds.core.Settings;
import ds.optim.spi.Optimizer;
import ds.optim.spi.OptimizerProvider;
import java.util.List;

/** Type OneBitLamb: DeepSpeed's names, defaults and meaning. */
public final class OneBitLambProvider implements OptimizerProvider {
    private static final double COEFF_BETA = 0.9;
    private static final double FACTOR_MAX = 4;
    private static final double FACTOR_MIN = 0.5;
    private static final double FACTOR_THRESHOLD = 0.1;

    /** Called by the service loader. */
    public OneBitLambProvider() {}

    @Override
    public String name() {
        return "onebitlamb";
    }

    @Override
    public List<KeyDeclaration> settings() {
        return OneBitKeys.with(
                OneBitKeys.freezeStep(
                        "freeze_step",
                        "The step from which second moments stay and signs are exchanged."),
                LambProvider.mostTrust(),
                LambProvider.leastTrust(),
                KeyDeclaration.number("coeff_beta", COEFF_BETA)
                        .atLeast(0)
                        .below(1)
                        .doc("How much of the remembered trust ratio stays at each step."),
                KeyDeclaration.number("factor_max", FACTOR_MAX)
                        .above(0)
                        .doc("Largest correction of the remembered trust ratio."),
                KeyDeclaration.number("factor_min", FACTOR_MIN)
                        .above(0)
                        .doc("Smallest correction of the remembered trust ratio."),
                KeyDeclaration.number("factor_threshold", FACTOR_THRESHOLD)
                        .atLeast(0)
                        .doc("How far a correction may be from the last one, as a share of it."));
    }

    @Override
    public Optimizer create(Settings params) {
        return new OneBitLamb(
                SharedKeys.hyper(params, OneBitKeys.LR),
                OneBitKeys.rule(params),
                new OneBitLambSettings(
                        params.longOr("freeze_step", OneBitKeys.FREEZE),
                        params.doubleOr("min_coeff", LambProvider.LEAST),
                        params.doubleOr("max_coeff", LambProvider.MOST),
                        params.doubleOr("coeff_beta", COEFF_BETA),
                        params.doubleOr("factor_max", FACTOR_MAX),
                        params.doubleOr("factor_min", FACTOR_MIN),
                        params.doubleOr("factor_threshold", FACTOR_THRESHOLD)),
                Passes.best());
    }
}
