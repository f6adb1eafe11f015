package ds.config;

import ds.core.KeyDeclaration;
import ds.core.KeyDeclaration.Trait;
import ds.core.Settings;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** Gives old keys the meaning of their successors and fills in sections that are absent. */
final class Effective {
    private static final String ZERO = "zero_optimization";

    /** Names that DeepSpeed reads in any case; all others are taken as written. */
    private static final Set<String> NATIVE_OPTIMIZERS =
            Set.of(
                    "adam",
                    "adamw",
                    "adagrad",
                    "lamb",
                    "onebitadam",
                    "onebitlamb",
                    "zerooneadam",
                    "muadam",
                    "muadamw",
                    "musgd",
                    "lion",
                    "muon");

    private Effective() {}

    static Settings of(Settings read) {
        Settings root = read;
        for (KeyDeclaration key : KeyTable.ROOT) {
            root = withDefaults(root, key);
        }
        Settings zero = root.section(ZERO);
        zero = offload(zero, "cpu_offload", "offload_optimizer");
        zero = offload(zero, "cpu_offload_param", "offload_param");
        if (zero.has("stage3_gather_fp16_weights_on_model_save")) {
            zero =
                    zero.with(
                            "stage3_gather_16bit_weights_on_model_save",
                            zero.booleanOr("stage3_gather_fp16_weights_on_model_save", false));
        }
        if (!zero.has("overlap_comm")) {
            zero = zero.with("overlap_comm", zero.longOr("stage", 0) == 3);
        }
        if (root.section("flops_profiler").booleanOr("enabled", false)) {
            root = root.with("wall_clock_breakdown", true);
        }
        Settings autocast = root.section("torch_autocast");
        if (autocast.has("dtype")) {
            String type = PrecisionKeys.canonical(autocast.stringOr("dtype", ""));
            root = root.with("torch_autocast", autocast.with("dtype", type));
        }
        root =
                root.with(
                        CompressionKeys.SECTION,
                        CompressionRules.effective(root.section(CompressionKeys.SECTION)));
        root = plugin(root, "optimizer");
        root = plugin(root, "scheduler");
        return root.with(ZERO, zero);
    }

    /** Without a type there is no plug-in; DeepSpeed's own optimizers have lower-case names. */
    private static Settings plugin(Settings root, String name) {
        Settings section = root.section(name);
        if (!section.has("type")) {
            return root.with(name, section.without("params"));
        }
        String type = section.stringOr("type", "");
        String lower = type.toLowerCase(Locale.ROOT);
        return name.equals("optimizer") && NATIVE_OPTIMIZERS.contains(lower)
                ? root.with(name, section.with("type", lower))
                : root;
    }

    private static Settings withDefaults(Settings parent, KeyDeclaration key) {
        boolean optional =
                key.has(Trait.OPTIONAL)
                        || (key.has(Trait.NULLABLE) && !key.has(Trait.EMPTY_IF_NULL));
        boolean absent = !parent.has(key.name());
        if (key.type() != KeyDeclaration.Type.OBJECT || (optional && absent)) {
            return parent;
        }
        Settings inner = absent ? Settings.empty() : parent.section(key.name());
        if (!key.has(Trait.NAMED)) {
            return parent.with(key.name(), filled(inner, key.keys()));
        }
        for (String name : List.copyOf(inner.names())) {
            inner = inner.with(name, filled(inner.section(name), key.keys()));
        }
        return parent.with(key.name(), inner);
    }

    private static Settings filled(Settings section, List<KeyDeclaration> keys) {
        Settings full = section;
        for (KeyDeclaration key : keys) {
            Optional<Object> value = key.defaultValue();
            if (value.isPresent() && !full.has(key.name()) && !full.isGiven(key.name())) {
                full = full.with(key.name(), value.get());
            }
            full = withDefaults(full, key);
        }
        return full;
    }

    private static Settings offload(Settings zero, String old, String successor) {
        if (!zero.booleanOr(old, false)) {
            return zero;
        }
        List<KeyDeclaration> keys =
                successor.equals("offload_param")
                        ? ZeroKeys.OffloadKeys.parameters().keys()
                        : ZeroKeys.OffloadKeys.optimizer().keys();
        return zero.with(
                successor, Settings.validate(keys, Map.of("device", "cpu"), "").settings());
    }
}
