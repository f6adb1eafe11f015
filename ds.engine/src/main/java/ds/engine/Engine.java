package ds.engine;

import ds.comm.Communicator;
import ds.comm.Communicators;
import ds.config.DsConfig;
import ds.core.FlatBuffer;
import ds.core.HostMemories;
import ds.core.MemoryKind;
import ds.core.RankMemory;
import ds.core.spi.HostMemoryProvider;
import ds.engine.checkpoint.Checkpoint;
import ds.engine.data.Dataset;
import ds.engine.data.SampleOrder;
import ds.engine.plan.Planner;
import ds.engine.plan.TrainingPlan;
import ds.kernels.Kernels;
import ds.kernels.KernelsProviders;
import ds.kernels.Workers;
import ds.model.Batch;
import ds.model.Parameter;
import ds.model.TrainableModel;
import ds.model.Workspace;
import ds.zero.RankParts;
import ds.zero.TensorSink;
import ds.zero.ZeroRank;
import ds.zero.ZeroUsage;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Function;

/**
 * A model in training. One engine drives its local rank threads; all ranks advance together. Owned
 * by the thread that made it, which makes every call; {@link #close} drains the ranks and frees
 * all memory. After a failure the engine refuses everything but {@code close}.
 */
public final class Engine implements AutoCloseable {
    private final TrainingPlan plan;
    private final TrainableModel model;
    private final String configText;
    private final EngineOptions options;
    private final List<Workers> pools = new ArrayList<>();
    private final List<RankMemory> memories = new ArrayList<>();
    private final List<Communicator> communicators;
    private final List<Batch> microBatches = new ArrayList<>();
    private final Rank[] ranks;
    private final Kernels[] kernels;
    private final RankThreads threads;
    private final EngineStores stores;
    private Optional<Throwable> failure = Optional.empty();
    private boolean closed;

    private Engine(
            TrainableModel model, DsConfig config, EngineOptions options, TrainingPlan plan) {
        this.model = model;
        this.options = options;
        this.plan = plan;
        this.configText = config.text();
        int world = options.ranks();
        HostMemoryProvider memory = HostMemories.best(options.layer());
        this.communicators =
                Communicators.providers(options.layer())
                        .require("local")
                        .connect(world, options.peerLimit());
        this.stores = new EngineStores(plan, options.layer(), options.files(), options.device());
        this.ranks = new Rank[world];
        this.kernels = new Kernels[world];
        for (int rank = 0; rank < world; rank++) {
            pools.add(new Workers("ds-r" + rank, plan.workersPerRank()));
            memories.add(new RankMemory(memory));
        }
        this.threads = new RankThreads(communicators, options.peerLimit());
    }

    static Engine open(TrainableModel model, DsConfig config, EngineOptions options) {
        TrainingPlan plan = Planner.plan(model.layout(), config, options.planInputs());
        Engine engine = new Engine(model, config, options, plan);
        try {
            engine.all(engine::openRank);
            return engine;
        } catch (RuntimeException | Error e) {
            try {
                engine.close();
            } catch (RuntimeException | Error next) {
                e.addSuppressed(next);
            }
            throw e;
        }
    }

    private void openRank(int rank) {
        kernels[rank] =
                KernelsProviders.in(options.layer())
                        .require(KernelsProviders.HOST)
                        .create(pools.get(rank));
        RankMemory memory = memories.get(rank);
        ZeroRank zero =
                new ZeroRank(
                        model.layout(),
                        plan.partition(),
                        plan.zero(),
                        new RankParts(
                                communicators.get(rank),
                                kernels[rank],
                                memory,
                                stores.device(),
                                plan.optimizer(),
                                stores.of(rank, memory)));
        ranks[rank] =
                new Rank(rank, plan, model, zero, communicators.get(rank), new Workspace(memory));
        zero.drawInitialValues();
        options.trainingData().ifPresent(data -> allocateBatch(rank, data));
    }

    private void allocateBatch(int rank, Dataset data) {
        Batch batch =
                data.allocate(
                        (sizeBytes, _) ->
                                memories.get(rank)
                                        .allocateBytes(MemoryKind.ACTIVATIONS, sizeBytes, false),
                        plan.batch().micro());
        synchronized (microBatches) {
            while (microBatches.size() < ranks.length) {
                microBatches.add(batch);
            }
            microBatches.set(rank, batch);
        }
    }

    /** Returns what the configuration became. */
    public TrainingPlan plan() {
        return plan;
    }

    /** Returns the model. */
    public TrainableModel model() {
        return model;
    }

    /** Returns the boundaries so far, skipped ones included. */
    public long step() {
        return ranks[0].position().globalStep();
    }

    /** Returns the samples consumed so far. */
    public long samplesSeen() {
        return ranks[0].position().samplesSeen();
    }

    /**
     * Returns the next {@code count} steps on the training data; each is made when it is asked for.
     *
     * @throws IllegalStateException if no training data was given
     */
    public Iterable<StepReport> steps(long count) {
        requireData();
        return () ->
                new Iterator<>() {
                    private long left = count;

                    @Override
                    public boolean hasNext() {
                        return left > 0;
                    }

                    @Override
                    public StepReport next() {
                        if (left <= 0) {
                            throw new NoSuchElementException(
                                    "All %,d steps are made.".formatted(count));
                        }
                        left--;
                        return trainStep();
                    }
                };
    }

    /** Makes one step on the next samples of the training data. */
    public StepReport trainStep() {
        Dataset data = requireData();
        requireBoundary("A whole step");
        SampleOrder order = new SampleOrder(plan.zero().seed(), data.samples());
        return first(rank -> ranks[rank].step(data, order, microBatches.get(rank)));
    }

    /**
     * Makes one step on a whole batch, which is cut into micro-batches.
     *
     * @param batch exactly {@code train_batch_size} samples; its memory is readable by any thread
     */
    public StepReport trainStep(Batch batch) {
        if (batch.samples() != plan.batch().train()) {
            throw new IllegalArgumentException(
                    "A step takes train_batch_size = %d samples, was given %d."
                            .formatted(plan.batch().train(), batch.samples()));
        }
        requireBoundary("A whole step");
        return first(rank -> ranks[rank].step(batch.at(ranks[rank].position().samplesSeen())));
    }

    private Dataset requireData() {
        return options.trainingData()
                .orElseThrow(
                        () ->
                                new IllegalStateException(
                                        "The engine has no training data; give it with options.trainingData(...) or call trainStep(batch)."));
    }

    /** Runs {@code task} on every rank's thread with DeepSpeed's three calls at hand. */
    public void onEachRank(Consumer<RankScope> task) {
        all(rank -> task.accept(new RankScope(rank, ranks[rank])));
    }

    /**
     * Returns the mean loss over the targets of {@code data}, in data order, without changing
     * anything.
     *
     * @throws IllegalArgumentException if all targets are ignored
     */
    public Evaluation evaluate(Dataset data) {
        return first(rank -> new Evaluator(plan.batch()).evaluate(rank, ranks[rank], data));
    }

    /**
     * Continues {@code prompt} byte by byte.
     *
     * @throws IllegalStateException if the model has no token logits, or the engine no training data
     *     of tokens: its samples say how long the model's window is
     */
    public String generate(String prompt, Function<GenerateOptions, GenerateOptions> change) {
        GenerateOptions wanted = change.apply(GenerateOptions.DEFAULT);
        if (!requireData().shape().tokens()) {
            throw new IllegalStateException(
                    "The training data is not tokens (%s), so the model generates no text."
                            .formatted(requireData().describe()));
        }
        return first(rank -> new Generator(ranks[rank]).generate(prompt, wanted));
    }

    /**
     * Writes a checkpoint below {@code directory}; every rank writes its own file. The previous
     * checkpoint stays whole until the new one is durable; where writing fails, training may go on.
     *
     * @return the new checkpoint's directory
     * @throws IllegalStateException in the middle of an accumulation
     * @throws ds.engine.checkpoint.CheckpointException if it cannot be written
     */
    public Path saveCheckpoint(Path directory) {
        requireBoundary("A checkpoint");
        return new CheckpointIo(plan, model, options, configText).save(directory, ranks, this::all);
    }

    /**
     * Continues from the newest good checkpoint below {@code directory}, written at any world size.
     * A WARNING in the log says so if newer ones were passed over.
     *
     * @throws ds.engine.checkpoint.CheckpointException if there is none, or it is of another model
     */
    public void resume(Path directory) {
        requireBoundary("Resuming");
        try (Checkpoint checkpoint = Checkpoint.open(directory, options.files())) {
            for (String note : checkpoint.notes()) {
                System.getLogger(Engine.class.getName()).log(System.Logger.Level.WARNING, note);
            }
            new CheckpointIo(plan, model, options, configText).load(checkpoint, ranks, this::all);
        }
    }

    /** Does {@link #resume} if {@code directory} holds a checkpoint; returns whether it did. */
    public boolean resumeIfPresent(Path directory) {
        if (!Checkpoint.isPresent(directory)) {
            return false;
        }
        resume(directory);
        return true;
    }

    /**
     * Returns a copy of one parameter in fp32: the masters of all ranks put together.
     *
     * @throws IllegalArgumentException if the model has no such parameter
     */
    public float[] parameter(String name) {
        return tensor(name, TensorSink.MASTER);
    }

    /**
     * Replaces all parameters, in fp32, and forgets optimizer state: for weights from elsewhere.
     *
     * @param values from a stored parameter's name to its elements, row-major; called by the threads
     *     of all ranks at once, more than once per name
     * @throws IllegalArgumentException if a parameter has no values, or not as many as it has
     *     elements; nothing is replaced then
     */
    public void loadParameters(Function<String, float[]> values) {
        // First on this thread, where a mistake stops nothing.
        model.layout().storages().forEach(parameter -> checked(parameter, values));
        all(
                rank ->
                        ranks[rank]
                                .zero()
                                .importTensors(
                                        (parameter, kind, offset, into) -> {
                                            if (kind.equals(TensorSink.MASTER)) {
                                                copy(
                                                        checked(parameter, values),
                                                        Math.toIntExact(offset),
                                                        into);
                                            } else {
                                                into.zero();
                                            }
                                        }));
    }

    private static float[] checked(Parameter parameter, Function<String, float[]> values) {
        float[] found = values.apply(parameter.name());
        if (found == null) {
            throw new IllegalArgumentException(
                    "Parameter '%s' %s was given no values."
                            .formatted(parameter.name(), parameter.shape()));
        }
        if (found.length != parameter.elements()) {
            throw new IllegalArgumentException(
                    "Parameter '%s' %s has %,d elements, was given %,d."
                            .formatted(
                                    parameter.name(),
                                    parameter.shape(),
                                    parameter.elements(),
                                    found.length));
        }
        return found;
    }

    private static void copy(float[] from, int offset, FlatBuffer to) {
        MemorySegment.copy(
                from,
                offset,
                to.segment(),
                FlatBuffer.FLOAT,
                0,
                Math.toIntExact(to.lengthElements()));
    }

    /**
     * Returns a copy of one optimizer slot of one parameter, in fp32: the parts of all ranks put
     * together.
     *
     * @param kind {@code master}, or a slot's name such as {@code exp_avg}; a parameter that is not
     *     trained has no slots
     * @throws IllegalArgumentException if there is no such parameter or slot
     */
    public float[] tensor(String name, String kind) {
        Parameter wanted =
                model.layout().storages().stream()
                        .filter(parameter -> parameter.name().equals(name))
                        .findFirst()
                        .orElseThrow(
                                () ->
                                        new IllegalArgumentException(
                                                "The model stores no parameter named '%s'."
                                                        .formatted(name)));
        List<String> kinds = new ArrayList<>(List.of(TensorSink.MASTER));
        requireUsable();
        if (wanted.trainable()) {
            kinds.addAll(ranks[0].zero().slotNames());
        }
        if (!kinds.contains(kind)) {
            throw new IllegalArgumentException(
                    "Parameter '%s' has no tensor '%s'; it has %s.".formatted(name, kind, kinds));
        }
        float[] values = new float[Math.toIntExact(wanted.elements())];
        all(
                rank ->
                        ranks[rank]
                                .zero()
                                .exportOwned(
                                        (parameter, of, offset, piece) -> {
                                            if (parameter.name().equals(name) && of.equals(kind)) {
                                                copy(piece, values, Math.toIntExact(offset));
                                            }
                                        }));
        return values;
    }

    private static void copy(FlatBuffer from, float[] to, int offset) {
        for (int i = 0; i < from.lengthElements(); i++) {
            to[offset + i] = from.get(i);
        }
    }

    /** Returns the SHA-256 of all parameters in fp32, in layout order: equal bits, equal hash. */
    public String parameterHash() {
        return ParameterHash.of(model.layout().storages(), this::parameter);
    }

    /**
     * Returns what one rank uses and has done so far.
     *
     * @throws IndexOutOfBoundsException if there is no such rank
     */
    public ZeroUsage usage(int rank) {
        Objects.checkIndex(rank, ranks.length);
        ZeroUsage[] usage = new ZeroUsage[1];
        all(
                other -> {
                    if (other == rank) {
                        usage[0] = ranks[other].zero().usage();
                    }
                });
        return usage[0];
    }

    /**
     * Measures how fast all ranks together multiply fp32 matrices on their workers: a few
     * milliseconds, or more while the just-in-time compiler is cold. Changes nothing.
     *
     * @return floating-point operations per second
     */
    public double productRate() {
        double[] rates = new double[ranks.length];
        all(rank -> rates[rank] = ProductRate.measure(kernels[rank], communicators.get(rank)));
        return Arrays.stream(rates).sum();
    }

    /** Returns the most bytes of activations that rank 0 had in use at once. */
    public long activationBytes() {
        return ranks[0].workspace().highWaterBytes();
    }

    /** Returns how many off-heap allocations all ranks made so far; constant between steps. */
    public long allocationCount() {
        return memories.stream().mapToLong(RankMemory::allocationCount).sum();
    }

    private <T> T first(Function<Integer, T> task) {
        List<T> results = new ArrayList<>();
        all(
                rank -> {
                    T result = task.apply(rank);
                    if (rank == 0) {
                        results.add(result);
                    }
                });
        return results.getFirst();
    }

    private void all(RankThreads.Task task) {
        requireUsable();
        try {
            threads.all(task);
        } catch (RuntimeException | Error e) {
            failure = Optional.of(e);
            throw e;
        }
    }

    private void requireBoundary(String what) {
        requireUsable();
        for (Rank rank : ranks) {
            rank.requireBoundary(what);
        }
    }

    private void requireUsable() {
        if (closed) {
            throw new IllegalStateException("The engine is closed.");
        }
        failure.ifPresent(
                cause -> {
                    throw new IllegalStateException(
                            "The engine stopped after a failure (%s); close it and resume from a checkpoint."
                                    .formatted(cause.getMessage()),
                            cause);
                });
    }

    /**
     * Drains the ranks, closes stores and frees all memory, whatever happened before and whether or
     * not the calling thread is interrupted. Safe to call twice.
     *
     * @throws TrainingException if a rank is stuck in a model's own code: it keeps its memory
     */
    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        List<String> alive = new ArrayList<>();
        List<AutoCloseable> parts = new ArrayList<>();
        parts.add(() -> alive.addAll(threads.close(this::closeRank)));
        parts.add(
                () -> {
                    if (alive.isEmpty()) {
                        free();
                    }
                });
        Closing.all(parts);
        if (!alive.isEmpty()) {
            throw new TrainingException(
                    "Threads %s did not come back, so what they use is kept until the process ends; look at what the model does there."
                            .formatted(alive));
        }
    }

    private void free() {
        List<AutoCloseable> parts = new ArrayList<>(communicators);
        parts.addAll(pools);
        parts.add(stores);
        parts.addAll(memories);
        Closing.all(parts);
    }

    private void closeRank(int rank) {
        if (ranks[rank] != null) {
            ranks[rank].close();
        }
    }
}
