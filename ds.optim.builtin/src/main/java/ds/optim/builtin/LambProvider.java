package ds.optim.builtin;

import ds.core.KeyDeclaration;
import ds.core.Settings;
import ds.optim.spi.Optimizer;
import ds.optim.spi.OptimizerProvider;
import java.util.List;

/** Type Lamb: DeepSpeed's FusedLamb, its names, defaults and meaning. */
public final class LambProvider implements OptimizerProvider {
    static final double MOST = 10;
    static final double LEAST = 0.01;
    private static final double LR = 1e-3;
    private static final double EPS = 1e-8;

    /** Called by the service loader. */
    public LambProvider() {}

    @Override
    public String name() {
        return "lamb";
    }

    @Override
    public List<KeyDeclaration> settings() {
        return SharedKeys.and(
                List.of(SharedKeys.setGradNone(), SharedKeys.noAmsgrad()),
                SharedKeys.lr(LR),
                SharedKeys.betas("Decay rates of the first and the second moment."),
                SharedKeys.eps(EPS),
                KeyDeclaration.flag("eps_inside_sqrt", false)
                        .doc("Whether eps is added under the root."),
                SharedKeys.decoupled(),
                SharedKeys.biasCorrection(),
                mostTrust(),
                leastTrust());
    }

    static KeyDeclaration mostTrust() {
        return KeyDeclaration.number("max_coeff", MOST)
                .atLeast(0)
                .doc("Largest trust ratio: norm of the weights over norm of the update.");
    }

    static KeyDeclaration leastTrust() {
        return KeyDeclaration.number("min_coeff", LEAST).atLeast(0).doc("Smallest trust ratio.");
    }

    @Override
    public Optimizer create(Settings params) {
        double least = params.doubleOr("min_coeff", LEAST);
        double most = params.doubleOr("max_coeff", MOST);
        if (least > most) {
            throw new IllegalArgumentException(
                    "Lamb's min_coeff must not be above its max_coeff, was given %s and %s."
                            .formatted(least, most));
        }
        return new Lamb(
                SharedKeys.hyper(params, LR),
                new LambSettings(
                        params.doubleOr("eps", EPS),
                        params.booleanOr("eps_inside_sqrt", false),
                        params.doubleOr("weight_decay", 0),
                        params.booleanOr("bias_correction", true),
                        least,
                        most),
                Passes.best());
    }
}
