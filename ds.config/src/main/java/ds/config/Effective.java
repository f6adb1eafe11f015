package ds.config;

import ds.core.KeyDeclaration;
import ds.core.KeyDeclaration.Trait;
import ds.core.Settings;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
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

    private static final Settings DEFAULTS = defaults(KeyTable.ROOT);

    private Effective() {}

    static Settings of(Settings read) {
        Settings root = filled(read, KeyTable.ROOT, DEFAULTS);
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

    /**
     * Returns a section with the defaults that the reader leaves out, those of absent objects.
     *
     * @param absent what the section is if the document does not have it
     */
    private static Settings filled(Settings section, List<KeyDeclaration> keys, Settings absent) {
        Map<String, Object> more = new LinkedHashMap<>();
        for (KeyDeclaration key : keys) {
            String name = key.name();
            if (section.value(name).orElse(null) instanceof Settings inner) {
                if (key.type() == KeyDeclaration.Type.OBJECT) {
                    more.put(name, key.has(Trait.NAMED) ? named(inner, key) : filled(inner, key));
                }
            } else if (!section.has(name)) {
                boolean wanted = !section.isGiven(name) || key.type() == KeyDeclaration.Type.OBJECT;
                absent.value(name).filter(value -> wanted).ifPresent(v -> more.put(name, v));
            }
        }
        return section.withMore(more);
    }

    private static Settings filled(Settings section, KeyDeclaration key) {
        return filled(section, key.keys(), defaults(key.keys()));
    }

    private static Settings named(Settings section, KeyDeclaration key) {
        Map<String, Object> more = new LinkedHashMap<>();
        section.names().forEach(name -> more.put(name, filled(section.section(name), key)));
        return section.withMore(more);
    }

    /** Returns what an object with these keys is if it is empty. */
    private static Settings defaults(List<KeyDeclaration> keys) {
        Map<String, Object> values = new LinkedHashMap<>();
        for (KeyDeclaration key : keys) {
            boolean none =
                    key.has(Trait.OPTIONAL)
                            || (key.has(Trait.NULLABLE) && !key.has(Trait.EMPTY_IF_NULL));
            if (key.type() == KeyDeclaration.Type.OBJECT && !none) {
                values.put(
                        key.name(), key.has(Trait.NAMED) ? Settings.empty() : defaults(key.keys()));
            } else {
                key.defaultValue().ifPresent(value -> values.put(key.name(), value));
            }
        }
        return Settings.empty().withMore(values);
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
