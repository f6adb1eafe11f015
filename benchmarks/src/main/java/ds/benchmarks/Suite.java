package ds.benchmarks;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
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
                    of("step", "Step.step")
                            .with(
                                    "run",
                                    "fp32-stage0-1x2",
                                    "fp32-stage3-1x2",
                                    "fp32-stage3-2x1",
                                    "fp32-stage3-1x2-nvme",
                                    "bf16-stage0-1x2",
                                    "bf16-stage3-1x2"),
                    of("storage", "Storage.read"),
                    of("storage", "Storage.write"),
                    of("storage", "Storage.writeDurable"),
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
        return of(name, method);
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
