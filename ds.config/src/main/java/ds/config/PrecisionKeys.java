package ds.config;

import static ds.core.KeyDeclaration.choice;
import static ds.core.KeyDeclaration.flag;
import static ds.core.KeyDeclaration.integer;
import static ds.core.KeyDeclaration.number;
import static ds.core.KeyDeclaration.object;
import static ds.core.KeyDeclaration.optionalTexts;
import static ds.core.KeyDeclaration.text;

import ds.core.DType;
import ds.core.KeyDeclaration;
import ds.core.KeyDeclaration.Trait;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** The keys that choose number formats. */
final class PrecisionKeys {
    static final String BF16 = "bf16";
    static final String OLD_BF16 = "bfloat16";

    private PrecisionKeys() {}

    static List<KeyDeclaration> all() {
        return List.of(fp16(), bf16(), amp(), autocast(), dataTypes());
    }

    private static KeyDeclaration fp16() {
        return object(
                        "fp16",
                        List.of(
                                flag("enabled", false).doc("Train in fp16."),
                                flag("auto_cast", false)
                                        .noEffect("features are read as fp32 by the first kernel.")
                                        .doc("Cast the inputs of the model to fp16."),
                                number("loss_scale", 0)
                                        .atLeast(0)
                                        .with(Trait.NO_BOOLEAN)
                                        .doc("Fixed loss scale; 0 means dynamic."),
                                integer("initial_scale_power", 16)
                                        .atLeast(Integer.MIN_VALUE)
                                        .atMost(Integer.MAX_VALUE)
                                        .doc("The dynamic loss scale starts at 2 to this power."),
                                integer("loss_scale_window", 1000)
                                        .with(Trait.NO_BOOLEAN)
                                        .in("steps")
                                        .doc("Steps without overflow before the scale doubles."),
                                integer("hysteresis", 2)
                                        .atLeast(Integer.MIN_VALUE)
                                        .atMost(Integer.MAX_VALUE)
                                        .doc("Overflows tolerated before the scale is halved."),
                                flag("consecutive_hysteresis", false)
                                        .doc("Restore hysteresis at every step without overflow."),
                                integer("min_loss_scale", 1)
                                        .with(Trait.NO_BOOLEAN)
                                        .doc("Smallest dynamic loss scale."),
                                flag("fp16_master_weights_and_grads", false)
                                        .doc("Keep masters and gradients in fp16.")))
                .doc("Half precision with loss scaling.");
    }

    private static KeyDeclaration bf16() {
        return object(
                        BF16,
                        List.of(
                                flag("enabled", false).doc("Train in bf16."),
                                flag("immediate_grad_update", false)
                                        .noEffect("gradients are always folded in as they come.")
                                        .doc("Update high-precision gradients in the hook."),
                                flag("check_grad_overflow", true)
                                        .doc("Skip a step whose gradient norm is not finite."),
                                flag("bf16_master_weights_and_grads", false)
                                        .doc("Keep masters and gradients in bf16."),
                                flag("bf16_optimizer_states", false)
                                        .doc("Keep optimizer states in bf16.")))
                .alias(OLD_BF16)
                .nullable()
                .with(Trait.EMPTY_IF_NULL)
                .doc("Brain floating point; needs no loss scale.");
    }

    private static KeyDeclaration amp() {
        return object(
                        "amp",
                        List.of(
                                flag("enabled", false)
                                        .required()
                                        .doc("Train as apex mixed precision does.")))
                .with(Trait.OPEN)
                .doc(
                        "Mixed precision as NVIDIA apex names it: opt_level O0 is fp32, O1 products in"
                                + " fp16, O2 fp16 with fp32 parameters of norms.");
    }

    private static KeyDeclaration autocast() {
        return object(
                        "torch_autocast",
                        List.of(
                                flag("enabled", false)
                                        .doc("Compute products of matrices in 16 bits."),
                                choice(
                                                "dtype",
                                                List.of(
                                                        "bf16",
                                                        "bfloat16",
                                                        "torch.bfloat16",
                                                        "fp16",
                                                        "float16",
                                                        "half",
                                                        "torch.float16",
                                                        "fp32",
                                                        "float32",
                                                        "float",
                                                        "torch.float32",
                                                        "int8",
                                                        "torch.int8"))
                                        .with(Trait.NO_AUTO)
                                        .doc("Data type of those operations."),
                                optionalTexts("lower_precision_safe_modules")
                                        .with(Trait.VERBATIM)
                                        .doc("Kinds of modules that are cast.")))
                .doc("PyTorch autocast.");
    }

    /** Returns {@code fp32}, {@code fp16}, {@code bf16} or {@code int8} for any name of a type. */
    static String canonical(String type) {
        return switch (type.replace("torch.", "")) {
            case "bfloat16" -> "bf16";
            case "float16", "half" -> "fp16";
            case "float32", "float" -> "fp32";
            default -> type.replace("torch.", "");
        };
    }

    /** Returns the type of any of its names; empty for one that gradients cannot have. */
    static Optional<DType> type(String name) {
        String type = canonical(name.toLowerCase(Locale.ROOT));
        return Arrays.stream(DType.values()).filter(t -> t.jsonName().equals(type)).findFirst();
    }

    private static KeyDeclaration dataTypes() {
        return object(
                        "data_types",
                        List.of(
                                text("grad_accum_dtype").doc("Data type of accumulated gradients."),
                                text("param_dtype")
                                        .noEffect("fp16 and bf16 choose the parameters' type.")
                                        .doc("Data type of parameters."),
                                text("buffer_dtype")
                                        .noEffect("models have no buffers.")
                                        .doc("Data type of buffers.")))
                .doc("Data types of gradients, parameters and buffers.");
    }
}
