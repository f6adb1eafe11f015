package ds.config;

import ds.core.KeyDeclaration;
import ds.core.Settings;
import java.util.List;
import java.util.Map;

/** Gives old keys the meaning of their successors and fills in sections that are absent. */
final class Effective {
    private static final String ZERO = "zero_optimization";

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
        return root.with(ZERO, zero);
    }

    private static Settings withDefaults(Settings parent, KeyDeclaration key) {
        boolean section = key.type() == KeyDeclaration.Type.OBJECT;
        boolean optional = key.has(KeyDeclaration.Trait.NULLABLE) && !key.name().equals("aio");
        if (!section || (optional && !isLeafModule(key))) {
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

    private static boolean isLeafModule(KeyDeclaration key) {
        return key.name().equals("leaf_module");
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
