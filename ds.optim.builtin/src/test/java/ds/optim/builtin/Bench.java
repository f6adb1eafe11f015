package ds.optim.builtin;

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
import ds.optim.spi.StepContext;
import java.lang.foreign.Arena;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/** Memory and contexts for running an optimizer by hand. */
final class Bench implements AutoCloseable {
    private static final ParameterSpec PARAMETER = new ParameterSpec("w", List.of(1), Set.of());

    private final Arena arena = Arena.ofShared();
    private final Workers workers;
    private final Kernels kernels;

    Bench(int workerCount) {
        workers = new Workers("bench", workerCount);
        kernels =
                KernelsProviders.in(ModuleLayer.boot())
                        .require(KernelsProviders.HOST)
                        .create(workers);
    }

    FlatBuffer buffer(DType type, long length) {
        return FlatBuffer.of(arena.allocate(Math.max(1, type.bytesOf(length)), 64), type)
                .slice(0, length);
    }

    FlatBuffer floats(float... values) {
        FlatBuffer buffer = buffer(DType.FP32, values.length);
        for (int i = 0; i < values.length; i++) {
            buffer.set(i, values[i]);
        }
        return buffer;
    }

    Shard shard(Optimizer optimizer, FlatBuffer master, FlatBuffer gradient, Optional<DType> copy) {
        return shard(optimizer, PARAMETER, master, gradient, copy);
    }

    Shard shard(
            Optimizer optimizer,
            ParameterSpec parameter,
            FlatBuffer master,
            FlatBuffer gradient,
            Optional<DType> copy) {
        long length = master.lengthElements();
        return new Shard(
                master,
                gradient,
                Stream.generate(() -> buffer(DType.FP32, length))
                        .limit(optimizer.slots(parameter).size())
                        .toList(),
                List.of(new ParameterRange(parameter, 0, 0, length)),
                copy.map(type -> buffer(type, length)));
    }

    /** Returns elements {@code from} to {@code to} − 1 of a shard as a shard. */
    static Shard cut(Shard shard, long from, long to) {
        return new Shard(
                shard.master().slice(from, to - from),
                shard.gradient().slice(from, to - from),
                shard.slots().stream().map(slot -> slot.slice(from, to - from)).toList(),
                List.of(new ParameterRange(PARAMETER, from, 0, to - from)),
                shard.copyOut().map(copy -> copy.slice(from, to - from)));
    }

    /** Returns the same shard with a parameter in its first elements and padding behind it. */
    static Shard withPaddingFrom(long first, Shard shard) {
        return new Shard(
                shard.master(),
                shard.gradient(),
                shard.slots(),
                List.of(new ParameterRange(PARAMETER, 0, 0, first)),
                shard.copyOut());
    }

    StepContext context(long step, Hyper hyper, float gradientScale) {
        return new StepContext(step, step, step, hyper, gradientScale, kernels);
    }

    /** Steps a shard of one parameter as the runtime would. */
    void step(Optimizer optimizer, Shard shard, StepContext context) {
        switch (optimizer.kind(shard.ranges().getFirst().parameter())) {
            case Optimizer.Element element -> element.step(shard, context);
            case Optimizer.Matrix matrix ->
                    matrix.step(
                            shard,
                            context,
                            buffer(
                                    DType.FP32,
                                    matrix.scratchElements(shard.ranges().getFirst().parameter())));
            case Optimizer.Norm norm -> {
                List<FlatBuffer> measured =
                        Stream.generate(() -> buffer(DType.FP32, shard.length()))
                                .limit(norm.norms())
                                .toList();
                norm.measure(shard, context, measured);
                norm.apply(
                        shard,
                        context,
                        List.of(measured.stream().mapToDouble(this::norm).toArray()));
            }
            case Optimizer.Replica _ -> throw new AssertionError("a replica needs an exchange");
        }
    }

    private double norm(FlatBuffer values) {
        ExactNorm sum = new ExactNorm();
        kernels.addSquares(values, sum);
        return sum.norm();
    }

    @Override
    public void close() {
        workers.close();
        arena.close();
    }
}
