package ds.engine;

import ds.config.ParameterGroup;
import ds.core.Device;
import ds.core.HostDevice;
import ds.engine.data.Dataset;
import ds.engine.plan.PlanInputs;
import ds.offload.FileOperations;
import ds.offload.StoreGeneration;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Supplier;

/** What {@link DeepSpeed#initialize} may be told beside the configuration. Owned by one thread. */
public final class EngineOptions {
    private static final Duration PEER_LIMIT = Duration.ofMinutes(5);

    private Optional<Dataset> trainingData = Optional.empty();
    private Optional<Long> seed = Optional.empty();
    private int ranks = 1;
    private Optional<Integer> workers = Optional.empty();
    private String modelSpec = "";
    private Optional<Long> plannedSteps = Optional.empty();
    private Duration peerLimit = PEER_LIMIT;
    private Supplier<Device> device = HostDevice::new;
    private FileOperations files = FileOperations.system();
    private final List<ParameterGroup> groups = new ArrayList<>();
    private ModuleLayer layer = ModuleLayer.boot();
    private Optional<Path> store = Optional.empty();
    private StoreGeneration generation = StoreGeneration.LAST;
    private Optional<ApplicationState> application = Optional.empty();

    /** What an application keeps with every commit. */
    record ApplicationState(Supplier<byte[]> save, Consumer<byte[]> restore) {}

    EngineOptions() {}

    /** Samples that {@link Engine#steps} draws from. Without it, use {@link Engine#trainStep}. */
    public EngineOptions trainingData(Dataset data) {
        trainingData = Optional.of(data);
        return this;
    }

    /** Seed of initial values, data order and dropout; overrides {@code jvm.seed}; default 42. */
    public EngineOptions seed(long value) {
        seed = Optional.of(value);
        return this;
    }

    /** Local ranks: the data-parallel world size; at least 1; default 1. */
    public EngineOptions ranks(int count) {
        if (count < 1) {
            throw new IllegalArgumentException("The engine needs at least 1 rank, was " + count);
        }
        ranks = count;
        return this;
    }

    /**
     * Worker threads per rank; overrides {@code jvm.workers}; default max(1, cores / ranks). Changes
     * no result.
     */
    public EngineOptions workers(int count) {
        if (count < 1) {
            throw new IllegalArgumentException("A rank needs at least 1 worker, was " + count);
        }
        workers = Optional.of(count);
        return this;
    }

    /** How the model was named, kept in checkpoints so that they can be used without code. */
    public EngineOptions modelSpec(String spec) {
        modelSpec = spec;
        return this;
    }

    /** Steps that will be made: what {@code "total_num_steps": "auto"} becomes. */
    public EngineOptions plannedSteps(long steps) {
        plannedSteps = Optional.of(steps);
        return this;
    }

    /**
     * Gives parameters settings of their own, as an entry of {@code jvm.parameter_groups} does; a
     * parameter belongs to the first group that it fits, and these come before the configuration's.
     */
    public EngineOptions parameterGroup(ParameterGroup group) {
        groups.add(group);
        return this;
    }

    /** How long a rank may stay away from a collective before the others fail; default 5 minutes. */
    public EngineOptions peerLimit(Duration limit) {
        peerLimit = limit;
        return this;
    }

    /** Makes the device on which optimizer kernels run; the engine closes it; default the host. */
    public EngineOptions device(Supplier<Device> maker) {
        device = maker;
        return this;
    }

    /** How stores and checkpoints reach the disk; default the operating system's own way. */
    public EngineOptions files(FileOperations operations) {
        files = operations;
        return this;
    }

    /**
     * Goes on from the store of a run that was cut off, in place: the directory of a run in {@code
     * nvme_path}, or an {@code nvme_path} with one such run. World size, model, optimizer and stage
     * are as they were. Cheaper than {@link Engine#resume}, which makes a new store first.
     */
    public EngineOptions resumeStore(Path directory) {
        return resumeStore(directory, StoreGeneration.LAST);
    }

    /**
     * As {@link #resumeStore(Path)}, from the last commit or from the one before it: the way back
     * after a block was found corrupt, where {@code "jvm": {"generations": 3}} keeps it. The engine
     * fails to start with a {@link ds.offload.StorageException} where no earlier commit is whole.
     */
    public EngineOptions resumeStore(Path directory, StoreGeneration from) {
        store = Optional.of(directory);
        generation = from;
        return this;
    }

    /**
     * Keeps something of the application's own with every commit of a store on NVMe, so that it goes
     * back together with the training when a run goes on from the store. Checkpoints do not hold it.
     *
     * @param save returns at most {@value ds.offload.CommitRecord#APPLICATION_BYTES_MAX} bytes;
     *     called on rank 0's thread at every commit
     * @param restore takes what {@code save} returned; called once on the engine's thread, before the
     *     first step of a run that goes on
     */
    public EngineOptions applicationState(Supplier<byte[]> save, Consumer<byte[]> restore) {
        application = Optional.of(new ApplicationState(save, restore));
        return this;
    }

    /** The module layer in which providers are looked up; default the boot layer. */
    public EngineOptions layer(ModuleLayer moduleLayer) {
        layer = moduleLayer;
        return this;
    }

    /** Returns what the planner has to know. */
    PlanInputs planInputs() {
        return new PlanInputs(
                ranks,
                workers,
                seed,
                plannedSteps,
                trainingData.map(Dataset::targetsPerSample).orElse(1L),
                groups,
                layer);
    }

    Optional<Path> store() {
        return store;
    }

    StoreGeneration generation() {
        return generation;
    }

    Optional<ApplicationState> application() {
        return application;
    }

    Optional<Dataset> trainingData() {
        return trainingData;
    }

    int ranks() {
        return ranks;
    }

    FileOperations files() {
        return files;
    }

    String modelSpec() {
        return modelSpec;
    }

    Supplier<Device> device() {
        return device;
    }

    Duration peerLimit() {
        return peerLimit;
    }

    ModuleLayer layer() {
        return layer;
    }
}
