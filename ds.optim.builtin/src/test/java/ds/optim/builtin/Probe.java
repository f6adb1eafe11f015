package ds.optim.builtin;

import ds.core.DType;
import ds.core.FlatBuffer;
import ds.core.Settings;
import ds.kernels.Kernels;
import ds.kernels.KernelsProviders;
import ds.kernels.Workers;
import ds.optim.spi.Optimizer;
import ds.optim.spi.OptimizerProvider;
import ds.optim.spi.Optimizers;
import ds.optim.spi.Schedules;
import ds.optim.spi.Shard;
import ds.optim.spi.StepContext;
import java.lang.foreign.Arena;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/** A program of its own: looks providers up, steps, and ends with a status made of the bits. */
final class Probe {
    private static final int LENGTH = 5000;
    private static final int STATUSES = 97;
    private static final int STATUS_FIRST = 100;

    private Probe() {}

    public static void main(String[] arguments) {
        System.exit(STATUS_FIRST + Math.floorMod(hash(arguments[0]), STATUSES));
    }

    /** Steps every optimizer and returns a hash of all bits. */
    static int hash(String expectedPasses) {
        if (!Passes.best().getClass().getSimpleName().equals(expectedPasses)) {
            throw new AssertionError("uses " + Passes.best());
        }
        if (Schedules.in(ModuleLayer.boot()).names().size() != 5) {
            throw new AssertionError("finds " + Schedules.in(ModuleLayer.boot()).names());
        }
        int hash = 0;
        for (String name : List.of("adam", "adamw", "sgd")) {
            OptimizerProvider provider = Optimizers.in(ModuleLayer.boot()).require(name);
            Map<String, Object> params =
                    name.equals("sgd") ? Map.of("momentum", 0.9) : Map.of("weight_decay", 0.1);
            hash = 31 * hash + step(provider.create(Settings.of(params)));
        }
        return hash;
    }

    private static int step(Optimizer optimizer) {
        try (Arena arena = Arena.ofShared();
                Workers workers = new Workers("probe", 2)) {
            Kernels kernels =
                    KernelsProviders.in(ModuleLayer.boot())
                            .require(KernelsProviders.HOST)
                            .create(workers);
            FlatBuffer master = buffer(arena, DType.FP32);
            FlatBuffer gradient = buffer(arena, DType.FP32);
            for (int i = 0; i < LENGTH; i++) {
                master.set(i, (i % 97 - 48) * 0.013f);
                gradient.set(i, (i % 89 - 44) * 0.017f);
            }
            Shard shard =
                    new Shard(
                            master,
                            gradient,
                            Stream.generate(() -> buffer(arena, DType.FP32))
                                    .limit(optimizer.slots().size())
                                    .toList(),
                            List.of(),
                            Optional.of(buffer(arena, DType.BF16)));
            for (int t = 1; t <= 3; t++) {
                ((Optimizer.Element) optimizer)
                        .step(shard, new StepContext(t, t, t, optimizer.base(), 0.3f, kernels));
            }
            int hash = 0;
            for (int i = 0; i < LENGTH; i++) {
                hash = 31 * hash + Float.floatToRawIntBits(master.get(i));
                hash = 31 * hash + Float.floatToRawIntBits(shard.copyOut().orElseThrow().get(i));
            }
            return hash;
        }
    }

    private static FlatBuffer buffer(Arena arena, DType type) {
        return FlatBuffer.of(arena.allocate(type.bytesOf(LENGTH), Long.BYTES), type);
    }
}
