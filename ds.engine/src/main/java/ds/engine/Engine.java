package ds.engine;

import ds.config.DsConfig;
import ds.engine.checkpoint.Checkpoint;
import ds.engine.data.Dataset;
import ds.engine.data.SampleOrder;
import ds.engine.plan.Planner;
import ds.engine.plan.TrainingPlan;
import ds.model.Batch;
import ds.model.TrainableModel;
import ds.offload.RestingPlace;
import ds.offload.StorageException;
import ds.offload.StoreGeneration;
import ds.offload.StoreIdentity;
import ds.offload.Stores;
import ds.zero.TensorSink;
import ds.zero.ZeroUsage;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.NoSuchElementException;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Function;

/**
 * A model in training. One engine drives its local rank threads; all ranks advance together. Owned
 * by the thread that made it, which makes every call; {@link #close} drains the ranks and frees
 * all memory. After a failure in the middle of a step the engine refuses everything but {@code
 * close}.
 */
public final class Engine implements AutoCloseable {
    private final TrainingPlan plan;
    private final TrainableModel model;
    private final String configText;
    private final EngineOptions options;
    private Ranks ranks; // another one once a store is resumed
    private Tensors tensors;

    private Engine(
            TrainableModel model,
            DsConfig config,
            EngineOptions options,
            TrainingPlan plan,
            Ranks ranks) {
        this.model = model;
        this.options = options;
        this.plan = plan;
        this.configText = config.text();
        this.ranks = ranks;
        this.tensors = new Tensors(model.layout(), ranks);
    }

    static Engine open(TrainableModel model, DsConfig config, EngineOptions options) {
        TrainingPlan plan = Planner.plan(model.layout(), config, options.planInputs());
        TrainableModel planned = FrozenModel.of(model, plan.partition().layout());
        StoreIdentity identity = RunIdentity.of(plan, options, config.text());
        Optional<LeftStore> left =
                options.store()
                        .map(
                                directory ->
                                        new LeftStore(
                                                resumable(directory, plan), options.generation()));
        Ranks ranks = Ranks.open(planned, options, plan, identity, left);
        return new Engine(planned, config, options, plan, ranks);
    }

    /** Returns the run that {@code directory} holds, which this plan may go on from. */
    private static Stores.RunStore resumable(Path directory, TrainingPlan plan) {
        Stores.RunStore found = Stores.resumable(directory);
        if (!(plan.zero().optimizer() instanceof RestingPlace.OnNvme) || !plan.store().survives()) {
            throw new StorageException(
                    "%s is an offload store, but this configuration keeps no optimizer state on NVMe that survives; set offload_optimizer.device to nvme and jvm.crash_consistent to true, or resume from a checkpoint."
                            .formatted(found.directory()));
        }
        found.lastCommit()
                .filter(commit -> commit.run().seed() != plan.zero().seed())
                .ifPresent(
                        commit -> {
                            throw new StorageException(
                                    "The store %s was trained with seed %d, this run has %d; give --seed %d to continue it."
                                            .formatted(
                                                    found.directory(),
                                                    commit.run().seed(),
                                                    plan.zero().seed(),
                                                    commit.run().seed()));
                        });
        return found;
    }

    /** Returns what the configuration became. */
    public TrainingPlan plan() {
        return plan;
    }

    /** Returns the model. */
    public TrainableModel model() {
        return model instanceof FrozenModel(TrainableModel inner, _) ? inner : model;
    }

    /** Returns the boundaries so far, skipped ones included. */
    public long step() {
        return ranks.get(0).position().globalStep();
    }

    /** Returns the samples consumed so far. */
    public long samplesSeen() {
        return ranks.get(0).position().samplesSeen();
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
        ranks.requireBoundary("A whole step");
        SampleOrder order = new SampleOrder(plan.zero().seed(), data.samples());
        return ranks.first(rank -> rank.step(data, order, ranks.microBatch(rank.number())));
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
        ranks.requireBoundary("A whole step");
        return ranks.first(rank -> rank.step(batch.at(rank.position().samplesSeen())));
    }

    private Dataset requireData() {
        return options.trainingData()
                .orElseThrow(
                        () ->
                                new IllegalStateException(
                                        "The engine has no training data; give it with options.trainingData(...) or call trainStep(batch)."));
    }

    /**
     * Runs {@code task} on every rank's thread with DeepSpeed's three calls at hand. If it throws on
     * a rank, its collective calls fail on all others and the exception comes back here. The engine
     * stays usable, and is where it was, if no backward or step was cut off and all ranks had made
     * the same ones.
     */
    public void onEachRank(Consumer<RankScope> task) {
        ranks.guarded(rank -> task.accept(new RankScope(rank, ranks.get(rank))));
    }

    /**
     * Returns the mean loss over the targets of {@code data}, in data order, without changing
     * anything, even if the model or the data throws.
     *
     * @throws IllegalArgumentException if all targets are ignored
     */
    public Evaluation evaluate(Dataset data) {
        return ranks.guardedFirst(rank -> new Evaluator(plan.batch()).evaluate(rank, data));
    }

    /**
     * Continues {@code prompt} byte by byte, without changing anything, even if the model throws.
     * The model sees a window of the text's end, at most as long as a sample of the training data;
     * when it is full, it moves on by a quarter of its length, at once.
     *
     * @throws IllegalStateException if the model has no token logits, or the engine no training data
     *     of tokens: its samples say how long the model's window is
     */
    public String generate(String prompt, Function<GenerateOptions, GenerateOptions> change) {
        return generation(prompt, change).text();
    }

    /** As {@link #generate}, with how it went. */
    public Generation generation(String prompt, Function<GenerateOptions, GenerateOptions> change) {
        GenerateOptions wanted = change.apply(GenerateOptions.DEFAULT);
        if (!requireData().shape().tokens()) {
            throw new IllegalStateException(
                    "The training data is not tokens (%s), so the model generates no text."
                            .formatted(requireData().describe()));
        }
        return ranks.guardedFirst(rank -> Generator.generate(rank, prompt, wanted));
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
        ranks.requireBoundary("A checkpoint");
        return new CheckpointIo(plan, model, options, configText).save(directory, ranks);
    }

    /**
     * Continues from the newest good checkpoint below {@code directory}, written at any world size,
     * or from the store of a run that was cut off: its directory, or an {@code nvme_path} with one
     * such run. A WARNING in the log says so if newer checkpoints were passed over. Resuming a store
     * closes this engine's ranks and opens them anew on it; where that fails, the engine is of no use
     * any more. {@link EngineOptions#resumeStore} does not make a store of its own first.
     *
     * @throws ds.engine.checkpoint.CheckpointException if there is no checkpoint, or it is of another
     *     model
     * @throws ds.offload.StorageException if a store is in use, not whole, of another layout or world
     */
    public void resume(Path directory) {
        ranks.requireBoundary("Resuming");
        if (!Checkpoint.isPresent(directory) && Stores.isPresent(directory)) {
            resumeStore(resumable(directory, plan));
            return;
        }
        try (Checkpoint checkpoint = Checkpoint.open(directory, options.files())) {
            for (String note : checkpoint.notes()) {
                System.getLogger(Engine.class.getName()).log(System.Logger.Level.WARNING, note);
            }
            resume(checkpoint);
        }
    }

    private void resumeStore(Stores.RunStore store) {
        ranks.close();
        StoreIdentity identity = RunIdentity.of(plan, options, configText);
        var left = new LeftStore(store, StoreGeneration.LAST);
        ranks = Ranks.open(model, options, plan, identity, Optional.of(left));
        tensors = new Tensors(model.layout(), ranks);
    }

    /**
     * Commits where training stands and lets the store on NVMe outlive this engine, which deletes it
     * otherwise when it is closed in order.
     *
     * @return what {@link #resume} takes; empty if no state rests on NVMe, or none survives
     */
    public Optional<Path> keepStore() {
        return ranks.keepStore();
    }

    /**
     * Continues from an open checkpoint, which has been verified and is not closed here.
     *
     * @throws ds.engine.checkpoint.CheckpointException if it is of another model
     */
    public void resume(Checkpoint checkpoint) {
        ranks.requireBoundary("Resuming");
        new CheckpointIo(plan, model, options, configText).load(checkpoint, ranks);
    }

    /**
     * Does {@link #resume(Path)} if {@code directory} holds a checkpoint, or a store that can be gone
     * on from; returns whether it did.
     */
    public boolean resumeIfPresent(Path directory) {
        if (!Checkpoint.isPresent(directory)
                && Stores.list(directory).stream().noneMatch(Stores.RunStore::isResumable)) {
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
        return tensors.copy(name, TensorSink.MASTER);
    }

    /**
     * Replaces all parameters, in fp32, and forgets optimizer state: for weights from elsewhere. The
     * count of applied steps is part of that state, so that bias correction, warm-up and the schedule
     * begin anew; the step number, the loss scale and the place in the data go on.
     *
     * @param values from a stored parameter's name to its elements, row-major; called by the threads
     *     of all ranks at once, more than once per name
     * @throws IllegalArgumentException if a parameter has no values, or not as many as it has
     *     elements; nothing is replaced then
     * @throws IllegalStateException if a step is half done
     */
    public void loadParameters(Function<String, float[]> values) {
        tensors.replaceAll(values);
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
        return tensors.copy(name, kind);
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
        Objects.checkIndex(rank, ranks.size());
        ZeroUsage[] usage = new ZeroUsage[1];
        ranks.all(
                other -> {
                    if (other == rank) {
                        usage[0] = ranks.get(other).zero().usage();
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
        return ranks.productRate();
    }

    /** Returns the most bytes of activations that rank 0 had in use at once. */
    public long activationBytes() {
        return ranks.get(0).workspace().highWaterBytes();
    }

    /** Returns how many off-heap allocations all ranks made so far; constant between steps. */
    public long allocationCount() {
        return ranks.allocationCount();
    }

    /**
     * Drains the ranks, closes stores and frees all memory, whatever happened before and whether or
     * not the calling thread is interrupted. Safe to call twice.
     *
     * @throws TrainingException if a rank is stuck in a model's own code: it keeps its memory
     */
    @Override
    public void close() {
        ranks.close();
    }
}
