package ds.cli;

import ds.core.DType;
import ds.core.FlatBuffer;
import ds.kernels.Kernels;
import ds.kernels.KernelsProviders;
import ds.kernels.Workers;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import picocli.CommandLine;
import picocli.CommandLine.Option;

/** {@code ds bench gemm}. */
@CommandLine.Command(
        name = "gemm",
        sortOptions = false,
        description =
                "Matrix products in fp32 beside a product in the nearest cache, measured in turn.")
final class BenchGemmCommand extends Command {
    private static final int LEAST_REPEATS = 15;
    private static final double SECONDS = 1;

    @Option(
            names = "--size",
            paramLabel = "N",
            split = ",",
            description = "Sizes of square matrices (default: ${DEFAULT-VALUE}).")
    private List<Integer> sizes = List.of(512, 1024, 2048);

    @Option(
            names = "--kernels",
            paramLabel = "NAME",
            split = ",",
            description =
                    "Kernels to measure in turn, by name as in jvm.kernels (default: ${DEFAULT-VALUE}).")
    private List<String> kernelsNames = List.of(KernelsProviders.HOST);

    @Option(
            names = "--warm-up",
            paramLabel = "SECONDS",
            description = "How long the compiler has before it counts (default: ${DEFAULT-VALUE}).")
    private double warmUpSeconds = 3;

    @Option(
            names = "--workers",
            paramLabel = "N",
            split = ",",
            description = "Numbers of worker threads (default: 1 and all).")
    private List<Integer> workerCounts = defaultWorkers();

    private static List<Integer> defaultWorkers() {
        int all = Runtime.getRuntime().availableProcessors();
        return all == 1 ? List.of(1) : List.of(1, all);
    }

    @Override
    int run() {
        requireVectors();
        List<Object> results = new ArrayList<>();
        for (int count : workerCounts) {
            for (int size : sizes) {
                if (count < 1 || size < 1 || size > 16_384) {
                    throw new UserMistakeException(
                            "Workers must be at least 1 and sizes 1 to 16384, was %d and %d."
                                    .formatted(count, size));
                }
                results.addAll(measure(count, size));
            }
        }
        out().document(Map.of("results", results));
        return Main.OK;
    }

    static void requireVectors() {
        if (Machine.vectorBits() == 0) {
            throw new UserMistakeException(
                    "The ceiling needs vectors; start java with --add-modules jdk.incubator.vector.");
        }
    }

    /** Measures all kernels in turn; a product that is faster than the loop is the ceiling itself. */
    private List<Object> measure(int count, int size) {
        try (Workers workers = new Workers("ds-bench", count);
                Arena arena = Arena.ofShared()) {
            FlatBuffer a = buffer(arena, size);
            FlatBuffer b = buffer(arena, size);
            FlatBuffer c = buffer(arena, size);
            List<Runnable> works = new ArrayList<>();
            for (String name : kernelsNames) {
                Kernels kernels = Bench.kernels(name, workers);
                works.add(() -> multiply(kernels, size, a, b, c));
            }
            double operations = 2.0 * size * size * size;
            float[] sink = new float[count];
            int rounds = Ceiling.rounds(workers, operations); // as long, so that noise hits both
            works.add(() -> Ceiling.products(workers, rounds, sink));
            works.forEach(work -> Bench.warmUp(warmUpSeconds, work));
            long once = Bench.nanos(works.getFirst());
            int repeats = (int) Math.max(LEAST_REPEATS, SECONDS * 1e9 / once);
            long[][] nanos = new long[works.size()][repeats];
            for (int i = 0; i < repeats; i++) {
                for (int turn = 0; turn < works.size(); turn++) {
                    int work = (i + turn) % works.size(); // what comes next finds other caches
                    nanos[work][i] = Bench.nanos(works.get(work));
                }
            }
            int last = kernelsNames.size();
            double[] rates = new double[last];
            double limit = Ceiling.operations(workers, rounds) / Bench.median(nanos[last]);
            for (int i = 0; i < last; i++) {
                rates[i] = operations / Bench.median(nanos[i]);
                limit = Math.max(limit, rates[i]);
            }
            List<Object> entries = new ArrayList<>();
            for (int i = 0; i < last; i++) {
                entries.add(report(kernelsNames.get(i), count, size, rates[i], limit));
            }
            return entries;
        }
    }

    private Map<String, Object> report(
            String kernels, int count, int size, double rate, double limit) {
        out().result(
                        String.format(
                                Locale.ROOT,
                                "%-8s %d workers  %5d x %-5d %8.1f GFLOP/s, ceiling %.1f, share %.2f",
                                kernels,
                                count,
                                size,
                                size,
                                rate,
                                limit,
                                rate / limit));
        Map<String, Object> entry = new LinkedHashMap<>();
        entry.put("kernels", kernels);
        entry.put("workers", count);
        entry.put("size", size);
        entry.put("gflops", rate);
        entry.put("ceiling_gflops", limit);
        entry.put("share", rate / limit);
        return entry;
    }

    static void multiply(Kernels kernels, int size, FlatBuffer a, FlatBuffer b, FlatBuffer c) {
        kernels.gemm(
                Kernels.Transpose.NO,
                Kernels.Transpose.NO,
                size,
                size,
                size,
                a,
                b,
                Optional.empty(),
                c,
                false);
    }

    static FlatBuffer buffer(Arena arena, int size) {
        long elements = (long) size * size;
        FlatBuffer buffer =
                FlatBuffer.of(arena.allocate(DType.FP32.bytesOf(elements), 64), DType.FP32);
        for (long i = 0; i < elements; i++) {
            buffer.set(i, (i % 97 - 48) / 64f);
        }
        return buffer;
    }
}
