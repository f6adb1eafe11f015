package ds.benchmarks;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.BiConsumer;
import org.openjdk.jmh.runner.options.ChainedOptionsBuilder;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.TimeValue;
import org.openjdk.jmh.runner.options.VerboseMode;

/**
 * Which benchmarks with which values of their parameters; parameters that are not named keep all
 * values that their field declares.
 *
 * @param name what the command line calls the group
 * @param method the class and method, as {@code Gemm.square}
 * @param values the values to use, by parameter
 */
record Suite(String name, String method, Map<String, List<String>> values) {
    private static final String STORAGE = "storage";

    /** Every benchmark method once. */
    static final List<Suite> QUICK =
            List.of(
                    of("gemm", "Gemm.square"),
                    of("gemm", "Gemm.layout").with("layout", "NT", "TN", "TT").with("workers", "2"),
                    of("gemm", "Gemm.gpt")
                            .with("n", "256", "1024")
                            .with("k", "256", "1024")
                            .with("workers", "2"),
                    of("elementwise", "Elementwise.function").inCache(),
                    of("elementwise", "Elementwise.cast").inCache(),
                    of("adam", "Adam.step")
                            .with("optimizer", "adamw")
                            .with("elements", "1048576", "16777216")
                            .with("workers", "2"),
                    of("muon", "Muon.step").with("shape", "1024x1024").with("workers", "2"),
                    of("step", "Step.step")
                            .with(
                                    "run",
                                    "fp32-stage0-1x2",
                                    "fp32-stage3-1x2",
                                    "fp32-stage3-2x1",
                                    "fp32-stage3-1x2-nvme",
                                    "bf16-stage0-1x2",
                                    "bf16-stage3-1x2"),
                    of(STORAGE, "Storage.read").with(Backends.PARAMETER, "channel"),
                    of(STORAGE, "Storage.write").with(Backends.PARAMETER, "channel"),
                    of(STORAGE, "Storage.writeDurable").with(Backends.PARAMETER, "channel"),
                    of("config", "Config.check"));

    /** The names that a user can give. */
    static final List<String> NAMES = QUICK.stream().map(Suite::name).distinct().toList();

    private static Suite of(String name, String method) {
        return new Suite(name, method, Map.of());
    }

    private Suite inCache() {
        return with("elements", "262144").with("workers", "1");
    }

    /** Returns this suite with {@code parameter} taking only {@code chosen} values. */
    Suite with(String parameter, String... chosen) {
        var all = new LinkedHashMap<>(values);
        all.put(parameter, List.of(chosen));
        return new Suite(name, method, all);
    }

    /** Returns this suite with every declared value of every parameter. */
    Suite full() {
        Suite all = of(name, method);
        return name.equals(STORAGE)
                ? all.with(Backends.PARAMETER, StorageBenchmark.BACKENDS.toArray(String[]::new))
                : all;
    }

    /**
     * Returns this suite without the storage backends that cannot be measured here.
     *
     * @param absent takes the name of each, and why
     */
    Suite present(BiConsumer<String, String> absent) {
        List<String> wanted = values.getOrDefault(Backends.PARAMETER, List.of());
        List<String> found = new ArrayList<>();
        for (String backend : wanted) {
            Backends.missing(backend)
                    .ifPresentOrElse(why -> absent.accept(backend, why), () -> found.add(backend));
        }
        return wanted.isEmpty() ? this : with(Backends.PARAMETER, found.toArray(String[]::new));
    }

    /** Returns whether there is something to measure. */
    boolean isEmpty() {
        return values.values().stream().anyMatch(List::isEmpty);
    }

    /** Returns JMH's options: what the annotations say, and the chosen values. */
    ChainedOptionsBuilder options() {
        ChainedOptionsBuilder builder =
                new OptionsBuilder()
                        .include("^ds\\.benchmarks\\." + method.replace(".", "Benchmark\\.") + "$")
                        .verbosity(VerboseMode.SILENT)
                        .timeout(new TimeValue(5, TimeUnit.MINUTES));
        values.forEach(
                (parameter, chosen) -> builder.param(parameter, chosen.toArray(String[]::new)));
        return builder;
    }

    /** Returns the suites of the named groups, all groups if none is named. */
    static List<Suite> select(List<String> names, boolean full) {
        List<Suite> chosen = new ArrayList<>();
        for (Suite suite : QUICK) {
            if (names.isEmpty() || names.contains(suite.name)) {
                chosen.add(full ? suite.full() : suite);
            }
        }
        return chosen;
    }
}
