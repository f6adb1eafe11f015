package ds.engine;

import ds.comm.Communicator;
import ds.comm.Communicators;
import ds.core.HostMemories;
import ds.core.MemoryKind;
import ds.core.RankMemory;
import ds.core.spi.HostMemoryProvider;
import ds.engine.data.Dataset;
import ds.engine.plan.TrainingPlan;
import ds.engine.spi.RunJournal;
import ds.kernels.Kernels;
import ds.kernels.Workers;
import ds.model.Batch;
import ds.model.TrainableModel;
import ds.model.Workspace;
import ds.offload.CommitRecord;
import ds.offload.DurableStore;
import ds.offload.Recovery;
import ds.offload.StorageException;
import ds.offload.StoreIdentity;
import ds.zero.RankParts;
import ds.zero.ZeroRank;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;

/**
 * The local ranks of one engine: their threads and everything they own. Hands them tasks, and knows
 * whether they can still be used: a task that fails stops them for good, unless it left every rank
 * where it was. Owned by the engine's thread, which makes every call.
 */
final class Ranks implements AutoCloseable {
    private static final System.Logger LOG = System.getLogger(Ranks.class.getName());
    private static final byte[] NOTHING = new byte[0];

    private final TrainingPlan plan;
    private final TrainableModel model;
    private final EngineOptions options;
    private final List<Workers> pools = new ArrayList<>();
    private final List<RankMemory> memories = new ArrayList<>();
    private final List<Communicator> communicators;
    private final EngineStores stores;
    private final Rank[] ranks;
    private final Kernels[] kernels;
    private final Batch[] microBatches;
    private final RankThreads threads;
    private Optional<Throwable> failure = Optional.empty();
    private Optional<CommitRecord.Blob> application = Optional.empty();
    private boolean keepsStore;
    private boolean closed;

    private Ranks(
            TrainableModel model,
            EngineOptions options,
            TrainingPlan plan,
            StoreIdentity identity,
            Optional<LeftStore> left) {
        this.model = model;
        this.options = options;
        this.plan = plan;
        int world = options.ranks();
        HostMemoryProvider memory = HostMemories.best(options.layer());
        this.communicators =
                Communicators.providers(options.layer())
                        .require("local")
                        .connect(world, options.peerLimit());
        this.stores = new EngineStores(plan, options, identity, left);
        this.ranks = new Rank[world];
        this.kernels = new Kernels[world];
        this.microBatches = new Batch[world];
        for (int rank = 0; rank < world; rank++) {
            pools.add(new Workers("ds-r" + rank, plan.workersPerRank()));
            memories.add(new RankMemory(memory));
        }
        this.threads = new RankThreads(communicators, options.peerLimit());
    }

    /**
     * Makes all ranks, with their initial values or where {@code left} stands; frees everything if
     * one cannot be made.
     */
    static Ranks open(
            TrainableModel model,
            EngineOptions options,
            TrainingPlan plan,
            StoreIdentity identity,
            Optional<LeftStore> left) {
        Ranks made = new Ranks(model, options, plan, identity, left);
        try {
            made.stores.requireSpace();
            made.all(made::openRank);
            made.sayWhatIsNotLocked();
            made.restoreApplication();
            return made;
        } catch (RuntimeException | Error e) {
            try {
                if (left.isEmpty()) {
                    made.stores.release(); // there is nothing in it yet
                }
                made.close();
            } catch (RuntimeException | Error next) {
                e.addSuppressed(next);
            }
            throw e;
        }
    }

    /** Says once why memory that was to be locked is not; it is as usable without. */
    private void sayWhatIsNotLocked() {
        Optional<String> why =
                memories.stream().flatMap(memory -> memory.lockRefusal().stream()).findFirst();
        if (why.isPresent()) {
            LOG.log(
                    System.Logger.Level.WARNING,
                    "pin_memory: of {0} bytes that all ranks were to lock in memory, {1} are locked, since {2}. Remove the cause, or set pin_memory to false; the run goes on without, to the same results.",
                    "%,d".formatted(plan.lockedBytes()),
                    "%,d".formatted(memories.stream().mapToLong(RankMemory::lockedBytes).sum()),
                    why.get());
        }
    }

    private void openRank(int rank) {
        kernels[rank] = plan.kernels().create(pools.get(rank));
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
                new Rank(
                        rank,
                        plan,
                        model,
                        zero,
                        communicators.get(rank),
                        new Workspace(memory),
                        options.application()
                                .map(EngineOptions.ApplicationState::save)
                                .orElse(() -> NOTHING),
                        journal(rank));
        if (stores.left().isPresent()) {
            recover(rank, zero);
        } else {
            zero.drawInitialValues();
            ranks[rank].commit();
        }
        options.trainingData().ifPresent(data -> microBatches[rank] = allocate(memory, data));
    }

    /** Opens the run's journal, which rank 0 keeps. */
    private Optional<RunJournal> journal(int rank) {
        return rank == 0 ? plan.journal().map(CheckedJournal::new) : Optional.empty();
    }

    /** Agrees with the other ranks on a commit that all have, and goes on from it. */
    private void recover(int rank, ZeroRank zero) {
        DurableStore store = zero.durableStore().orElseThrow();
        long[] message = new long[ranks.length * Recovery.CLAIM_LONGS];
        Recovery.Claim.of(store, stores.location(rank)).copyTo(message, rank);
        communicators.get(rank).allReduce(message).await();
        List<Recovery.Claim> claims = new ArrayList<>();
        for (int other = 0; other < ranks.length; other++) {
            claims.add(Recovery.Claim.from(message, other));
        }
        Recovery recovery = Recovery.of(claims);
        long commit =
                switch (stores.left().orElseThrow().generation()) {
                    case LAST -> recovery.commit();
                    case PREVIOUS -> previous(rank, store, recovery);
                };
        CommitRecord found = store.recover(commit, recovery.epoch());
        zero.rebuild();
        CommitRecord.Blob kept = ranks[rank].restore(found);
        if (rank == 0) {
            application = Optional.of(kept);
        }
    }

    /**
     * Returns the newest commit before the last common one that is whole on all ranks. They stand at
     * the common one by then, so that a crash on the way back leaves them one commit apart at most.
     */
    private long previous(int rank, DurableStore store, Recovery recovery) {
        long mine = store.newestWhole(recovery.commit());
        long[] found = new long[ranks.length];
        found[rank] = mine;
        communicators.get(rank).allReduce(found).await();
        long wanted = Arrays.stream(found).min().orElseThrow();
        boolean held = wanted > 0 && (wanted == mine || store.newestWhole(wanted + 1) == wanted);
        store.goBack(recovery.commit(), recovery.epoch());
        long[] holders = new long[1];
        holders[0] = held ? 1 : 0;
        communicators.get(rank).allReduce(holders).await();
        if (holders[0] < ranks.length) {
            throw new StorageException(
                    "No commit before %,d is whole on all ranks of %s (by rank, the newest that is: %s; 0 is none). With jvm.generations 3 the one before the last is; resume from a checkpoint."
                            .formatted(
                                    recovery.commit(),
                                    stores.location(rank).runDirectory(),
                                    Arrays.toString(found)));
        }
        return wanted;
    }

    private void restoreApplication() {
        application
                .filter(kept -> kept.sizeBytes() > 0)
                .ifPresent(
                        kept ->
                                options.application()
                                        .ifPresentOrElse(
                                                state -> state.restore().accept(kept.bytes()),
                                                () ->
                                                        LOG.log(
                                                                System.Logger.Level.WARNING,
                                                                "The store keeps {0} of the application, which asks for none; give options.applicationState.",
                                                                kept)));
    }

    /**
     * Commits where the ranks stand and lets the store outlive them.
     *
     * @return the run's directory; empty if no state survives
     */
    Optional<Path> keepStore() {
        requireBoundary("Keeping the store");
        if (stores.runDirectory().isPresent()) {
            all(
                    rank -> {
                        ranks[rank].commit();
                        ranks[rank].awaitCommit();
                    });
            keepsStore = true;
        }
        return stores.runDirectory();
    }

    /** Waits on every rank until its last commit is on the medium: before all is replaced. */
    void awaitCommits() {
        all(rank -> ranks[rank].awaitCommit());
    }

    private Batch allocate(RankMemory memory, Dataset data) {
        return data.allocate(
                (sizeBytes, _) -> memory.allocateBytes(MemoryKind.ACTIVATIONS, sizeBytes),
                plan.batch().micro());
    }

    int size() {
        return ranks.length;
    }

    Rank get(int rank) {
        return ranks[rank];
    }

    /** Returns where a rank's micro-batches of the training data go. */
    Batch microBatch(int rank) {
        return microBatches[rank];
    }

    /** Returns how many off-heap allocations all ranks made so far. */
    long allocationCount() {
        return memories.stream().mapToLong(RankMemory::allocationCount).sum();
    }

    /** Returns the fp32 products, in operations per second, of all ranks together. */
    double productRate() {
        double[] rates = new double[ranks.length];
        all(rank -> rates[rank] = ProductRate.measure(kernels[rank], communicators.get(rank)));
        return Arrays.stream(rates).sum();
    }

    /** Runs {@code task} on every rank. If it fails, the ranks are of no use any more. */
    void all(RankThreads.Task task) {
        requireUsable();
        try {
            threads.all(task);
        } catch (RuntimeException | Error e) {
            failure = Optional.of(e);
            throw e;
        }
    }

    /** Runs {@code task} on every rank and returns what rank 0 makes of it. */
    <T> T first(Function<Rank, T> task) {
        List<T> results = new ArrayList<>();
        all(keepingFirst(task, results));
        return results.getFirst();
    }

    /**
     * Runs {@code task}, in which code of the user is at work, on every rank. If it fails where no
     * rank was changing anything, and all ranks are at the same point of their step, the ranks are
     * as they were and can still be used.
     */
    void guarded(RankThreads.Task task) {
        requireUsable();
        Arrays.stream(ranks).forEach(Rank::mark);
        try {
            threads.all(task);
        } catch (RuntimeException | Error e) {
            if (!isRecovered(e)) {
                failure = Optional.of(e);
            }
            throw e;
        }
    }

    /** As {@link #first}, with the care of {@link #guarded}. */
    <T> T guardedFirst(Function<Rank, T> task) {
        List<T> results = new ArrayList<>();
        guarded(keepingFirst(task, results));
        return results.getFirst();
    }

    private <T> RankThreads.Task keepingFirst(Function<Rank, T> task, List<T> results) {
        return rank -> {
            T result = task.apply(ranks[rank]);
            if (rank == 0) {
                results.add(result);
            }
        };
    }

    private boolean isRecovered(Throwable cause) {
        if (cause instanceof VirtualMachineError || !threads.areIdle()) {
            return false;
        }
        for (Rank rank : ranks) {
            if (!rank.isWhole() || !rank.isAtSamePointAs(ranks[0])) {
                return false;
            }
        }
        try {
            boolean recovered = true;
            for (Communicator communicator : communicators) {
                recovered &= communicator.recover();
            }
            if (recovered) {
                Arrays.stream(ranks).forEach(Rank::abandon);
            }
            return recovered;
        } catch (RuntimeException e) {
            cause.addSuppressed(e);
            return false;
        }
    }

    /**
     * Checks that no micro-batch is half done.
     *
     * @param what what is about to be done, to begin a sentence
     */
    void requireBoundary(String what) {
        requireUsable();
        for (Rank rank : ranks) {
            rank.requireBoundary(what);
        }
    }

    void requireUsable() {
        if (closed) {
            throw new IllegalStateException("The engine is closed.");
        }
        failure.ifPresent(
                cause -> {
                    throw new IllegalStateException(
                            "The engine stopped after a failure that may have left a step half done (%s); close it and resume from %s."
                                    .formatted(
                                            cause.getMessage(),
                                            stores.runDirectory()
                                                    .map(store -> "its store, " + store)
                                                    .orElse("a checkpoint")),
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
        if (failure.isEmpty() && !keepsStore) {
            stores.release();
        }
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
