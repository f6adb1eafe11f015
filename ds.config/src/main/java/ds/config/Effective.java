package ds.config;

import ds.core.KeyDeclaration;
import ds.core.Settings;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/** Gives old keys the meaning of their successors and fills in sections that are absent. */
final class Effective {
    private static final String ZERO = "zero_optimization";

    /** Sections for which {@code null} means the defaults; for others it means none. */
    private static final Set<String> NULL_IS_DEFAULTS = Set.of("aio", "bf16", "leaf_module");

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
        boolean section = key.type() == KeyDeclaration.Type.OBJECT;
        boolean optional = key.has(KeyDeclaration.Trait.NULLABLE);
        if (!section || (optional && !NULL_IS_DEFAULTS.contains(key.name()))) {
            return parent;
        }
        Settings inner =
                parent.has(key.name())
                        ? parent.section(key.name())
                        : Settings.validate(key.keys(), Map.of(), "").settings();
        for (KeyDeclaration child : key.keys()) {
            inner = withDefaults(inner, child);
        }
        return parent.with(key.name(), inner);
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
