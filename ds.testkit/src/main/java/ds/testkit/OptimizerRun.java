package ds.testkit;

import ds.core.DType;
import ds.core.FlatBuffer;
import ds.kernels.ExactNorm;
import ds.kernels.Kernels;
import ds.kernels.KernelsProviders;
import ds.kernels.Workers;
import ds.optim.spi.Hyper;
import ds.optim.spi.Optimizer;
import ds.optim.spi.ParameterRange;
import ds.optim.spi.ParameterSpec;
import ds.optim.spi.Shard;
import ds.optim.spi.StateSlot;
import ds.optim.spi.StepContext;
import java.lang.foreign.Arena;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.stream.Stream;

/** One shard with its memory, its workers and the optimizer that steps it. Owned by a test. */
final class OptimizerRun implements AutoCloseable {
    private final ParameterSpec parameter;
    private final Arena arena = Arena.ofShared();
    private final SplittableRandom random;
    private final Workers workers;
    private final Kernels kernels;
    private final Shard shard;
    private final List<FlatBuffer> measured;
    private final ExactNorm sum = new ExactNorm();
    private final FlatBuffer scratch;
    private final List<StateSlot> slots;
    private Optimizer optimizer;
    private Hyper hyper;
    private long used;

    OptimizerRun(
            Optimizer optimizer,
            ParameterSpec parameter,
            int workerCount,
            Optional<DType> copy,
            long seed) {
        this.optimizer = optimizer;
        this.parameter = parameter;
        this.slots = optimizer.slots(parameter);
        this.hyper = optimizer.base(parameter);
        this.random = new SplittableRandom(seed);
        this.workers = new Workers("contract", workerCount);
        ModuleLayer own = OptimizerRun.class.getModule().getLayer();
        this.kernels =
                KernelsProviders.in(own == null ? ModuleLayer.boot() : own)
                        .require(KernelsProviders.HOST)
                        .create(workers);
        int length = parameter.shape().stream().mapToInt(size -> size).reduce(1, (a, b) -> a * b);
        this.used = length;
        this.shard =
                new Shard(
                        allocate(DType.FP32, length),
                        allocate(DType.FP32, length),
                        arrays(slots.size(), length),
                        List.of(new ParameterRange(parameter, 0, 0, length)),
                        copy.map(type -> allocate(type, length)));
        Optimizer.Kind kind = optimizer.kind(parameter);
        this.measured = arrays(kind instanceof Optimizer.Norm norm ? norm.norms() : 0, length);
        this.scratch =
                allocate(
                        DType.FP32,
                        kind instanceof Optimizer.Matrix matrix
                                ? matrix.scratchElements(parameter)
                                : 0);
        for (int i = 0; i < length; i++) {
            shard.master().set(i, (float) random.nextDouble(-2, 2));
        }
        fillGradient(1);
    }

    private List<FlatBuffer> arrays(int count, long length) {
        return Stream.generate(() -> allocate(DType.FP32, length)).limit(count).toList();
    }

    private FlatBuffer allocate(DType type, long length) {
        return FlatBuffer.of(arena.allocate(type.bytesOf(length), Long.BYTES), type);
    }

    Shard shard() {
        return shard;
    }

    /** Goes on with another optimizer of the same settings. */
    void use(Optimizer other) {
        optimizer = other;
    }

    /** Makes the steps from here on with other hyper-parameters: the optimizer's own at first. */
    void schedule(Hyper next) {
        hyper = next;
    }

    /** Returns the slots of the shard, in order. */
    List<StateSlot> slots() {
        return slots;
    }

    /** Writes usual gradients, and some that are zero, tiny or large. */
    void fillGradient(int step) {
        for (int i = 0; i < shard.length(); i++) {
            double value = random.nextDouble(-1, 1);
            switch (random.nextInt(16)) {
                case 0 -> value = 0;
                case 1 -> value *= 1e-15;
                case 2 -> value *= 1e6 * step;
                default -> {}
            }
            shard.gradient().set(i, (float) value);
        }
    }

    /** Makes everything behind {@code first} elements padding. */
    void zeroFrom(int first) {
        used = first;
        for (long i = first; i < shard.length(); i++) {
            shard.master().set(i, 0);
            shard.gradient().set(i, 0);
        }
    }

    /** Steps the shard, cut before the elements given. */
    void step(int step, float scale, int... cuts) {
        StepContext context = new StepContext(step, step, step, hyper, scale, kernels);
        switch (optimizer.kind(parameter)) {
            case Optimizer.Element element ->
                    forParts(cuts, (from, to) -> element.step(part(from, to), context));
            case Optimizer.Norm norm -> step(norm, context, cuts);
            case Optimizer.Matrix matrix -> matrix.step(part(0, shard.length()), context, scratch);
            case Optimizer.Replica _ -> throw new AssertionError("keeps a replica per rank");
        }
    }

    private void step(Optimizer.Norm norm, StepContext context, int... cuts) {
        forParts(
                cuts,
                (from, to) ->
                        norm.measure(
                                part(from, to),
                                context,
                                measured.stream().map(m -> m.slice(from, to - from)).toList()));
        double[] norms = new double[measured.size()];
        for (int i = 0; i < norms.length; i++) {
            sum.clear();
            kernels.addSquares(measured.get(i).slice(0, used), sum);
            norms[i] = sum.norm();
        }
        forParts(
                cuts,
                (from, to) -> {
                    Shard part = part(from, to);
                    norm.apply(part, context, part.ranges().stream().map(_ -> norms).toList());
                });
    }

    private interface PartStep {
        void step(long from, long to);
    }

    private void forParts(int[] cuts, PartStep step) {
        long from = 0;
        for (int cut : cuts) {
            step.step(from, cut);
            from = cut;
        }
        step.step(from, shard.length());
    }

    private List<ParameterRange> ranges(long from, long to) {
        long end = Math.min(to, used);
        return end > from ? List.of(new ParameterRange(parameter, from, 0, end - from)) : List.of();
    }

    private Shard part(long from, long to) {
        return new Shard(
                shard.master().slice(from, to - from),
                shard.gradient().slice(from, to - from),
                shard.slots().stream().map(slot -> slot.slice(from, to - from)).toList(),
                ranges(from, to),
                shard.copyOut().map(copy -> copy.slice(from, to - from)));
    }

    @Override
    public void close() {
        workers.close();
        arena.close();
    }
}
