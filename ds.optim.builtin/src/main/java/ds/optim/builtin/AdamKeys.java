package ds.optim.builtin;

import ds.core.KeyDeclaration;
import ds.core.Settings;
import ds.optim.spi.Hyper;
import java.util.List;

/** The parameters of types Adam and AdamW: DeepSpeed's names, defaults and meaning. */
final class AdamKeys {
    private static final double LR = 1e-3;
    private static final double BETA1 = 0.9;
    private static final double BETA2 = 0.999;
    private static final double EPS = 1e-8;

    private AdamKeys() {}

    /** Returns all keys; {@code mode} is the declaration of adam_w_mode, which the types differ in. */
    static List<KeyDeclaration> with(KeyDeclaration mode) {
        String oneKernel = "there is one fused kernel here, with the same numbers.";
        return List.of(
                KeyDeclaration.number("lr", LR).atLeast(0).doc("Learning rate."),
                KeyDeclaration.numbers("betas", BETA1, BETA2)
                        .items(2)
                        .atLeast(0)
                        .below(1)
                        .doc("Decay rates of the first and the second moment."),
                KeyDeclaration.number("eps", EPS).atLeast(0).doc("Added to the denominator."),
                KeyDeclaration.number("weight_decay", 0)
                        .atLeast(0)
                        .doc("Strength of the weight decay."),
                KeyDeclaration.flag("bias_correction", true)
                        .doc("Whether moments are scaled up while they are young."),
                mode,
                KeyDeclaration.flag("torch_adam", false)
                        .doc("Asks DeepSpeed for PyTorch's implementation.")
                        .noEffect(oneKernel),
                KeyDeclaration.flag("fused", true)
                        .doc("Asks PyTorch for one fused kernel.")
                        .noEffect(oneKernel),
                KeyDeclaration.flag("set_grad_none", true)
                        .doc("Whether DeepSpeed frees gradients after a step.")
                        .noEffect("gradient memory is allocated once and never freed per step."),
                KeyDeclaration.flag("amsgrad", false)
                        .doc("The AMSGrad variant.")
                        .refused(
                                "DeepSpeed's fused Adam has no AMSGrad either; remove it or set it"
                                        + " to false."),
                KeyDeclaration.flag("fp32_optimizer_states", true)
                        .doc("Whether the moments are fp32.")
                        .refused("moments are always fp32; remove it or set it to true."),
                KeyDeclaration.number("max_grad_norm")
                        .doc("Clipping inside the optimizer.")
                        .refused("use the top-level key 'gradient_clipping'."));
    }

    /** Creates the optimizer from checked settings. */
    static Adam create(Settings params, boolean decoupled) {
        double[] betas = params.doublesOr("betas", BETA1, BETA2);
        return new Adam(
                new Hyper(params.doubleOr("lr", LR), betas[0], betas[1]),
                new AdamSettings(
                        params.doubleOr("eps", EPS),
                        params.doubleOr("weight_decay", 0),
                        decoupled,
                        params.booleanOr("bias_correction", true)),
                Passes.best());
    }
}
