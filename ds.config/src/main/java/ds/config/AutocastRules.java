package ds.config;

import ds.core.DType;
import ds.core.Diagnostic;
import ds.core.Settings;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** What {@code torch_autocast} and {@code amp} ask for, and what of it can run here. */
final class AutocastRules {
    private static final String AUTOCAST = "torch_autocast";
    private static final String AMP = "amp";
    private static final String MODULES = "lower_precision_safe_modules";
    private static final String LINEAR = "torch.nn.Linear";

    /** Modules that are cast by default beside the linear one; no model here has any. */
    private static final Set<String> CONVOLUTIONS =
            Set.of("torch.nn.Conv1d", "torch.nn.Conv2d", "torch.nn.Conv3d");

    /** What apex is told that means something here. */
    private static final Set<String> AMP_KEYS =
            Set.of("enabled", "opt_level", "loss_scale", "verbosity");

    private static final Set<String> LEVELS = Set.of("O0", "O1", "O2");

    private final Settings root;
    private final List<Diagnostic> found;

    AutocastRules(Settings root, List<Diagnostic> found) {
        this.root = root;
        this.found = found;
    }

    private static boolean isOn(Settings root, String section) {
        return root.section(section).booleanOr("enabled", false);
    }

    /** Returns what is asked for, of a document that passed {@link #check}. */
    static Autocast read(Settings root) {
        if (isOn(root, AMP)) {
            Settings amp = root.section(AMP);
            double scale =
                    amp.value("loss_scale").orElse("dynamic") instanceof Number number
                            ? number.doubleValue()
                            : 0;
            String level = level(amp);
            return new Autocast(
                    level.equals("O0") ? Optional.empty() : Optional.of(DType.FP16),
                    level.equals("O2"),
                    scale);
        }
        Settings autocast = root.section(AUTOCAST);
        boolean products = !autocast.has(MODULES) || modules(autocast).contains(LINEAR);
        return new Autocast(
                isOn(root, AUTOCAST) && products
                        ? PrecisionKeys.type(autocast.stringOr("dtype", "bf16"))
                                .filter(type -> type != DType.FP32)
                        : Optional.empty(),
                false,
                0);
    }

    private static String level(Settings amp) {
        return amp.value("opt_level").orElse("O1").toString();
    }

    /** A list, or a bare name. */
    private static List<String> modules(Settings autocast) {
        return switch (autocast.value(MODULES).orElse(List.of())) {
            case List<?> names -> names.stream().map(Object::toString).toList();
            case Object name -> List.of(name.toString());
        };
    }

    void check() {
        if (isOn(root, AUTOCAST)) {
            autocast();
        }
        if (isOn(root, AMP)) {
            amp();
        }
    }

    private void autocast() {
        Settings section = root.section(AUTOCAST);
        String type = section.stringOr("dtype", "bf16");
        if (PrecisionKeys.type(type).isEmpty()) {
            refuse(
                    "/torch_autocast/dtype",
                    "'dtype' is '%s', in which no product can be stored.".formatted(type),
                    "Write bf16 or fp16.");
        }
        for (String name : modules(section)) {
            if (!name.equals(LINEAR) && !CONVOLUTIONS.contains(name)) {
                refuse(
                        "/torch_autocast/" + MODULES,
                        "'%s' names '%s', but only products of matrices can be cast: %s."
                                .formatted(MODULES, name, LINEAR),
                        "Remove it.");
            }
        }
        for (String mode : List.of("fp16", "bf16")) {
            if (isOn(root, mode)) {
                refuse(
                        "/torch_autocast/enabled",
                        "'torch_autocast' casts the products of an fp32 run, but the run is in %s, where everything is stored in 16 bits."
                                .formatted(mode),
                        "Turn one of them off.");
            }
        }
    }

    private void amp() {
        Settings section = root.section(AMP);
        long stage = root.section("zero_optimization").longOr("stage", 0);
        if (stage > 0) {
            refuse(
                    "/amp/enabled",
                    "'amp' does not go with ZeRO, but the stage is %d.".formatted(stage),
                    "Use fp16, bf16 or torch_autocast.");
        }
        for (String mode : List.of("fp16", "bf16", AUTOCAST)) {
            if (isOn(root, mode)) {
                refuse(
                        "/amp/enabled",
                        "'amp' and '%s' are both enabled.".formatted(mode),
                        "Turn one of them off.");
            }
        }
        if (root.value("managed_gradient_accumulation").orElse(true).equals(false)) {
            refuse(
                    "/amp/enabled",
                    "'amp' does not go with 'managed_gradient_accumulation' false.",
                    "Remove one of them.");
        }
        String level = level(section);
        if (!LEVELS.contains(level)) {
            refuse(
                    "/amp/opt_level",
                    "'opt_level' is '%s', which has no masters to train.".formatted(level),
                    "Use O1 or O2.");
        }
        Object scale = section.value("loss_scale").orElse("dynamic");
        boolean number = scale instanceof Number given && given.doubleValue() > 0;
        if (!number && !scale.equals("dynamic")) {
            refuse(
                    "/amp/loss_scale",
                    "'loss_scale' must be \"dynamic\" or a number above 0, was %s."
                            .formatted(scale),
                    "");
        }
        for (String key : section.names()) {
            if (!AMP_KEYS.contains(key)) {
                refuse(
                        "/amp/" + key,
                        "'amp' knows no '%s' here; it has %s."
                                .formatted(key, AMP_KEYS.stream().sorted().toList()),
                        "Remove it.");
            }
        }
    }

    private void refuse(String pointer, String message, String way) {
        found.add(Diagnostic.refused("conflict", pointer, message, way));
    }
}
