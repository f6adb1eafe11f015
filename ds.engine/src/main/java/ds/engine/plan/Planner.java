package ds.engine.plan;

import ds.config.BatchSizes;
import ds.config.ConfigException;
import ds.config.DsConfig;
import ds.config.Tunable;
import ds.config.ZeroOptimization;
import ds.core.DType;
import ds.core.Diagnostic;
import ds.kernels.spi.KernelsProvider;
import ds.model.ModelLayout;
import ds.model.Parameter;
import ds.model.Unit;
import ds.offload.PipelineSettings;
import ds.offload.RestingPlace;
import ds.offload.spi.StateCodec;
import ds.optim.spi.Optimizer;
import ds.optim.spi.ParameterSpec;
import ds.optim.spi.Schedule;
import ds.zero.ParameterStorage;
import ds.zero.PartitionMap;
import ds.zero.Residency;
import ds.zero.StoreShapes;
import ds.zero.ZeroOptions;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.Function;

/**
 * Turns a configuration into a plan: resolves {@code "auto"}, holds sections against one another,
 * the model and this machine. All problems are reported at once.
 */
public final class Planner {
    private static final String REPLICAS =
            "the ranks exchange signs, so that bits depend on how many there are";

    private final ModelLayout model;
    private final DsConfig config;
    private final PlanInputs inputs;
    private final List<Diagnostic> problems = new ArrayList<>();
    private final List<Decision> decisions = new ArrayList<>();
    private final AutoValues auto;
    private ModelLayout layout;

    private Planner(ModelLayout layout, DsConfig config, PlanInputs inputs) {
        this.model = layout;
        this.layout = layout;
        this.config = config;
        this.inputs = inputs;
        this.auto = new AutoValues(layout, decisions);
    }

    /**
     * Plans.
     *
     * @throws ConfigException with every problem of running this configuration here
     */
    public static TrainingPlan plan(ModelLayout layout, DsConfig config, PlanInputs inputs) {
        return new Planner(layout, config, inputs).plan();
    }

    private TrainingPlan plan() {
        for (Diagnostic remark : config.remarks()) {
            if (remark.isError()) {
                problems.add(remark);
            } else {
                decisions.add(Decision.of(remark));
            }
        }
        Optional<BatchPlan> batch = batch();
        PrecisionChoice formats = new PrecisionChoice(config, inputs.ranks(), auto, problems);
        PrecisionPlan precision = formats.plan();
        ZeroOptimization section = config.zero();
        OffloadChoice offload =
                new OffloadChoice(config, precision.type(), inputs.layer(), problems);
        Optional<StateCodec> codec = offload.codec(formats.states());
        Optional<KernelsProvider> kernels = KernelsChoice.of(config, inputs.layer(), problems);
        Optional<JournalChoice> journal = JournalChoice.of(config, inputs.layer(), problems);
        checkLiveParameters(section);
        ParameterGroups groups = ParameterGroups.of(model, config, inputs.groups(), problems);
        PluginChoice plugins = new PluginChoice(model, config, inputs, problems, decisions, auto);
        Optional<Optimizer> optimizer = plugins.optimizer();
        Optional<Schedule> schedule = optimizer.flatMap(found -> plugins.schedule(found.base()));
        if (!problems.isEmpty() || schedule.isEmpty() || batch.isEmpty() || kernels.isEmpty()) {
            throw new ConfigException("The configuration", problems);
        }
        Optimizer chosen = plugins.grouped(optimizer.orElseThrow(), groups);
        layout = groups.frozen(model);
        boolean replicas = checkReplicas(chosen, plugins.optimizerName(), section.stage());
        if (!problems.isEmpty()) {
            throw new ConfigException("The configuration", problems);
        }
        boolean masters = precision.type() != DType.FP32 && !formats.states().mastersAreNarrow();
        int arrays = arrays(chosen, masters, offload.optimizer(), offload.parameters());
        ZeroOptions zero =
                new ZeroOptions(
                        Residency.ofStage(section.stage()),
                        precision.type(),
                        offload.optimizer(),
                        new ParameterStorage(
                                offload.parameters(),
                                section.offloadParam().maxInCpuElements(),
                                auto.prefetchBucket(section.prefetchBucketSize(), section.stage())),
                        Math.max(1, section.maxLiveParameters().value()),
                        auto.persistence(section.paramPersistenceThreshold(), section.stage()),
                        chunkBytes(section, arrays),
                        seed(),
                        formats.gradients().at(offload.gradients()),
                        formats.states().encoded(codec),
                        precision.products(),
                        formats.wideNorms());
        auto.reduceBucket(section.reduceBucketSize());
        double clip = auto.clip(config.gradientClipping());
        PartitionMap partition =
                PartitionMap.of(layout, inputs.ranks(), parameter -> isWhole(chosen, parameter));
        remarkAhead(section, ReadAheadChoice.idle(partition, section.stage(), zero));
        auto.others(config);
        KernelsChoice.remark(kernels.get(), precision.products()).ifPresent(decisions::add);
        StoreShapes.of(partition, zero, chosen, 0)
                .states()
                .flatMap(states -> offload.remark(states, zero.chunkBytes()))
                .ifPresent(decisions::add);
        PipelineSettings pipeline = offload.pipeline(zero.chunkBytes());
        int workers = workers();
        Function<List<Decision>, TrainingPlan> planned =
                remarks ->
                        new TrainingPlan(
                                batch.get(),
                                precision,
                                section.stage(),
                                zero,
                                pipeline,
                                offload.storage(),
                                offload.store(),
                                partition,
                                plugins.optimizerName(),
                                chosen,
                                plugins.scheduleName(),
                                schedule.get(),
                                clip,
                                config.gradients().sum()
                                        ? batch.get().accumulation()
                                        : batch.get().contributions(),
                                inputs.targetsPerSample(),
                                workers,
                                kernels.get(),
                                config.stepsPerPrint().orElse(0),
                                config.wallClockBreakdown(),
                                groups.groups().stream().map(GroupSummary::of).toList(),
                                irreproducible(replicas, codec, kernels.get()),
                                offload.codecs(formats.states()),
                                journal,
                                remarks.stream().map(decision -> decision.in(config)).toList());
        LockChoice.remark(planned.apply(decisions), inputs.layer()).ifPresent(decisions::add);
        return planned.apply(decisions);
    }

    private void remarkAhead(ZeroOptimization section, Optional<String> idle) {
        auto.prefetched(section.prefetchBucketSize(), section.stage(), idle);
        ReadAheadChoice.remark(section, idle).ifPresent(decisions::add);
    }

    private static List<String> irreproducible(
            boolean replicas, Optional<StateCodec> codec, KernelsProvider kernels) {
        List<String> reasons = new ArrayList<>();
        if (replicas) {
            reasons.add(REPLICAS);
        }
        codec.ifPresent(
                found ->
                        reasons.add(
                                "state_codec '%s' rounds the optimizer's state where it rests"
                                        .formatted(found.name())));
        if (!kernels.reproducible()) {
            reasons.add("kernels '%s' add in an order of their own".formatted(kernels.name()));
        }
        return List.copyOf(reasons);
    }

    private static boolean isWhole(Optimizer optimizer, Parameter parameter) {
        return parameter.trainable() && optimizer.kind(spec(parameter)) instanceof Optimizer.Matrix;
    }

    /** Returns what an optimizer may know about a parameter. */
    static ParameterSpec spec(Parameter parameter) {
        return new ParameterSpec(parameter.name(), parameter.shape(), parameter.tags());
    }

    /** Returns whether any parameter is stepped by that kind. */
    static boolean anyIs(
            Class<? extends Optimizer.Kind> kind, ModelLayout layout, Optimizer optimizer) {
        return layout.storages().stream()
                .filter(Parameter::trainable)
                .map(parameter -> optimizer.kind(spec(parameter)))
                .anyMatch(kind::isInstance);
    }

    /** Replicas need all state on every rank, as DeepSpeed requires too. */
    private boolean checkReplicas(Optimizer optimizer, String name, int stage) {
        boolean replicas = anyIs(Optimizer.Replica.class, layout, optimizer);
        if (replicas && stage > 0) {
            problems.add(
                    config.locate(
                            Diagnostic.refused(
                                            "replica-stage",
                                            "/zero_optimization/stage",
                                            "'%s' keeps a replica per rank and is not compatible with ZeRO; 'stage' is %d."
                                                    .formatted(name, stage),
                                            "Use \"stage\": 0, or another optimizer.")
                                    .alongside("/optimizer/type", "keeps a replica per rank")));
        }
        return replicas;
    }

    private int workers() {
        OptionalInt written = config.jvm().workers();
        inputs.workersPerRank()
                .filter(given -> written.isPresent() && written.getAsInt() != given)
                .ifPresent(given -> overridden("/jvm/workers", written.getAsInt(), given));
        int share = Math.max(1, Runtime.getRuntime().availableProcessors() / inputs.ranks());
        return inputs.workersPerRank().orElse(written.orElse(share));
    }

    private long seed() {
        Tunable<Long> written = config.jvm().seed();
        inputs.seed()
                .filter(given -> written.origin() == Tunable.Origin.GIVEN)
                .filter(given -> !given.equals(written.value()))
                .ifPresent(given -> overridden("/jvm/seed", written.value(), given));
        return inputs.seed().orElse(written.value());
    }

    private void overridden(String pointer, Object written, Object given) {
        decisions.add(
                new Decision(
                        Decision.Kind.WARNING,
                        pointer,
                        "is %s, but the option says %s, which is used".formatted(written, given)));
    }

    private Optional<BatchPlan> batch() {
        BatchSizes written = config.batch();
        BatchSizes sizes =
                written.withAuto(AutoValues.MICRO, AutoValues.ACCUMULATION, inputs.ranks());
        List<Diagnostic> wrong = sizes.check(inputs.ranks());
        problems.addAll(wrong.stream().map(config::locate).toList());
        if (!wrong.isEmpty()) {
            return Optional.empty();
        }
        BatchSizes.Resolved found = sizes.resolve(inputs.ranks());
        auto.batch(written, found);
        return Optional.of(
                new BatchPlan(
                        Math.toIntExact(found.train()),
                        Math.toIntExact(found.micro()),
                        Math.toIntExact(found.accumulation()),
                        inputs.ranks()));
    }

    /**
     * What one call of a step sees: a group of elements of every array, as far as jvm.chunk_bytes
     * allows, and at least a block of each.
     */
    private long chunkBytes(ZeroOptimization section, int arrays) {
        long blockBytes = (long) PartitionMap.BLOCK_ELEMENTS * Float.BYTES * arrays;
        long most = config.jvm().chunkBytes();
        if (most < blockBytes) {
            decisions.add(
                    new Decision(
                            Decision.Kind.WARNING,
                            "/jvm/chunk_bytes",
                            "is %,d, but one block of each of %d arrays takes %,d, which is used"
                                    .formatted(most, arrays, blockBytes)));
        }
        long group = section.subGroupSize().value();
        if (group < PartitionMap.BLOCK_ELEMENTS) {
            decisions.add(
                    new Decision(
                            Decision.Kind.WARNING,
                            "/zero_optimization/sub_group_size",
                            "is %,d, but a block has %,d elements and is stepped at once"
                                    .formatted(group, PartitionMap.BLOCK_ELEMENTS)));
        }
        long elementBytes = (long) Float.BYTES * arrays;
        long groupBytes = Math.min(group, Long.MAX_VALUE / elementBytes) * elementBytes;
        return Math.max(blockBytes, Math.min(most, groupBytes));
    }

    /** The arrays of the state: the optimizer's slots, and the masters where they lie apart. */
    private static int arrays(
            Optimizer optimizer, boolean narrow, RestingPlace states, RestingPlace parameters) {
        boolean masters =
                narrow
                        || states instanceof RestingPlace.OnNvme
                        || parameters instanceof RestingPlace.OnNvme;
        return Math.max(1, optimizer.slots().size() + (masters ? 1 : 0));
    }

    /** A unit is gathered whole, so the bound on live parameters has to hold the largest one. */
    private void checkLiveParameters(ZeroOptimization section) {
        if (section.stage() < 3) {
            return;
        }
        long bound = section.maxLiveParameters().value();
        for (Unit unit : layout.units()) {
            long elements =
                    unit.parameters().stream()
                            .filter(parameter -> layout.storage(parameter) == parameter)
                            .mapToLong(parameter -> PartitionMap.padded(parameter.elements()))
                            .sum();
            if (elements > bound) {
                problems.add(
                        config.locate(
                                Diagnostic.refused(
                                        "live-parameters",
                                        "/zero_optimization/stage3_max_live_parameters",
                                        "stage3_max_live_parameters is %,d, but unit '%s' has %,d elements and is gathered whole."
                                                .formatted(bound, unit.name(), elements),
                                        "Raise it to at least that, or make the model's units smaller.")));
                return;
            }
        }
    }
}
