package ds.cli;

import ds.core.DType;
import ds.core.KeyDeclaration;
import ds.core.Settings;
import ds.optim.spi.Optimizer;
import ds.optim.spi.OptimizerProvider;
import ds.optim.spi.Optimizers;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import picocli.CommandLine;
import picocli.CommandLine.Option;

/** {@code ds bench adam}. */
@CommandLine.Command(
        name = "adam",
        sortOptions = false,
        description =
                "Steps of element-wise optimizers beside plain streams of the same traffic, measured in turn.")
final class BenchAdamCommand extends Command {
    private static final String ALL = "all";
    private static final List<String> EVERY =
            List.of(
                    "adam",
                    "adam:amsgrad=true",
                    "adamw",
                    "adagrad",
                    "lion",
                    "sgd",
                    "sgd:momentum=0.9",
                    "muadam",
                    "muadamw",
                    "musgd:momentum=0.9");

    @Option(
            names = "--optimizer",
            paramLabel = "TYPE[:KEY=VALUE,...]",
            description =
                    "An optimizer with its parameters, or all (default: adamw). May be repeated.")
    private List<String> optimizers = List.of("adamw");

    @Option(
            names = "--elements",
            paramLabel = "N",
            split = ",",
            description = "Parameters to step (default: ${DEFAULT-VALUE}).")
    private List<Integer> elements = List.of(16 << 20);

    @Option(
            names = "--copy",
            paramLabel = "none|bf16|fp16",
            split = ",",
            description =
                    "16-bit copy of the new weights; with one, separate passes are measured beside it (default: ${DEFAULT-VALUE}).")
    private List<Copy> copies = List.of(Copy.none);

    @Option(
            names = "--warm-up",
            paramLabel = "SECONDS",
            description =
                    "How long it runs before it counts, again and again until the compiler rests; 0 for one round (default: ${DEFAULT-VALUE}).")
    private double warmUpSeconds = 0.5;

    @Option(
            names = "--workers",
            paramLabel = "N",
            split = ",",
            description = "Numbers of worker threads (default: all).")
    private List<Integer> workerCounts = List.of(Runtime.getRuntime().availableProcessors());

    /** What {@code --copy} says. */
    enum Copy {
        /** Weights are fp32. */
        none(Optional.empty()),
        /** Weights are bfloat16 beside the fp32 master. */
        bf16(Optional.of(DType.BF16)),
        /** Weights are half precision beside the fp32 master. */
        fp16(Optional.of(DType.FP16));

        private final Optional<DType> type;

        Copy(Optional<DType> type) {
            this.type = type;
        }
    }

    @Override
    int run() {
        BenchGemmCommand.requireVectors();
        if (elements.stream().anyMatch(n -> n < 1) || workerCounts.stream().anyMatch(n -> n < 1)) {
            throw new UserMistakeException(
                    "--elements is %s and --workers %s; all must be at least 1."
                            .formatted(elements, workerCounts));
        }
        List<String> named = optimizers.contains(ALL) ? EVERY : optimizers;
        List<Object> results = new ArrayList<>();
        for (int count : elements) {
            int length = Math.ceilDiv(count, 1024) * 1024;
            for (String name : named) {
                Optimizer optimizer = optimizer(name, length);
                for (Copy copy : copies) {
                    measure(name, optimizer, copy, length, results);
                }
            }
        }
        out().document(Map.of("results", results));
        return Main.OK;
    }

    private void measure(
            String name, Optimizer optimizer, Copy copy, int length, List<Object> results) {
        for (int workers : workerCounts) {
            try (StepBench bench = new StepBench(optimizer, length, copy.type, workers)) {
                StepBench.Times times = bench.measure(warmUpSeconds);
                results.add(report(name, copy, workers, bench, times));
            }
        }
    }

    /** Returns the element-wise optimizer that {@code text} names, with its parameters. */
    static Optimizer optimizer(String text, int length) {
        int colon = text.indexOf(':');
        String type = colon < 0 ? text : text.substring(0, colon);
        OptimizerProvider provider = Optimizers.in(ModuleLayer.boot()).require(type);
        Map<String, Object> params = new LinkedHashMap<>();
        if (colon >= 0) {
            Words.read("--optimizer", text.substring(colon + 1), params);
        }
        List<KeyDeclaration> declared = Optimizers.settings(provider);
        params.replaceAll((key, value) -> Words.typed(declared, key, value));
        if (declared.stream().anyMatch(key -> key.name().equals("base_shapes"))) {
            params.putIfAbsent("base_shapes", Map.of("*", List.of(length)));
        }
        Settings.Checked checked = Settings.validate(declared, params, "");
        if (!checked.isUsable()) {
            throw new UserMistakeException(Words.problems("Optimizer '" + text + "'", checked));
        }
        Optimizer optimizer = provider.create(checked.settings());
        boolean elementWise =
                optimizer.kind(StepBench.parameter(length)) instanceof Optimizer.Element;
        if (!elementWise || optimizer.slots().size() > StepStreams.SLOTS_MOST) {
            throw new UserMistakeException(
                    "Optimizer '%s' does not step elements by themselves with at most %d states each, so there is no ceiling for it; take one of %s."
                            .formatted(text, StepStreams.SLOTS_MOST, String.join(", ", EVERY)));
        }
        return optimizer;
    }

    private Map<String, Object> report(
            String name, Copy copy, int workers, StepBench bench, StepBench.Times times) {
        double length = bench.length();
        double bytes = length * bench.bytesPerElement();
        String fused =
                times.separateNanos() == 0
                        ? ""
                        : String.format(
                                Locale.ROOT,
                                ", of separate passes %.2f",
                                (double) times.nanos() / times.separateNanos());
        out().result(
                        String.format(
                                Locale.ROOT,
                                "%-18s copy %s  %d workers  %,11d parameters  %.3f ns per parameter, %5.1f GB/s, ceiling %5.1f GB/s, share %.2f%s",
                                name,
                                copy,
                                workers,
                                bench.length(),
                                times.nanos() / length,
                                bytes / times.nanos(),
                                bytes / times.ceilingNanos(),
                                times.share(),
                                fused));
        Map<String, Object> entry = new LinkedHashMap<>();
        entry.put("optimizer", name);
        entry.put("copy", copy.name());
        entry.put("workers", workers);
        entry.put("elements", bench.length());
        entry.put("repeats", times.repeats());
        entry.put("ns_per_parameter", times.nanos() / length);
        entry.put("best_ns_per_parameter", times.bestNanos() / length);
        entry.put("gigabytes_per_second", bytes / times.nanos());
        entry.put("ceiling_gigabytes_per_second", bytes / times.ceilingNanos());
        entry.put("streams_ns_per_parameter", times.streamsNanos() / length);
        entry.put("share", times.share());
        if (times.separateNanos() != 0) {
            entry.put("of_separate_passes", (double) times.nanos() / times.separateNanos());
        }
        return entry;
    }
}
