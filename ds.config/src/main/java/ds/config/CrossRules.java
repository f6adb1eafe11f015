package ds.config;

import ds.core.Diagnostic;
import ds.core.Settings;
import java.util.ArrayList;
import java.util.List;

/** Rules that hold between keys, as DeepSpeed has them. Each names both sides. */
final class CrossRules {
    private static final String ZERO = "/zero_optimization";
    private static final List<String[]> SUCCESSORS =
            List.of(
                    new String[] {"cpu_offload", "offload_optimizer"},
                    new String[] {"cpu_offload_param", "offload_param"},
                    new String[] {
                        "stage3_gather_fp16_weights_on_model_save",
                        "stage3_gather_16bit_weights_on_model_save"
                    });

    private final Settings root;
    private final Settings zero;
    private final String bf16;
    private final long stage;
    private final List<Diagnostic> found = new ArrayList<>();

    private CrossRules(Settings root, String bf16) {
        this.bf16 = bf16;
        this.root = root;
        this.zero = root.section("zero_optimization");
        this.stage = zero.longOr("stage", 0);
    }

    static List<Diagnostic> check(Settings root, boolean oldName) {
        CrossRules rules = new CrossRules(root, oldName ? "bfloat16" : "bf16");
        rules.precision();
        rules.lossScale();
        rules.masters();
        rules.successors();
        rules.stageBound();
        return rules.found;
    }

    private void precision() {
        boolean half = root.section("fp16").booleanOr("enabled", false);
        if (half && root.section("bf16").booleanOr("enabled", false)) {
            conflict(
                    "/" + bf16 + "/enabled",
                    "'fp16.enabled' and '%s.enabled' are both true.".formatted(bf16),
                    "Turn one of them off; bf16 needs no loss scale.");
        }
    }

    private void lossScale() {
        Settings fp16 = root.section("fp16");
        boolean dynamic = fp16.doubleOr("loss_scale", 0) == 0;
        if (!fp16.booleanOr("enabled", false) || !dynamic) {
            return;
        }
        for (String key : List.of("loss_scale_window", "min_loss_scale")) {
            if (fp16.longOr(key, 1) <= 0) {
                found.add(
                        Diagnostic.error(
                                "range",
                                "/fp16/" + key,
                                "'%s' must be above 0 for a dynamic loss scale, was %d."
                                        .formatted(key, fp16.longOr(key, 1)),
                                ""));
            }
        }
    }

    private void masters() {
        needsZero("fp16", "fp16_master_weights_and_grads");
        needsZero("bf16", "bf16_master_weights_and_grads");
        needsZero("bf16", "bf16_optimizer_states");
        Settings section = root.section("bf16");
        if (section.booleanOr("bf16_optimizer_states", false)
                && !section.booleanOr("bf16_master_weights_and_grads", false)) {
            conflict(
                    "/bf16/bf16_optimizer_states",
                    "'bf16_optimizer_states' needs bf16.bf16_master_weights_and_grads to be true.",
                    "");
        }
    }

    private void needsZero(String section, String key) {
        if (root.section(section).booleanOr(key, false) && stage == 0) {
            conflict(
                    "/" + section + "/" + key,
                    "'%s' needs zero_optimization.stage 1, 2 or 3, was 0.".formatted(key),
                    "");
        }
    }

    private void successors() {
        for (String[] pair : SUCCESSORS) {
            if (zero.isGiven(pair[0]) && zero.isGiven(pair[1])) {
                conflict(
                        ZERO + "/" + pair[0],
                        "'%s' is the old form of '%s', and both are given."
                                .formatted(pair[0], pair[1]),
                        "Keep the new one.");
            }
        }
    }

    private void stageBound() {
        Settings offload = zero.section("offload_optimizer");
        if (offload.doubleOr("ratio", 1) < 1 && stage != 3) {
            conflict(
                    OffloadOptimizer.POINTER + "/ratio",
                    "'ratio' below 1 needs zero_optimization.stage 3, was %d.".formatted(stage),
                    "");
        }
        if (!root.stringOr("gradient_allreduce_op", "mean").equals("sum")) {
            return;
        }
        String with =
                stage == 3
                        ? "zero_optimization.stage 3"
                        : zero.has("zenflow")
                                ? "zero_optimization.zenflow"
                                : root.section("compile").booleanOr("deepcompile", false)
                                        ? "compile.deepcompile"
                                        : "";
        if (!with.isEmpty()) {
            conflict(
                    "/gradient_allreduce_op",
                    "'gradient_allreduce_op' \"sum\" does not go with %s.".formatted(with),
                    "Remove it: the mean is the default.");
        }
    }

    private void conflict(String pointer, String message, String way) {
        found.add(Diagnostic.error("conflict", pointer, message, way));
    }
}
