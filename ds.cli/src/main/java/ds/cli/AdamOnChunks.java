package ds.cli;

import ds.core.DType;
import ds.core.FlatBuffer;
import ds.core.HostMemories;
import ds.core.MemoryKind;
import ds.core.RankMemory;
import ds.kernels.Workers;
import ds.offload.StateLayout;
import ds.optim.spi.Optimizer;
import ds.optim.spi.ParameterRange;
import ds.optim.spi.ParameterSpec;
import ds.optim.spi.Shard;
import ds.optim.spi.StateSlot;
import ds.optim.spi.StepContext;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.stream.Stream;

/**
 * AdamW on one parameter whose fp32 master and moments come in chunks from elsewhere: gradients
 * (fp32) and new weights (bf16) are in memory. Owned by one thread.
 */
final class AdamOnChunks implements AutoCloseable {
    private static final float GRADIENT = 1e-3f;

    private final Workers workers;
    private final RankMemory memory = new RankMemory(HostMemories.best(ModuleLayer.boot()));
    private final Optimizer optimizer;
    private final Optimizer.Element kind;
    private final ParameterSpec parameter;
    private final FlatBuffer gradient;
    private final FlatBuffer weights;
    private final StepContext context;

    /**
     * Allocates and fills.
     *
     * @param elements of the parameter
     * @param workerCount threads that step
     */
    AdamOnChunks(int elements, int workerCount) {
        this.optimizer = optimizer(elements);
        this.parameter = StepBench.parameter(elements);
        if (!(optimizer.kind(parameter) instanceof Optimizer.Element element)) {
            throw new IllegalArgumentException(optimizer + " does not step elements");
        }
        this.kind = element;
        this.gradient = memory.allocate(MemoryKind.GRADIENTS, DType.FP32, elements);
        SplittableRandom random = new SplittableRandom(1); // states that nothing compresses
        for (long i = 0; i < elements; i++) {
            gradient.set(i, GRADIENT * (1 + (float) random.nextDouble()));
        }
        this.weights = memory.allocate(MemoryKind.PARAMETERS, DType.BF16, elements);
        this.workers = new Workers("ds-bench", workerCount);
        this.context = new StepContext(1, 1, 1, optimizer.base(), 1f, Bench.kernels(workers));
    }

    /** Returns what of so many elements rests elsewhere. */
    static StateLayout layout(int elements) {
        return layout(optimizer(elements), elements);
    }

    private static StateLayout layout(Optimizer optimizer, long elements) {
        return new StateLayout(
                Stream.concat(Stream.of("master"), optimizer.slots().stream().map(StateSlot::name))
                        .toList(),
                List.of(elements));
    }

    private static Optimizer optimizer(int elements) {
        return BenchAdamCommand.optimizer("adamw", elements);
    }

    /** Returns what rests elsewhere. */
    StateLayout layout() {
        return layout(optimizer, gradient.lengthElements());
    }

    Workers workers() {
        return workers;
    }

    /** Returns what a step needs beside the chunk: gradient and weights. */
    List<FlatBuffer> resident(long first, long length) {
        return List.of(gradient.slice(first, length), weights.slice(first, length));
    }

    /** Steps one chunk in place, and writes its weights. */
    void step(long first, List<FlatBuffer> resident, List<FlatBuffer> stored) {
        FlatBuffer master = stored.getFirst();
        long length = master.lengthElements();
        kind.step(
                new Shard(
                        master,
                        resident.getFirst(),
                        stored.subList(1, stored.size()),
                        List.of(new ParameterRange(parameter, first, 0, length)),
                        Optional.of(resident.getLast())),
                context);
    }

    @Override
    public void close() {
        workers.close();
        memory.close();
    }
}
