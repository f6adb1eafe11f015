package ds.optim.builtin;

import ds.core.KeyDeclaration;
import ds.core.Settings;
import ds.optim.spi.Optimizer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** The parameters of the μP optimizers: those of package mup, and the base shapes. */
final class MupKeys {
    private static final double LR = 1e-3;
    private static final double EPS = 1e-8;

    private MupKeys() {}

    /** Returns the shared keys around {@code own}. */
    static List<KeyDeclaration> with(KeyDeclaration... own) {
        List<KeyDeclaration> all = new ArrayList<>();
        all.add(SharedKeys.lr(LR));
        all.addAll(Arrays.asList(own));
        all.add(SharedKeys.decoupled());
        all.add(
                KeyDeclaration.flag("decoupled_wd", false)
                        .doc("Whether the weight decay stays as it is where the rate is scaled."));
        all.add(
                KeyDeclaration.any("base_shapes")
                        .doc(
                                "Sizes of the parameters in the base model, by name (* stands for any"
                                        + " text); 0 for a dimension that does not grow."));
        return SharedKeys.and(SharedKeys.torch(), all.toArray(KeyDeclaration[]::new));
    }

    /** Returns the keys of the two kinds of Adam. */
    static List<KeyDeclaration> adam() {
        return with(
                SharedKeys.betas("Decay rates of the first and the second moment."),
                SharedKeys.eps(EPS),
                KeyDeclaration.flag("amsgrad", false)
                        .doc("Whether the largest second moment so far is in the denominator."));
    }

    /** Creates MuAdam, or with {@code decoupled} MuAdamW. */
    static Optimizer adam(Settings params, String type, boolean decoupled) {
        return new Mup(
                BaseShapes.of(params, type),
                Mup::adam,
                params.booleanOr("decoupled_wd", false),
                factor ->
                        new Adam(
                                SharedKeys.hyper(params, LR),
                                new AdamSettings(
                                        params.doubleOr("eps", EPS),
                                        params.doubleOr("weight_decay", 0) * factor,
                                        decoupled,
                                        true,
                                        params.booleanOr("amsgrad", false)),
                                Passes.best()));
    }
}
