package ds.optim.builtin;

import ds.core.KeyDeclaration;
import ds.core.Settings;
import java.util.ArrayList;
import java.util.List;

/** The parameters of types Adam and AdamW: DeepSpeed's names, defaults and meaning. */
final class AdamKeys {
    private static final double LR = 1e-3;
    private static final double EPS = 1e-8;

    private AdamKeys() {}

    /** Returns all keys; {@code mode} is the declaration of adam_w_mode, which the types differ in. */
    static List<KeyDeclaration> with(KeyDeclaration mode) {
        List<KeyDeclaration> shared = new ArrayList<>();
        shared.add(
                SharedKeys.oneKernel(
                        "torch_adam", false, "Asks DeepSpeed for PyTorch's implementation."));
        shared.addAll(SharedKeys.torch());
        shared.add(SharedKeys.setGradNone());
        shared.add(SharedKeys.fp32States());
        return SharedKeys.and(
                shared,
                SharedKeys.lr(LR),
                SharedKeys.betas("Decay rates of the first and the second moment."),
                SharedKeys.eps(EPS),
                SharedKeys.decoupled(),
                SharedKeys.biasCorrection(),
                KeyDeclaration.flag("amsgrad", false)
                        .doc("Whether the largest second moment so far is in the denominator."),
                mode);
    }

    /** Creates the optimizer from checked settings. */
    static Adam create(Settings params, boolean decoupled) {
        return new Adam(
                SharedKeys.hyper(params, LR),
                new AdamSettings(
                        params.doubleOr("eps", EPS),
                        params.doubleOr("weight_decay", 0),
                        decoupled,
                        params.booleanOr("bias_correction", true),
                        params.booleanOr("amsgrad", false)),
                Passes.best());
    }
}
