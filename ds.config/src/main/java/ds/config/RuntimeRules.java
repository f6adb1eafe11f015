package ds.config;

import ds.core.Diagnostic;
import ds.core.Diagnostic.Severity;
import ds.core.Settings;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * Rules about running a document, which DeepSpeed does not check while it reads one: the document is
 * sound, but this runtime could not do what it says, or would do it otherwise than DeepSpeed.
 */
final class RuntimeRules {
    private static final String ZERO = "/zero_optimization/";
    private static final String PATHS = "/jvm/nvme_paths";
    private static final String PREFETCH = "stage3_prefetch_bucket_size";
    private static final String TYPES = "data_types";
    private static final List<String> FLOATS = List.of("fp32", "fp16", "bf16");
    private static final List<String> LEVELS =
            List.of("debug", "info", "warning", "error", "critical");

    // What ds.offload takes.
    private static final int BUFFER_COUNT_MAX = 256;
    private static final int BUFFER_BYTES_MIN = 4096;

    private static final String ADD_OPTIMIZER =
            "Add \"optimizer\": {\"type\": \"AdamW\", \"params\": {\"lr\": 1e-3}}";

    private final Settings root;
    private final Settings zero;
    private final long stage;
    private final List<?> paths;
    private final List<Diagnostic> found = new ArrayList<>();

    private RuntimeRules(Settings root) {
        this.root = root;
        this.zero = root.section("zero_optimization");
        this.stage = zero.longOr("stage", 0);
        this.paths = root.section("jvm").list("nvme_paths");
    }

    /**
     * Returns what stands in the way of running.
     *
     * @param root the document with the meaning of old keys and all defaults filled in
     */
    static List<Diagnostic> check(Settings root) {
        RuntimeRules rules = new RuntimeRules(root);
        rules.path("offload_optimizer");
        rules.path("offload_param");
        rules.paths();
        rules.characters("offload_optimizer");
        rules.characters("offload_param");
        rules.bufferCount("offload_optimizer");
        rules.bufferCount("offload_param");
        rules.bufferSize();
        rules.parameters();
        rules.states();
        rules.share();
        rules.prefetch();
        rules.scheduler();
        rules.lossScale();
        rules.hysteresis();
        rules.types();
        rules.logLevel();
        new PrecisionRules(root, rules.found).check();
        new AutocastRules(root, rules.found).check();
        return rules.found;
    }

    private String device(String section) {
        return zero.section(section).stringOr("device", "none");
    }

    private void path(String section) {
        if (device(section).equals("nvme")
                && !zero.section(section).has("nvme_path")
                && paths.isEmpty()) {
            found.add(
                    Diagnostic.refused(
                            "nvme-path",
                            ZERO + section + "/device",
                            "device is 'nvme', but there is no nvme_path.",
                            "Add \"nvme_path\": \"/a/directory/on/the/drive\" beside it."));
        }
    }

    /** Several paths stand in place of the one of each section. */
    private void paths() {
        boolean used = false;
        for (String section : List.of("offload_optimizer", "offload_param")) {
            used |= device(section).equals("nvme");
            if (!paths.isEmpty() && zero.section(section).has("nvme_path")) {
                found.add(
                        Diagnostic.refused(
                                        "conflict",
                                        ZERO + section + "/nvme_path",
                                        "There are 'nvme_path' and 'jvm.nvme_paths', and files lie in one path or in several.",
                                        "Remove one of the two.")
                                .alongside(PATHS, "the several"));
            }
        }
        for (int i = 0; i < paths.size(); i++) {
            if (DsConfig.path(paths.get(i)).isEmpty()) {
                found.add(nameless(PATHS + "/" + i, "nvme_paths", paths.get(i)));
            }
        }
        if (!paths.isEmpty() && !used) {
            found.add(
                    Diagnostic.note(
                            "no-effect",
                            PATHS,
                            "'nvme_paths' has no effect here: neither offload_optimizer nor offload_param has the device 'nvme'.",
                            ""));
        }
    }

    private static Diagnostic nameless(String pointer, String key, Object path) {
        return Diagnostic.refused(
                "nvme-path",
                pointer,
                "%s '%s' has characters that file names do not have here."
                        .formatted(key, Pointers.cut(path.toString())),
                "Name another directory, or set a locale with UTF-8.");
    }

    private void characters(String section) {
        Optional<Object> path = zero.section(section).value("nvme_path");
        if (path.isPresent() && path.flatMap(DsConfig::path).isEmpty()) {
            found.add(nameless(ZERO + section + "/nvme_path", "nvme_path", path.get()));
        }
    }

    private void bufferCount(String section) {
        long count = zero.section(section).longOr("buffer_count", 1);
        if (device(section).equals("nvme") && (count < 1 || count > BUFFER_COUNT_MAX)) {
            found.add(
                    Diagnostic.refused(
                            "range",
                            ZERO + section + "/buffer_count",
                            "'buffer_count' is %,d; a rank has 1 to %d staging buffers on NVMe."
                                    .formatted(count, BUFFER_COUNT_MAX),
                            "Write one of these, or remove it for the default."));
        }
    }

    private void bufferSize() {
        long elements = zero.section("offload_param").longOr("buffer_size", BUFFER_BYTES_MIN);
        int size = mode().equals("fp32") ? Float.BYTES : Short.BYTES;
        if (device("offload_param").equals("nvme") && elements < BUFFER_BYTES_MIN / size) {
            found.add(
                    Diagnostic.refused(
                            "range",
                            ZERO + "offload_param/buffer_size",
                            "'buffer_size' is %,d elements of %d bytes; a staging buffer holds %,d bytes or more."
                                    .formatted(elements, size, BUFFER_BYTES_MIN),
                            "Write %d or more, or remove it for the default."
                                    .formatted(BUFFER_BYTES_MIN / size)));
        }
    }

    /** Returns the type of working parameters. */
    private String mode() {
        return root.section("fp16").booleanOr("enabled", false)
                ? "fp16"
                : root.section("bf16").booleanOr("enabled", false) ? "bf16" : "fp32";
    }

    private void parameters() {
        String device = device("offload_param");
        if (stage == 3 || device.equals("none")) {
            return;
        }
        boolean old = zero.isGiven("cpu_offload_param");
        found.add(
                Diagnostic.refused(
                                "offload-param-stage",
                                ZERO + (old ? "cpu_offload_param" : "offload_param/device"),
                                "offload_param is '%s' at stage %d; parameters rest elsewhere only where they are sharded."
                                        .formatted(device, stage),
                                "Use \"stage\": 3, or remove offload_param.")
                        .alongside(ZERO + "stage", "the stage"));
    }

    /** Both are honoured as written, where DeepSpeed does something else without a word. */
    private void states() {
        String device = device("offload_optimizer");
        boolean old = zero.isGiven("cpu_offload");
        String pointer = ZERO + (old ? "cpu_offload" : "offload_optimizer/device");
        if (stage == 0 && !device.equals("none")) {
            otherwise(
                    pointer,
                    "offload_optimizer is '%s' at stage 0: every rank keeps all optimizer state there. DeepSpeed offloads nothing at stage 0."
                            .formatted(device),
                    "Use \"stage\": 1 or more to spread the state over the ranks.");
        } else if (stage < 3 && device.equals("nvme")) {
            otherwise(
                    pointer,
                    "offload_optimizer is 'nvme' at stage %d: the state rests on NVMe. DeepSpeed keeps it in host memory below stage 3."
                            .formatted(stage),
                    "Write \"device\": \"cpu\" for what DeepSpeed does.");
        }
    }

    /** There is no accelerator whose memory the rest could stay in. */
    private void share() {
        String device = device("offload_optimizer");
        double ratio = zero.section("offload_optimizer").doubleOr("ratio", 1);
        if (ratio < 1 && !device.equals("nvme")) {
            found.add(
                    Diagnostic.note(
                            "no-effect",
                            ZERO + "offload_optimizer/ratio",
                            "'ratio' has no effect here where 'device' is '%s': the state that is not offloaded rests in the same memory."
                                    .formatted(device),
                            ""));
        }
    }

    /** Units are copied when they are asked for; only from a drive they can be read before. */
    private void prefetch() {
        long standard = ZeroKeys.PREFETCH_BUCKET_SIZE;
        if (zero.longOr(PREFETCH, standard) == standard || device("offload_param").equals("nvme")) {
            return;
        }
        found.add(
                Diagnostic.note(
                        "no-effect",
                        ZERO + PREFETCH,
                        "'%s' has no effect here: %s"
                                .formatted(
                                        PREFETCH,
                                        stage < 3
                                                ? "at stage %d no units are gathered."
                                                        .formatted(stage)
                                                : "parameters rest in memory, where there is nothing to read ahead."),
                        ""));
    }

    private void otherwise(String pointer, String message, String way) {
        found.add(
                Diagnostic.note("offload-stage", pointer, message, way)
                        .as(Severity.WARNING)
                        .alongside(ZERO + "stage", "the stage"));
    }

    /** DeepSpeed starts there too, and skips steps until the scale has come down to what fp32 holds. */
    private void lossScale() {
        Settings fp16 = root.section("fp16");
        long power = fp16.longOr("initial_scale_power", 16);
        if (fp16.booleanOr("enabled", false)
                && fp16.doubleOr("loss_scale", 0) == 0
                && (power < Float.MIN_EXPONENT || power > Float.MAX_EXPONENT)) {
            found.add(
                    Diagnostic.refused(
                            "refused",
                            "/fp16/initial_scale_power",
                            "'initial_scale_power' = %d is not supported here: fp32 holds no scale but from 2^%d to 2^%d."
                                    .formatted(power, Float.MIN_EXPONENT, Float.MAX_EXPONENT),
                            "Remove it: the default is 16."));
        }
    }

    /** Where 0 is reached before the first overflow, DeepSpeed counts on below it for ever. */
    private void hysteresis() {
        Settings fp16 = root.section("fp16");
        long overflows = fp16.longOr("hysteresis", 2);
        if (fp16.booleanOr("enabled", false)
                && fp16.doubleOr("loss_scale", 0) == 0
                && overflows < 1) {
            found.add(
                    Diagnostic.refused(
                            "range",
                            "/fp16/hysteresis",
                            "'hysteresis' is %d; below 1 the loss scale would never shrink and every step be skipped."
                                    .formatted(overflows),
                            "Write 1 or more; the default is 2."));
        }
    }

    /**
     * Returns what a document without mistakes should be told that has no optimizer. DeepSpeed takes
     * one from the program too, so that it is no mistake.
     */
    static Optional<Diagnostic> optimizer(Settings root) {
        return root.section("optimizer").has("type")
                ? Optional.empty()
                : Optional.of(
                        Diagnostic.note(
                                        "no-optimizer",
                                        "/optimizer",
                                        "There is no optimizer: the document is sound, but training here needs one.",
                                        ADD_OPTIMIZER + ".")
                                .as(Severity.WARNING));
    }

    private void scheduler() {
        if (root.section("scheduler").has("type") && !root.section("optimizer").has("type")) {
            found.add(
                    Diagnostic.refused(
                            "no-optimizer",
                            "/scheduler",
                            "There is a scheduler, but no optimizer whose learning rate it could set.",
                            ADD_OPTIMIZER + ", or remove the scheduler."));
        }
    }

    private void types() {
        Settings section = root.section(TYPES);
        for (String name : section.names()) {
            if (section.value(name).orElse("") instanceof String type && !section.isAuto(name)) {
                oneOf("/" + TYPES + "/" + name, name, type, PrecisionKeys.canonical(type), FLOATS);
            }
        }
        Settings half = root.section("fp16");
        Settings brain = root.section("bf16");
        String written = PrecisionKeys.canonical(section.stringOr("param_dtype", ""));
        if (!FLOATS.contains(written) || half.isAuto("enabled") || brain.isAuto("enabled")) {
            return;
        }
        String mode = mode();
        if (!written.equals(mode)) {
            found.add(
                    Diagnostic.refused(
                            "conflict",
                            "/" + TYPES + "/param_dtype",
                            "'param_dtype' is %s, but parameters are %s: %s."
                                    .formatted(
                                            written,
                                            mode,
                                            mode.equals("fp32")
                                                    ? "neither fp16 nor bf16 is enabled"
                                                    : mode + ".enabled says so"),
                            "Remove it, or enable what it says."));
        }
    }

    private void logLevel() {
        if (root.value("log_level").orElse(0) instanceof String level) {
            oneOf("/log_level", "log_level", level, level.toLowerCase(Locale.ROOT), LEVELS);
        }
    }

    /** DeepSpeed refuses another word when it starts, though nothing here depends on it. */
    private void oneOf(
            String pointer, String name, String written, String meant, List<String> words) {
        if (!words.contains(meant)) {
            found.add(
                    Diagnostic.refused(
                            "choice",
                            pointer,
                            "'%s' must be one of %s, was \"%s\"."
                                    .formatted(
                                            name, String.join(", ", words), Pointers.cut(written)),
                            ""));
        }
    }
}
