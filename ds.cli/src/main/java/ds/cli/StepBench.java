package ds.cli;

import ds.core.DType;
import ds.core.FlatBuffer;
import ds.core.HostMemories;
import ds.core.MemoryKind;
import ds.core.RankMemory;
import ds.kernels.Kernels;
import ds.kernels.Workers;
import ds.optim.spi.Optimizer;
import ds.optim.spi.ParameterRange;
import ds.optim.spi.ParameterSpec;
import ds.optim.spi.Shard;
import ds.optim.spi.StepContext;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** One shard in the middle of a run, stepped by an element-wise optimizer beside its ceiling. */
final class StepBench implements AutoCloseable {
    private static final long BUDGET_NANOS = 1_500_000_000L;
    private static final int REPEATS_LEAST = 11;
    private static final int REPEATS_MOST = 301;
    private static final float GRADIENT = 1e-3f; // positive: the streams fold it into states

    /**
     * Middle times of one run of each.
     *
     * @param nanos of the step
     * @param bestNanos least time of the step
     * @param streamsNanos of the streams
     * @param separateNanos sum of the separate passes, 0 without a 16-bit copy
     * @param repeats how often each was measured
     */
    record Times(long nanos, long bestNanos, long streamsNanos, long separateNanos, int repeats) {
        /** Returns the time of the streams, or of the step where that is faster. */
        long ceilingNanos() {
            return Math.min(nanos, streamsNanos);
        }

        /** Returns how much of the ceiling's speed the step has. */
        double share() {
            return (double) ceilingNanos() / nanos;
        }
    }

    private final Workers workers;
    private final RankMemory memory = new RankMemory(HostMemories.best(ModuleLayer.boot()));
    private final Kernels kernels;
    private final Optimizer optimizer;
    private final Optimizer.Element kind;
    private final Shard shard;
    private final Shard uncopied;
    private final float[] sink = new float[1];
    private long steps;

    /**
     * Allocates and fills.
     *
     * @param copy the type of the 16-bit copy; empty for none
     */
    StepBench(Optimizer optimizer, int length, Optional<DType> copy, int workerCount) {
        this.workers = new Workers("ds-bench", workerCount);
        this.kernels = Bench.kernels(workers);
        this.optimizer = optimizer;
        ParameterSpec parameter = parameter(length);
        if (!(optimizer.kind(parameter) instanceof Optimizer.Element element)) {
            throw new IllegalArgumentException(optimizer + " does not step elements");
        }
        this.kind = element;
        FlatBuffer p = memory.allocate(MemoryKind.MASTERS, DType.FP32, length);
        FlatBuffer g = memory.allocate(MemoryKind.GRADIENTS, DType.FP32, length);
        for (long i = 0; i < length; i++) {
            g.set(i, (i % 31 + 1) * GRADIENT);
        }
        List<FlatBuffer> slots = new ArrayList<>();
        for (int i = 0; i < optimizer.slots().size(); i++) {
            slots.add(memory.allocate(MemoryKind.OPTIMIZER_STATES, DType.FP32, length));
        }
        List<ParameterRange> ranges = List.of(new ParameterRange(parameter, 0, 0, length));
        Optional<FlatBuffer> halves =
                copy.map(type -> memory.allocate(MemoryKind.PARAMETERS, type, length));
        this.shard = new Shard(p, g, slots, ranges, halves);
        this.uncopied = new Shard(p, g, slots, ranges, Optional.empty());
    }

    static ParameterSpec parameter(int length) {
        return new ParameterSpec("weights", List.of(length), Set.of());
    }

    long length() {
        return shard.length();
    }

    int bytesPerElement() {
        return StepStreams.bytesPerElement(shard);
    }

    private void step(Shard of) {
        long t = ++steps;
        kind.step(of, new StepContext(t, t, t, optimizer.base(), 1f, kernels));
    }

    /** Measures step, ceiling and, with a 16-bit copy, the separate passes, in turn. */
    Times measure(double warmUpSeconds) {
        List<Runnable> works = new ArrayList<>();
        works.add(() -> step(shard));
        works.add(() -> StepStreams.run(workers, shard));
        if (shard.copyOut().isPresent()) {
            works.add(() -> StepStreams.unscale(workers, shard));
            works.add(() -> StepStreams.squares(workers, shard, sink));
            works.add(() -> step(uncopied));
            works.add(() -> StepStreams.cast(workers, shard));
        }
        Bench.settle(warmUpSeconds, works);
        long once = works.stream().mapToLong(Bench::nanos).sum();
        int repeats = Math.clamp(BUDGET_NANOS / once, REPEATS_LEAST, REPEATS_MOST);
        long[][] nanos = new long[works.size()][repeats];
        for (int i = 0; i < repeats; i++) {
            for (int turn = 0; turn < works.size(); turn++) {
                int work = (i + turn) % works.size(); // what comes next finds other caches
                nanos[work][i] = Bench.nanos(works.get(work));
            }
        }
        long separate = 0;
        for (int work = 2; work < works.size(); work++) {
            separate += Bench.median(nanos[work]);
        }
        return new Times(
                Bench.median(nanos[0]),
                Bench.best(nanos[0]),
                Bench.median(nanos[1]),
                separate,
                repeats);
    }

    @Override
    public void close() {
        workers.close();
        memory.close();
    }
}
