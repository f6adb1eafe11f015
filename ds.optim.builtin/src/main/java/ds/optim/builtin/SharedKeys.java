package ds.optim.builtin;

import ds.core.KeyDeclaration;
import ds.core.Settings;
import ds.optim.spi.Hyper;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** The parameters that several optimizers have: DeepSpeed's and PyTorch's names and meaning. */
final class SharedKeys {
    static final double BETA1 = 0.9;
    static final double BETA2 = 0.999;

    private static final String ONE_KERNEL =
            "there is one fused kernel here, with the same numbers.";

    private SharedKeys() {}

    /** Returns {@code own} keys, then {@code shared} ones, then clipping, which all refuse. */
    static List<KeyDeclaration> and(List<KeyDeclaration> shared, KeyDeclaration... own) {
        List<KeyDeclaration> all = new ArrayList<>(Arrays.asList(own));
        all.addAll(shared);
        all.add(
                KeyDeclaration.number("max_grad_norm")
                        .doc("Clipping inside the optimizer.")
                        .refused("use the top-level key 'gradient_clipping'."));
        return List.copyOf(all);
    }

    /** Returns the keys with which PyTorch chooses among its own implementations. */
    static List<KeyDeclaration> torch() {
        return List.of(
                oneKernel("fused", true, "Asks PyTorch for one fused kernel."),
                oneKernel("foreach", false, "Asks PyTorch to step tensors in groups."),
                oneKernel("capturable", false, "Asks PyTorch for a step that a graph can hold."),
                KeyDeclaration.flag("maximize", false)
                        .doc("Climbs instead of descending.")
                        .refused("a loss is minimised here; remove it, and negate the loss."),
                KeyDeclaration.flag("differentiable", false)
                        .doc("Lets gradients flow through the step.")
                        .refused("nothing differentiates through a step here; remove it."));
    }

    static KeyDeclaration oneKernel(String name, boolean defaultValue, String doc) {
        return KeyDeclaration.flag(name, defaultValue).doc(doc).noEffect(ONE_KERNEL);
    }

    static KeyDeclaration lr(double defaultValue) {
        return KeyDeclaration.number("lr", defaultValue).atLeast(0).doc("Learning rate.");
    }

    static KeyDeclaration betas(String doc) {
        return KeyDeclaration.numbers("betas", BETA1, BETA2).items(2).atLeast(0).below(1).doc(doc);
    }

    static KeyDeclaration eps(double defaultValue) {
        return KeyDeclaration.number("eps", defaultValue)
                .atLeast(0)
                .doc("Added to the denominator.");
    }

    static KeyDeclaration l2() {
        return KeyDeclaration.number("weight_decay", 0)
                .atLeast(0)
                .doc("The weight that joins the gradient (L2).");
    }

    static KeyDeclaration decoupled() {
        return KeyDeclaration.number("weight_decay", 0)
                .atLeast(0)
                .doc("Strength of the weight decay.");
    }

    static KeyDeclaration biasCorrection() {
        return KeyDeclaration.flag("bias_correction", true)
                .doc("Whether moments are scaled up while they are young.");
    }

    static KeyDeclaration setGradNone() {
        return KeyDeclaration.flag("set_grad_none", true)
                .doc("Whether DeepSpeed frees gradients after a step.")
                .noEffect("gradient memory is allocated once and never freed per step.");
    }

    static KeyDeclaration fp32States() {
        return KeyDeclaration.flag("fp32_optimizer_states", true)
                .doc("Whether the state is fp32.")
                .refused("states are always fp32; remove it or set it to true.");
    }

    static KeyDeclaration noAmsgrad() {
        return KeyDeclaration.flag("amsgrad", false)
                .doc("The AMSGrad variant.")
                .refused("DeepSpeed has no AMSGrad here either; remove it or set it to false.");
    }

    /** Returns the learning rate and betas of checked settings. */
    static Hyper hyper(Settings params, double lr) {
        double[] betas = params.doublesOr("betas", BETA1, BETA2);
        return new Hyper(params.doubleOr("lr", lr), betas[0], betas[1]);
    }
}
