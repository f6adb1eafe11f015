package ds.engine;

import ds.comm.Communicator;
import ds.core.FlatBuffer;
import ds.engine.data.Dataset;
import ds.engine.data.SampleOrder;
import ds.engine.plan.TrainingPlan;
import ds.engine.spi.RunJournal;
import ds.model.Activations;
import ds.model.Batch;
import ds.model.Continuation;
import ds.model.Mode;
import ds.model.TrainableModel;
import ds.model.Workspace;
import ds.offload.CommitRecord;
import ds.offload.DurableStore;
import ds.offload.Transfers;
import ds.optim.spi.Hyper;
import ds.zero.Boundary;
import ds.zero.MicroStep;
import ds.zero.PhaseClock;
import ds.zero.ZeroRank;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;

/**
 * One rank's side of training: forward, backward, boundary. All ranks make the same calls in the
 * same order and reach the same decisions from the same exchanged numbers. Owned by the rank's
 * thread, which makes every call.
 */
final class Rank implements AutoCloseable {
    private static final int SKIPPED_IN_A_ROW_MAX = 20;

    /** Forward, and backward by the inputs and by the weights. */
    private static final int PASSES = 3;

    private static final double CLIP_EPSILON = 1e-6;

    private final int rank;
    private final TrainingPlan plan;
    private final TrainableModel model;
    private final ZeroRank zero;
    private final Communicator communicator;
    private final Workspace workspace;
    private final LossScaler scaler;
    private final double[] losses;
    private final Supplier<byte[]> application;
    private final Optional<RunJournal> journal;
    private Transfers transfersBefore = Transfers.NONE;
    private Position position = Position.START;
    private int accumulated;
    private Optional<Activations> open = Optional.empty();
    private boolean changing;
    private boolean wasOpen;
    private Workspace.Mark mark;
    private long forwardOperations;

    Rank(
            int rank,
            TrainingPlan plan,
            TrainableModel model,
            ZeroRank zero,
            Communicator communicator,
            Workspace workspace,
            Supplier<byte[]> application,
            Optional<RunJournal> journal) {
        this.rank = rank;
        this.plan = plan;
        this.model = model;
        this.zero = zero;
        this.communicator = communicator;
        this.workspace = workspace;
        this.application = application;
        this.journal = journal;
        this.mark = workspace.mark();
        this.scaler = plan.precision().scaler();
        this.losses = new double[plan.batch().accumulation()];
        zero.clock().listener(new PhaseEvents(rank, zero::transfers, zero::stallNanos));
    }

    /** Returns which rank this is, from 0. */
    int number() {
        return rank;
    }

    ZeroRank zero() {
        return zero;
    }

    Position position() {
        return position;
    }

    LossScaler scaler() {
        return scaler;
    }

    Workspace workspace() {
        return workspace;
    }

    void restore(Position restored, Optional<LossScaler.State> scalerState) {
        position = restored;
        scalerState.ifPresent(scaler::restore);
    }

    /** Says that the optimizer's state is as it was before the first step, bias correction included. */
    void forgetSteps() {
        position = position.withoutSteps();
    }

    /**
     * Goes on where {@code commit} says.
     *
     * @return what the application kept with it; empty on other ranks than 0
     */
    CommitRecord.Blob restore(CommitRecord commit) {
        CommitRecord.Scaler kept = commit.scaler();
        boolean dynamic = plan.precision().dynamic().isPresent() && kept.dynamic();
        restore(
                new Position(
                        commit.globalStep(),
                        commit.appliedSteps(),
                        commit.microSteps(),
                        commit.samplesSeen(),
                        commit.skippedInARow()),
                dynamic
                        ? Optional.of(
                                new LossScaler.State(
                                        kept.scale(),
                                        kept.hysteresis(),
                                        kept.iteration(),
                                        kept.lastOverflow()))
                        : Optional.empty());
        return commit.application();
    }

    /** Starts a commit of where this rank stands, if its state survives a crash. */
    void commit() {
        zero.durableStore().ifPresent(store -> store.commit(record()));
    }

    /** Waits until the last commit is on the medium. */
    void awaitCommit() {
        zero.durableStore().ifPresent(DurableStore::awaitCommit);
    }

    private CommitRecord record() {
        LossScaler.State state = scaler.state();
        return new CommitRecord(
                position.globalStep(),
                position.appliedSteps(),
                position.microSteps(),
                position.samplesSeen(),
                position.skippedInARow(),
                plan.zero().seed(),
                new CommitRecord.Scaler(
                        state.scale(),
                        state.hysteresis(),
                        state.iteration(),
                        state.lastOverflow(),
                        plan.precision().dynamic().isPresent()),
                rank == 0 ? CommitRecord.Blob.of(application.get()) : CommitRecord.Blob.EMPTY);
    }

    /** Notes where things are, for {@link #abandon}; between tasks, on the engine's thread. */
    void mark() {
        mark = workspace.mark();
        wasOpen = open.isPresent();
        zero.mark();
    }

    /** Returns whether neither a backward pass nor a boundary was cut off. */
    boolean isWhole() {
        return !changing && !wasOpen;
    }

    /** Returns whether another rank has made the same passes and steps. */
    boolean isAtSamePointAs(Rank other) {
        return accumulated == other.accumulated && position.equals(other.position);
    }

    /**
     * Forgets a forward pass that failed, here or on another rank, and what it had gathered. On all
     * ranks, between tasks, on the engine's thread.
     */
    void abandon() {
        open.ifPresent(Activations::close);
        open = Optional.empty();
        workspace.release(mark);
        zero.abandon();
    }

    /**
     * Checks that no micro-batch is half done: what is accumulated is in no checkpoint.
     *
     * @param what what is about to be done, to begin a sentence
     */
    void requireBoundary(String what) {
        if (accumulated != 0 || open.isPresent()) {
            throw new IllegalStateException(
                    "%s comes between steps, but on rank %d %d of %d micro-batches are in%s; end the step first."
                            .formatted(
                                    what,
                                    rank,
                                    accumulated,
                                    plan.batch().accumulation(),
                                    open.isPresent() ? " and one waits for backward" : ""));
        }
    }

    /** One step on a whole batch, of which this rank takes its micro-batches. */
    StepReport step(Batch whole) {
        int micro = plan.batch().micro();
        for (int k = 0; k < plan.batch().accumulation(); k++) {
            int g = k * plan.batch().world() + rank;
            forward(whole.slice(g * micro, micro));
            backward();
        }
        return boundary().orElseThrow();
    }

    /** One step on the next samples of {@code data}; {@code into} holds one micro-batch. */
    StepReport step(Dataset data, SampleOrder order, Batch into) {
        for (int k = 0; k < plan.batch().accumulation(); k++) {
            Batch micro = into.at(firstSample(k));
            data.fill(order, micro);
            forward(micro);
            backward();
        }
        return boundary().orElseThrow();
    }

    /** As {@link #forward}, on a micro-batch whose size and place in the run nobody has checked. */
    double forwardNext(Batch micro) {
        if (micro.samples() != plan.batch().micro()) {
            throw new IllegalArgumentException(
                    "forward on rank %d takes train_micro_batch_size_per_gpu = %d samples, was given %d."
                            .formatted(rank, plan.batch().micro(), micro.samples()));
        }
        return forward(micro.at(firstSample(accumulated)));
    }

    /** Returns the first sample, counted over the run, of this rank's micro-batch {@code k}. */
    private long firstSample(int k) {
        long g = (long) k * plan.batch().world() + rank;
        return position.samplesSeen() + g * plan.batch().micro();
    }

    /** Computes the loss of one micro-batch and keeps what backward needs. */
    double forward(Batch micro) {
        if (open.isPresent()) {
            throw new IllegalStateException(
                    "forward was called twice without backward on rank %d; call backward first."
                            .formatted(rank));
        }
        if (accumulated == plan.batch().accumulation()) {
            throw new IllegalStateException(
                    "All %d micro-batches of the step are in on rank %d; call step() before the next forward."
                            .formatted(accumulated, rank));
        }
        PhaseClock clock = zero.clock();
        if (accumulated == 0) {
            clock.begin(); // an evaluation or a checkpoint is no part of a step
            transfersBefore = zero.transfers();
            forwardOperations = 0;
        }
        PhaseClock.Phase before = clock.turn(PhaseClock.Phase.FORWARD);
        Activations activations = model.forward(micro, zero.forward(Mode.TRAIN, workspace));
        clock.turn(before);
        forwardOperations += activations.productOperations();
        open = Optional.of(activations);
        return activations.loss();
    }

    /** Computes the gradients of the last forward pass and exchanges them. */
    void backward() {
        Activations activations =
                open.orElseThrow(
                        () ->
                                new IllegalStateException(
                                        "backward was called without forward on rank %d."
                                                .formatted(rank)));
        open = Optional.empty();
        changing = true;
        PhaseClock.Phase before = zero.clock().turn(PhaseClock.Phase.BACKWARD);
        try (activations) {
            losses[accumulated] = activations.loss();
            model.backward(
                    activations,
                    (float) seed(),
                    zero.backward(
                            new MicroStep(
                                    accumulated,
                                    plan.batch().accumulation(),
                                    position.appliedSteps()),
                            workspace));
        }
        zero.clock().turn(before);
        accumulated++;
        position = position.afterMicroBatch();
        changing = false;
    }

    void requireLoss(double loss) {
        double known =
                open.orElseThrow(
                                () ->
                                        new IllegalStateException(
                                                "backward was called without forward on rank %d."
                                                        .formatted(rank)))
                        .loss();
        if (Double.compare(known, loss) != 0) {
            throw new IllegalArgumentException(
                    "backward on rank %d got loss %s, but forward returned %s; scaling a loss has no effect here, set the learning rate instead."
                            .formatted(rank, loss, known));
        }
    }

    /** Ends the step if all its micro-batches are in; empty before that. */
    Optional<StepReport> boundary() {
        if (accumulated < plan.batch().accumulation()) {
            return Optional.empty();
        }
        changing = true;
        accumulated = 0;
        // The fence: no rank passes the all-reduce before all have the commit before on the medium,
        // so that none overwrites what another may have to go back to.
        awaitCommit();
        double divisor = seed() * plan.divisor() * plan.zero().gradients().factor();
        Boundary boundary = zero.boundary(losses, divisor);
        double scale = scaler.scale();
        boolean skipped = boundary.overflow() && plan.precision().skipsOverflow();
        Hyper hyper = plan.schedule().at(position.appliedSteps(), plan.optimizer().base());
        if (skipped) {
            refuseToGoOnForever(scale, boundary);
        }
        scaler.update(skipped);
        if (skipped) {
            zero.skip();
        } else {
            double grown = scaler.unscalesBy(scale) / scale;
            zero.step(
                    new ZeroRank.StepInputs(
                            position.globalStep() + 1,
                            position.appliedSteps() + 1,
                            position.microSteps(),
                            hyper,
                            gradientScale(boundary.norm() / grown, divisor * grown, plan.clip())));
        }
        position = position.afterBoundary(skipped, plan.batch().train());
        boolean commits = position.globalStep() % plan.store().commitEverySteps() == 0;
        note(boundary, hyper, skipped, commits);
        if (commits) {
            commit();
        }
        changing = false;
        Map<String, Long> phases = phases();
        return Optional.of(
                new StepReport(
                        position.globalStep(),
                        boundary.meanLoss(),
                        hyper.lr(),
                        boundary.norm(),
                        scale,
                        skipped,
                        plan.batch().train(),
                        plan.targetsPerSample() * plan.batch().train(),
                        position.samplesSeen(),
                        phases.values().stream().mapToLong(Long::longValue).sum(),
                        (double) PASSES * forwardOperations * plan.batch().world(),
                        phases,
                        zero.transfers().since(transfersBefore)));
    }

    /** Before the commit, so that no step that is committed is missing in the journal. */
    private void note(Boundary boundary, Hyper hyper, boolean skipped, boolean commits) {
        if (journal.isEmpty()) {
            return;
        }
        Transfers moved = zero.transfers().since(transfersBefore);
        long commit = commits ? zero.durableStore().map(s -> s.lastCommit() + 1).orElse(0L) : 0;
        journal.get()
                .append(
                        new RunJournal.Entry(
                                position.globalStep(),
                                commit,
                                boundary.meanLoss(),
                                boundary.norm(),
                                hyper.lr(),
                                skipped,
                                moved.readBytes() + moved.writtenBytes()));
    }

    /**
     * The one factor that the step kernel applies (docs/numerics.md): average, loss scale and clipping,
     * rounded once.
     */
    static float gradientScale(double norm, double divisor, double clip) {
        double excess = clip > 0 ? (norm + CLIP_EPSILON) / clip : 1;
        return (float) (1 / (divisor * Math.max(excess, 1)));
    }

    private Map<String, Long> phases() {
        Map<String, Long> phases = new HashMap<>();
        zero.clock()
                .times()
                .forEach(
                        (phase, nanos) -> phases.put(phase.name().toLowerCase(Locale.ROOT), nanos));
        return phases;
    }

    private void refuseToGoOnForever(double scale, Boundary boundary) {
        boolean dynamic = plan.precision().dynamic().isPresent();
        if (dynamic ? !scaler.exhausted() : position.skippedInARow() + 1 < SKIPPED_IN_A_ROW_MAX) {
            return;
        }
        String why =
                dynamic
                        ? " and the loss scale is at its minimum of " + scale
                        : ", %d steps in a row".formatted(SKIPPED_IN_A_ROW_MAX);
        String wayOut =
                switch (plan.precision().products()) {
                    case FP32 -> "set gradient_clipping";
                    case BF16 -> "train in fp32 with gradient_clipping";
                    case FP16 -> dynamic ? "train in bf16" : "set fp16.loss_scale to 0: dynamic";
                };
        throw new TrainingException(
                "Step %d: the gradient of %s is not finite%s. Lower the learning rate, look at the data, or %s."
                        .formatted(
                                position.globalStep() + 1,
                                zero.firstNonFinite(!Double.isFinite(boundary.meanLoss()))
                                        .orElse("an unknown tensor"),
                                why,
                                wayOut));
    }

    private double seed() {
        return plan.precision().scalesLoss() ? scaler.scale() / plan.batch().accumulation() : 1;
    }

    /** Returns the loss of one batch, keeping nothing. */
    double evaluate(Batch batch) {
        try (Activations activations = model.forward(batch, zero.forward(Mode.EVAL, workspace))) {
            return activations.loss();
        }
    }

    /** Adds values of all ranks; each is zero on all ranks but one, so the sum is exact. */
    void sumOverRanks(double[] values) {
        communicator.allReduce(values).await();
    }

    /** Returns the tokens of one sample of a language model. */
    int tokensPerSample() {
        return Math.toIntExact(plan.targetsPerSample());
    }

    /** Begins a sequence that the model continues; empty if it cannot. */
    Optional<Continuation> continuation(int capacity, Batch probe) {
        return model.continuation(capacity, probe, zero.forward(Mode.EVAL, workspace));
    }

    /** Copies the logits of one row of an evaluation into {@code into}. */
    void logits(Batch batch, long row, float[] into) {
        try (Activations made = model.forward(batch, zero.forward(Mode.EVAL, workspace))) {
            logits(made, batch, row, into);
        }
    }

    /** Goes on with a sequence, and copies the logits of one of the new rows into {@code into}. */
    void logits(Continuation sequence, Batch next, long row, float[] into) {
        try (Activations made = sequence.forward(next, zero.forward(Mode.EVAL, workspace))) {
            logits(made, next, row, into);
        }
    }

    private static void logits(Activations activations, Batch batch, long row, float[] into) {
        long rows = batch.input().data().byteSize() / Integer.BYTES;
        FlatBuffer logits = activations.outputs().get("logits");
        long width = logits == null ? 0 : logits.lengthElements() / rows;
        if (logits == null || width < into.length) {
            throw new IllegalStateException(
                    "This model has no output 'logits' with at least %d values per token; only byte-level language models generate text."
                            .formatted(into.length));
        }
        for (int i = 0; i < into.length; i++) {
            into[i] = logits.get(row * width + i);
        }
    }

    @Override
    public void close() {
        List<AutoCloseable> parts = new ArrayList<>();
        journal.ifPresent(parts::add);
        parts.add(zero::close);
        Closing.all(parts);
    }
}
