package ds.cli;

import ds.core.DType;
import ds.core.FlatBuffer;
import ds.core.HostMemories;
import ds.core.MemoryKind;
import ds.core.RankMemory;
import ds.core.Settings;
import ds.kernels.Workers;
import ds.optim.spi.Optimizer;
import ds.optim.spi.Optimizers;
import ds.optim.spi.ParameterRange;
import ds.optim.spi.ParameterSpec;
import ds.optim.spi.Shard;
import ds.optim.spi.StepContext;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import picocli.CommandLine;
import picocli.CommandLine.Option;

/** {@code ds bench adam}. */
@CommandLine.Command(
        name = "adam",
        sortOptions = false,
        description =
                "AdamW steps in fp32 beside plain streams of the same traffic, measured in turn.")
final class BenchAdamCommand extends Command {
    private static final int REPEATS = 11;
    private static final int BYTES_PER_ELEMENT = 28;

    @Option(
            names = "--elements",
            paramLabel = "N",
            description = "Parameters to step (default: ${DEFAULT-VALUE}).")
    private int elements = 16 << 20;

    @Option(
            names = "--warm-up",
            paramLabel = "SECONDS",
            description = "How long the compiler has before it counts (default: ${DEFAULT-VALUE}).")
    private double warmUpSeconds = 1.5;

    @Option(
            names = "--workers",
            paramLabel = "N",
            description = "Worker threads (default: ${DEFAULT-VALUE}).")
    private int count = Runtime.getRuntime().availableProcessors();

    @Override
    int run() {
        BenchGemmCommand.requireVectors();
        if (elements < 1 || count < 1) {
            throw new UserMistakeException(
                    "--elements is %d and --workers %d; both must be at least 1."
                            .formatted(elements, count));
        }
        int length = (elements + 1023) / 1024 * 1024;
        try (Workers workers = new Workers("ds-bench", count);
                RankMemory memory = new RankMemory(HostMemories.best(ModuleLayer.boot()))) {
            measure(workers, memory, length);
        }
        return Main.OK;
    }

    private void measure(Workers workers, RankMemory memory, int length) {
        FlatBuffer p = memory.allocate(MemoryKind.MASTERS, DType.FP32, length);
        FlatBuffer g = memory.allocate(MemoryKind.GRADIENTS, DType.FP32, length);
        FlatBuffer m = memory.allocate(MemoryKind.OPTIMIZER_STATES, DType.FP32, length);
        FlatBuffer v = memory.allocate(MemoryKind.OPTIMIZER_STATES, DType.FP32, length);
        for (long i = 0; i < length; i++) {
            g.set(i, (i % 31 - 15) * 1e-3f);
        }
        var provider = Optimizers.in(ModuleLayer.boot()).require("adamw");
        Optimizer optimizer =
                provider.create(
                        Settings.validate(provider.settings(), Map.of("lr", 1e-3), "").settings());
        var parameter = new ParameterSpec("weights", List.of(length), Set.of());
        if (!(optimizer.kind(parameter) instanceof Optimizer.Element step)) {
            throw new AssertionError("AdamW steps elements");
        }
        Shard shard =
                new Shard(
                        p,
                        g,
                        List.of(m, v),
                        List.of(new ParameterRange(parameter, 0, 0, length)),
                        Optional.empty());
        var kernels = Bench.kernels(workers);
        long[] adam = new long[REPEATS];
        long[] streams = new long[REPEATS];
        Runnable adamStep =
                () -> step.step(shard, new StepContext(1, 1, 1, optimizer.base(), 1f, kernels));
        Runnable stream =
                () -> Ceiling.streams(workers, p.segment(), g.segment(), m.segment(), v.segment());
        Bench.warmUp(warmUpSeconds, adamStep);
        Bench.warmUp(warmUpSeconds, stream);
        for (int i = 0; i < REPEATS; i++) {
            adam[i] = Bench.nanos(adamStep);
            streams[i] = Bench.nanos(stream);
        }
        report(length, Bench.best(adam), Math.min(Bench.best(adam), Bench.best(streams)));
    }

    private void report(int length, long nanos, long ceilingNanos) {
        double bytes = (double) length * BYTES_PER_ELEMENT;
        out().result(
                        String.format(
                                Locale.ROOT,
                                "%d workers  %,d parameters  %.3f ns per parameter, %.1f GB/s, ceiling %.1f GB/s, share %.2f",
                                count,
                                length,
                                (double) nanos / length,
                                bytes / nanos,
                                bytes / ceilingNanos,
                                (double) ceilingNanos / nanos));
        Map<String, Object> document = new LinkedHashMap<>();
        document.put("workers", count);
        document.put("elements", length);
        document.put("ns_per_parameter", (double) nanos / length);
        document.put("gigabytes_per_second", bytes / nanos);
        document.put("ceiling_gigabytes_per_second", bytes / ceilingNanos);
        document.put("share", (double) ceilingNanos / nanos);
        out().document(document);
    }
}
