package ds.zero;

import ds.comm.CommException;
import ds.comm.Communicator;
import ds.comm.Communicators;
import ds.core.Device;
import ds.core.HostDevice;
import ds.core.HostMemories;
import ds.core.RankMemory;
import ds.kernels.Kernels;
import ds.kernels.KernelsProviders;
import ds.kernels.Workers;
import ds.model.BackwardContext;
import ds.model.Mode;
import ds.model.Parameter;
import ds.model.Workspace;
import ds.offload.StoreDirectory;
import ds.optim.spi.Optimizer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;

/** Runs ranks as threads of a test, each with its own memory, kernels and stores. */
final class RankThreads {
    /** What a rank does. */
    @FunctionalInterface
    interface Work<R> {
        R run(ZeroRank rank, RankParts parts);
    }

    /** How the ranks are set up. */
    record Setup(
            int world,
            ZeroOptions options,
            Optimizer optimizer,
            UnaryOperator<Communicator> wrap,
            Optimizer partitioner,
            Supplier<Device> device) {
        static Setup of(int world, ZeroOptions options, Optimizer optimizer) {
            return new Setup(
                    world,
                    options,
                    optimizer,
                    UnaryOperator.identity(),
                    optimizer,
                    HostDevice::new);
        }

        Setup on(Supplier<Device> other) {
            return new Setup(world, options, optimizer, wrap, partitioner, other);
        }

        Setup wrapping(UnaryOperator<Communicator> wrapper) {
            return new Setup(world, options, optimizer, wrapper, optimizer, device);
        }
    }

    private static final Duration LIMIT = Duration.ofSeconds(20);

    private RankThreads() {}

    /** Runs {@code work} on every rank and returns the results in rank order. */
    static <R> List<R> run(Setup setup, Work<R> work) {
        List<Communicator> communicators = Communicators.local(setup.world(), LIMIT);
        List<FutureTask<R>> tasks = new ArrayList<>();
        for (Communicator communicator : communicators) {
            FutureTask<R> task = new FutureTask<>(() -> one(setup, communicator, work));
            tasks.add(task);
            Thread.ofPlatform().name("ds-r" + communicator.rank()).start(task);
        }
        List<R> results = new ArrayList<>();
        RuntimeException failure = null;
        for (FutureTask<R> task : tasks) {
            try {
                results.add(task.get());
            } catch (ExecutionException e) {
                failure = failure == null ? origin(e) : failure;
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
        }
        if (failure != null) {
            throw failure;
        }
        return results;
    }

    /** Returns what the first rank threw: the others only say that it did. */
    private static RuntimeException origin(ExecutionException thrown) {
        Throwable cause = thrown.getCause();
        while (cause instanceof CommException && cause.getCause() != null) {
            cause = cause.getCause();
        }
        return cause instanceof RuntimeException e ? e : new IllegalStateException(cause);
    }

    private static <R> R one(Setup setup, Communicator plain, Work<R> work) {
        List<StoreDirectory> directories = new ArrayList<>();
        try (RankMemory memory = new RankMemory(HostMemories.portable());
                Workers workers = new Workers("test-r" + plain.rank(), 1);
                Device device = setup.device().get();
                Communicator communicator = setup.wrap().apply(plain)) {
            Kernels kernels =
                    KernelsProviders.in(ModuleLayer.boot())
                            .require(KernelsProviders.HOST)
                            .create(workers);
            StoreFactory stores = new TestStores(setup, plain.rank(), memory, device, directories);
            RankParts parts =
                    new RankParts(communicator, kernels, memory, device, setup.optimizer(), stores);
            PartitionMap map =
                    ZeroRank.partition(SyntheticModel.LAYOUT, setup.world(), setup.partitioner());
            try (ZeroRank rank = new ZeroRank(SyntheticModel.LAYOUT, map, setup.options(), parts)) {
                return work.run(rank, parts);
            } catch (RuntimeException e) {
                plain.fail(e);
                throw e;
            } finally {
                directories.forEach(StoreDirectory::close);
            }
        }
    }

    /** What a run leaves: every tensor, what the boundaries said, and what each rank used. */
    record Outcome(Map<String, int[]> tensors, List<Boundary> boundaries, List<ZeroUsage> usages) {}

    /** Trains the synthetic model and collects all tensors. */
    static Outcome train(Setup setup, int microBatches, int steps) {
        Map<String, int[]> tensors = new ConcurrentHashMap<>();
        record Said(List<Boundary> boundaries, ZeroUsage usage) {}
        List<Said> said =
                run(
                        setup,
                        (rank, parts) -> {
                            rank.drawInitialValues();
                            List<Boundary> all = steps(rank, parts, setup, microBatches, 0, steps);
                            ZeroUsage usage = rank.usage();
                            collect(rank, tensors);
                            return new Said(all, usage);
                        });
        return new Outcome(
                new TreeMap<>(tensors),
                said.getFirst().boundaries(),
                said.stream().map(Said::usage).toList());
    }

    static List<Boundary> steps(
            ZeroRank rank, RankParts parts, Setup setup, int microBatches, int from, int to) {
        int accumulation = microBatches / setup.world();
        int me = parts.communicator().rank();
        Workspace workspace = new Workspace(parts.memory());
        List<Boundary> said = new ArrayList<>();
        for (int step = from; step < to; step++) {
            double[] losses = new double[accumulation];
            for (int k = 0; k < accumulation; k++) {
                long g = (long) step * microBatches + (long) k * setup.world() + me;
                losses[k] = SyntheticModel.forward(g, rank.forward(Mode.TRAIN, workspace));
                BackwardContext context =
                        rank.backward(new MicroStep(k, accumulation, step), workspace);
                SyntheticModel.backward(g, context);
            }
            Boundary boundary = rank.boundary(losses, microBatches);
            said.add(boundary);
            float scale = (float) (1.0 / (microBatches * Math.max(1, boundary.norm())));
            rank.step(
                    new ZeroRank.StepInputs(
                            step + 1,
                            step + 1,
                            (long) (step + 1) * accumulation,
                            parts.optimizer().base(),
                            scale));
        }
        return said;
    }

    static void collect(ZeroRank rank, Map<String, int[]> tensors) {
        rank.exportOwned(
                (parameter, kind, offset, values) -> {
                    int[] all =
                            tensors.computeIfAbsent(
                                    kind + " " + parameter.name(), _ -> blank(parameter));
                    for (int i = 0; i < values.lengthElements(); i++) {
                        int at = Math.toIntExact(offset) + i;
                        if (all[at] != UNSET) {
                            throw new IllegalStateException(
                                    "Exported twice: " + parameter.name() + "[" + at + "]");
                        }
                        all[at] = Float.floatToRawIntBits(values.get(i));
                    }
                });
    }

    /** A NaN pattern that no run produces: marks elements that nobody exported. */
    static final int UNSET = 0x7fdeadbe;

    private static int[] blank(Parameter parameter) {
        int[] bits = new int[Math.toIntExact(parameter.elements())];
        java.util.Arrays.fill(bits, UNSET);
        return bits;
    }
}
