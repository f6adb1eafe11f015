package ds.config;

import ds.core.DType;
import ds.core.Diagnostic;
import ds.core.Settings;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * A DeepSpeed configuration, read and checked: immutable, with every problem of the document
 * reported at once. What depends on the machine, the model or the number of ranks, such as the
 * meaning of {@code "auto"}, is left to the planner.
 *
 * <pre>{@code
 * DsConfig config = DsConfig.read(Path.of("ds_config.json"));
 * int stage = config.zero().stage();
 * BatchSizes.Resolved batch = config.batch().resolve(2);
 * }</pre>
 */
public final class DsConfig {
    private final Settings read; // as written: without defaults of objects, old keys as such
    private final Settings root;
    private final LocatedDocument document;
    private final List<Diagnostic> remarks;

    DsConfig(Settings read, Settings root, LocatedDocument document, List<Diagnostic> remarks) {
        this.read = read;
        this.root = root;
        this.document = document;
        this.remarks = List.copyOf(remarks);
    }

    /** Returns the warnings and notes of the reader: what is old or has no effect here. */
    public List<Diagnostic> remarks() {
        return remarks;
    }

    /**
     * Reads a file.
     *
     * @throws ConfigException with everything that is wrong, also that the file cannot be read
     */
    public static DsConfig read(Path file) {
        return check(file, CheckOptions.none()).orThrow();
    }

    /**
     * Parses JSON text; comments, trailing commas, unquoted keys and single quotes are allowed.
     *
     * @throws ConfigException with everything that is wrong
     */
    public static DsConfig parse(String text) {
        return check(text, CheckOptions.none()).orThrow();
    }

    /**
     * Reads a map of JSON values: maps, lists or arrays, strings or paths, booleans, finite
     * numbers, null. It is not modified and not kept.
     *
     * @throws ConfigException with everything that is wrong
     */
    public static DsConfig of(Map<String, ?> map) {
        return check(map, CheckOptions.none()).orThrow();
    }

    /** Returns a builder, for configurations made in code. */
    public static DsConfigBuilder builder() {
        return new DsConfigBuilder();
    }

    /** Checks a file and returns everything found; a file that cannot be read is a diagnostic. */
    public static ConfigCheck check(Path file, CheckOptions options) {
        String origin = file.toString();
        TextFile read = TextFile.read(file);
        return read.problem()
                .map(p -> new ConfigCheck(origin, Optional.empty(), List.of(p), Map.of(), ""))
                .orElseGet(() -> Checker.check(origin, DocumentParser.parse(read.text()), options));
    }

    /**
     * Checks what DeepSpeed takes as its one text argument: the name of a file, or base64url of the
     * document. JSON text itself is read too. A name that is no file is reported as such.
     */
    public static ConfigCheck checkArgument(String argument, CheckOptions options) {
        if (argument.isBlank() || argument.contains("{") || argument.contains("\n")) {
            return check(argument, options);
        }
        Optional<String> decoded = Base64Text.decode(argument);
        boolean file = decoded.isEmpty() || Base64Text.isFile(argument);
        return file ? check(Path.of(argument), options) : check(decoded.get(), options);
    }

    /** Checks JSON text and returns everything found. */
    public static ConfigCheck check(String text, CheckOptions options) {
        return Checker.check("The configuration", DocumentParser.parse(text), options);
    }

    /** Checks a map of JSON values and returns everything found; the map is not modified. */
    public static ConfigCheck check(Map<String, ?> map, CheckOptions options) {
        return Checker.check("The configuration", MapReader.read(map), options);
    }

    /** Returns the three batch keys. */
    public BatchSizes batch() {
        return batch(root);
    }

    /**
     * Returns every declared key written as {@code "auto"}; those of plug-ins are in {@link
     * #optimizer()} and {@link #scheduler()}.
     */
    public List<AutoKey> autos() {
        return AutoKey.in(KeyTable.ROOT, document.root(), "");
    }

    /** Returns the optimizer, or empty if none is named. */
    public Optional<PluginSection> optimizer() {
        return plugin(root, "optimizer", document);
    }

    /** Returns the schedule, or empty if none is named. */
    public Optional<PluginSection> scheduler() {
        return plugin(root, "scheduler", document);
    }

    /** Returns the largest gradient norm; 0 turns clipping off; default 1.0. */
    public Tunable<Double> gradientClipping() {
        return new FilledSection(root).tunableNumber("gradient_clipping");
    }

    /**
     * Returns the steps between progress lines; empty leaves it to the caller. Files that want no
     * such line write numbers beyond 32 bits; they become the largest.
     */
    public OptionalInt stepsPerPrint() {
        return optionalLong(root, "steps_per_print").stream()
                .mapToInt(steps -> Math.clamp(steps, Integer.MIN_VALUE, Integer.MAX_VALUE))
                .findFirst();
    }

    /** Returns whether progress says where the time of a step went; default false. */
    public boolean wallClockBreakdown() {
        return new FilledSection(root).flag("wall_clock_breakdown");
    }

    /** Returns the {@code fp16} section. */
    public Fp16 fp16() {
        FilledSection fp16 = FilledSection.of(root, "fp16");
        return new Fp16(
                fp16.tunableFlag("enabled"),
                fp16.number("loss_scale"),
                fp16.smallInteger("initial_scale_power"),
                fp16.integer("loss_scale_window"),
                fp16.smallInteger("hysteresis"),
                fp16.flag("consecutive_hysteresis"),
                fp16.integer("min_loss_scale"),
                fp16.flag("fp16_master_weights_and_grads"));
    }

    /** Returns the {@code bf16} section. */
    public Bf16 bf16() {
        FilledSection bf16 = FilledSection.of(root, "bf16");
        return new Bf16(
                bf16.tunableFlag("enabled"),
                bf16.flag("check_grad_overflow"),
                bf16.flag("bf16_master_weights_and_grads"),
                bf16.flag("bf16_optimizer_states"));
    }

    /** Returns what {@code torch_autocast} or {@code amp} say about products of matrices. */
    public Autocast autocast() {
        return AutocastRules.read(root);
    }

    /** Returns how gradients travel and are added. */
    public GradientOptions gradients() {
        return new GradientOptions(
                type(root.section("data_types"), "grad_accum_dtype"),
                type(root, "communication_data_type"),
                new FilledSection(root).flag("prescale_gradients"),
                root.value("gradient_predivide_factor").orElse(1.0) instanceof Number factor
                        ? factor.doubleValue()
                        : 1, // a problem of its own
                new FilledSection(root).text("gradient_allreduce_op").equalsIgnoreCase("sum"));
    }

    private static Optional<DType> type(Settings section, String name) {
        return section.has(name)
                ? PrecisionKeys.type(section.stringOr(name, ""))
                : Optional.empty();
    }

    /** Returns the {@code zero_optimization} section. */
    public ZeroOptimization zero() {
        FilledSection zero = FilledSection.of(root, "zero_optimization");
        return new ZeroOptimization(
                zero.smallInteger("stage"),
                zero.tunableInteger("reduce_bucket_size"),
                zero.tunableInteger("allgather_bucket_size"),
                zero.tunableInteger("sub_group_size"),
                zero.tunableInteger("stage3_prefetch_bucket_size"),
                zero.tunableInteger("stage3_param_persistence_threshold"),
                zero.tunableInteger("stage3_max_live_parameters"),
                zero.flag("overlap_comm"),
                zero.flag("stage3_gather_16bit_weights_on_model_save"),
                offloadParam(FilledSection.of(zero.settings(), ZeroKeys.OffloadKeys.parameters())),
                offloadOptimizer(
                        FilledSection.of(zero.settings(), ZeroKeys.OffloadKeys.optimizer())));
    }

    /** Returns the {@code activation_checkpointing} section. */
    public ActivationCheckpointing activationCheckpointing() {
        FilledSection section = FilledSection.of(root, "activation_checkpointing");
        return new ActivationCheckpointing(
                document.root().containsKey("activation_checkpointing"),
                section.flag("partition_activations"),
                section.flag("cpu_checkpointing"),
                optionalInt(section.settings(), "number_checkpoints"));
    }

    /** Returns the {@code aio} section. */
    public Aio aio() {
        FilledSection aio = FilledSection.of(root, "aio");
        return new Aio(
                aio.integer("block_size"),
                aio.integer("queue_depth"),
                aio.integer("intra_op_parallelism"),
                aio.flag("single_submit"),
                aio.flag("overlap_events"));
    }

    /** Returns the {@code jvm} object: settings that only this runtime has. */
    public Jvm jvm() {
        FilledSection jvm = FilledSection.of(root, "jvm");
        return new Jvm(
                jvm.text("unknown_keys").equals("warn"),
                jvm.text("reduction"),
                jvm.integer("chunk_bytes"),
                jvm.text("pipeline_wait"),
                optionalInt(jvm.settings(), "workers"),
                jvm.text("kernels"),
                jvm.tunableInteger("seed"),
                jvm.flag("stochastic_rounding"),
                jvm.flag("crash_consistent"),
                (int) jvm.integer("commit_every_steps"),
                (int) jvm.integer("generations"),
                jvm.settings().list("nvme_paths").stream()
                        .flatMap(path -> path(path).stream())
                        .toList(),
                jvm.text("storage_backend"),
                jvm.text("state_codec"),
                jvm.text("offload_gradients").equals("nvme"),
                jvm.settings().isGiven("journal")
                        ? Optional.of(journal(FilledSection.of(jvm.settings(), "journal")))
                        : Optional.empty());
    }

    private static Journal journal(FilledSection section) {
        return new Journal(
                section.text("type"),
                section.settings().value("path").map(path -> Path.of(path.toString())));
    }

    /** Returns the groups of parameters for which something is different, in order. */
    public List<ParameterGroup> parameterGroups() {
        return ParameterGroupKeys.groups(root.section("jvm"));
    }

    /**
     * Returns everything by dotted path, defaults included.
     *
     * @param worldSize ranks for the batch sizes; without it they stay as written
     */
    public Map<String, Object> resolved(OptionalInt worldSize) {
        return Resolved.of(root, batch(), worldSize);
    }

    /**
     * Returns every value with where it came from, in the order of {@link #resolved}.
     *
     * @param options ranks for the batch sizes; plug-ins, whose defaults are then among the values
     */
    public List<ResolvedValue> values(CheckOptions options) {
        return new Origins(this, options).list();
    }

    /**
     * Returns this configuration as JSON in its one canonical form: what was written, every key
     * under its own name and in the order of the key table, free names sorted, old keys as their
     * successors; without comments, unread keys and defaults. It reads back as an equal
     * configuration; integers of any length and fractions keep their value.
     */
    public String toJson() {
        return JsonText.of(Canonical.of(read, document.root()));
    }

    /**
     * Returns the text of this configuration in its modern form, in the order of the original and
     * with its comments, and each change that was made. One that was no text comes back in its
     * canonical form.
     */
    public Migration migrated() {
        return document.text().isEmpty()
                ? new Migration(toJson(), List.of())
                : new Modernizer(document).run();
    }

    /** Returns the JSON pointers of the keys that nobody reads. */
    Set<String> unread() {
        return remarks.stream()
                .filter(remark -> remark.code().equals(Checker.UNREAD_KEY))
                .map(Diagnostic::pointer)
                .collect(Collectors.toSet());
    }

    /** Returns the document as it was read: without defaults of absent objects, old keys as such. */
    Settings read() {
        return read;
    }

    /** Returns the document with the meaning of old keys and all defaults filled in. */
    Settings effective() {
        return root;
    }

    LocatedDocument document() {
        return document;
    }

    /**
     * Returns a diagnostic with the place that the document has for its pointer, for problems that
     * only the planner can see.
     */
    public Diagnostic locate(Diagnostic diagnostic) {
        return document.locate(diagnostic);
    }

    /** Returns the text that was read, or {@code ""}. */
    public String text() {
        return document.text();
    }

    static BatchSizes batch(Settings root) {
        Set<String> auto = new LinkedHashSet<>(root.autoNames());
        auto.retainAll(Set.of(BatchSizes.TRAIN, BatchSizes.MICRO, BatchSizes.ACCUMULATION));
        return new BatchSizes(
                optionalLong(root, BatchSizes.TRAIN),
                optionalLong(root, BatchSizes.MICRO),
                optionalLong(root, BatchSizes.ACCUMULATION),
                auto,
                ElasticRules.read(root));
    }

    static Optional<PluginSection> plugin(Settings root, String name, LocatedDocument document) {
        Settings section = root.section(name);
        if (!section.has("type")) {
            return Optional.empty();
        }
        Map<String, Object> params = new LinkedHashMap<>();
        if (document.root().get(name) instanceof Map<?, ?> written
                && written.get("params") instanceof Map<?, ?> given) {
            given.forEach((key, value) -> params.put(String.valueOf(key), value));
        }
        return Optional.of(new PluginSection(name, section.stringOr("type", ""), params, document));
    }

    private static OffloadParam offloadParam(FilledSection section) {
        return new OffloadParam(
                OffloadDevice.of(section.text("device")),
                section.settings().value("nvme_path").flatMap(DsConfig::path),
                section.integer("buffer_count"),
                section.integer("buffer_size"),
                section.integer("max_in_cpu"),
                section.tunableFlag("pin_memory"));
    }

    private static OffloadOptimizer offloadOptimizer(FilledSection section) {
        return new OffloadOptimizer(
                OffloadDevice.of(section.text("device")),
                section.settings().value("nvme_path").flatMap(DsConfig::path),
                section.integer("buffer_count"),
                section.tunableFlag("pin_memory"),
                section.tunableFlag("pipeline_read"),
                section.tunableFlag("pipeline_write"),
                section.flag("fast_init"),
                section.number("ratio"));
    }

    /** Returns the path, or empty if this machine's file names have no such characters. */
    static Optional<Path> path(Object text) {
        try {
            return Optional.of(Path.of(text.toString()));
        } catch (InvalidPathException e) {
            return Optional.empty();
        }
    }

    private static OptionalInt optionalInt(Settings section, String name) {
        return section.has(name) ? OptionalInt.of(section.intOr(name, 0)) : OptionalInt.empty();
    }

    private static OptionalLong optionalLong(Settings section, String name) {
        return section.has(name) ? OptionalLong.of(section.longOr(name, 0)) : OptionalLong.empty();
    }
}
