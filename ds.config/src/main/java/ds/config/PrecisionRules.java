package ds.config;

import ds.core.DType;
import ds.core.Diagnostic;
import ds.core.Settings;
import java.util.List;
import java.util.Optional;

/** Rules about number formats that DeepSpeed's engine has, and those of this runtime. */
final class PrecisionRules {
    private static final String ZERO = "zero_optimization";

    private final Settings root;
    private final List<Diagnostic> found;
    private final long stage;
    private final DType mode;

    PrecisionRules(Settings root, List<Diagnostic> found) {
        this.root = root;
        this.found = found;
        this.stage = root.section(ZERO).longOr("stage", 0);
        this.mode = isOn("fp16") ? DType.FP16 : isOn("bf16") ? DType.BF16 : DType.FP32;
    }

    void check() {
        dataTypes();
        division();
        masters();
    }

    private boolean isOn(String section) {
        return root.section(section).booleanOr("enabled", false);
    }

    private void dataTypes() {
        Settings types = root.section("data_types");
        Optional<DType> accumulation =
                PrecisionKeys.type(types.stringOr("grad_accum_dtype", mode.jsonName()));
        if (stage == 0 && accumulation.filter(type -> type != mode).isPresent()) {
            refuse(
                    "/data_types/grad_accum_dtype",
                    "'grad_accum_dtype' is '%s' at stage 0, where gradients have the type of the run, %s."
                            .formatted(accumulation.get().jsonName(), mode.jsonName()),
                    "Use \"stage\": 1 or more, or remove it.");
        }
    }

    /** Dividing before the exchange is not for stages that scatter what they reduce. */
    private void division() {
        // Taken as written, so that it need not be a number.
        Object written = root.value("gradient_predivide_factor").orElse(1.0);
        double factor = written instanceof Number number ? number.doubleValue() : 0;
        boolean before = root.booleanOr("prescale_gradients", false);
        String pointer = before ? "/prescale_gradients" : "/gradient_predivide_factor";
        if (!(factor > 0)) {
            refuse(
                    "/gradient_predivide_factor",
                    "'gradient_predivide_factor' is %s, by which nothing can be divided."
                            .formatted(written),
                    "Write a number above 0; 1 is the default.");
        }
        boolean mean = !root.stringOr("gradient_allreduce_op", "mean").equals("sum");
        boolean scatters =
                root.section(ZERO).booleanOr("reduce_scatter", true)
                        && (stage == 3 || stage == 2 && mean);
        if (scatters && (before || factor != 1)) {
            found.add(
                    Diagnostic.refused(
                                    "conflict",
                                    pointer,
                                    "'%s' does not go with reduce_scatter at stage %d."
                                            .formatted(pointer.substring(1), stage),
                                    "Remove it, or set zero_optimization.reduce_scatter to false.")
                            .alongside("/" + ZERO + "/stage", "the stage"));
        }
    }

    private void masters() {
        for (String section : List.of("fp16", "bf16")) {
            String key = section + "_master_weights_and_grads";
            boolean narrow = isOn(section) && root.section(section).booleanOr(key, false);
            for (String place : List.of("offload_optimizer", "offload_param")) {
                Settings offload = root.section(ZERO).section(place);
                if (narrow && offload.stringOr("device", "none").equals("nvme")) {
                    refuse(
                            "/%s/%s".formatted(section, key),
                            "'%s' keeps masters in memory, but %s rests on nvme."
                                    .formatted(key, place),
                            "Write \"device\": \"cpu\" or \"none\" there, or remove it.");
                }
            }
        }
        boolean brain = root.section("bf16").booleanOr("bf16_master_weights_and_grads", false);
        if (root.section("jvm").booleanOr("stochastic_rounding", false)
                && !(isOn("bf16") && brain)) {
            refuse(
                    "/jvm/stochastic_rounding",
                    "'stochastic_rounding' is about bf16 masters, but masters are fp32.",
                    "Set bf16.bf16_master_weights_and_grads to true, or remove it.");
        }
    }

    private void refuse(String pointer, String message, String way) {
        found.add(Diagnostic.refused("conflict", pointer, message, way));
    }
}
