package ds.benchmarks;

import java.util.Locale;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.DoubleStream;
import org.openjdk.jmh.infra.BenchmarkParams;
import org.openjdk.jmh.results.BenchmarkResult;
import org.openjdk.jmh.results.IterationResult;
import org.openjdk.jmh.results.Result;
import org.openjdk.jmh.util.Statistics;

/**
 * What one benchmark gave with one set of parameters.
 *
 * @param name class and method: {@code Gemm.square}
 * @param parameters names and values: {@code size=512 workers=2}
 * @param unit of {@link #rate}: GFLOP/s, GB/s or MB/s
 * @param units floating-point operations or bytes of one invocation
 * @param bestNanos the fastest invocation
 * @param medianNanos the middle invocation
 * @param ceilingBestNanos the fastest time in which the ceiling did as much
 * @param ceilingMedianNanos the middle time in which the ceiling did as much
 * @param warm whether the compiler was at rest when measuring began
 */
record Figure(
        String name,
        String parameters,
        String unit,
        double units,
        double bestNanos,
        double medianNanos,
        double ceilingBestNanos,
        double ceilingMedianNanos,
        boolean warm) {
    /** The share above which the ceiling, and so the benchmark, is wrong. */
    static final double SHARE_LIMIT = 1.02;

    private static final int MEDIAN = 50;

    /** Whose units are floating-point operations. */
    private static final Set<String> COMPUTING = Set.of("Gemm", "Muon", "Step");

    static Figure of(BenchmarkResult result) {
        BenchmarkParams params = result.getParams();
        String[] path = params.getBenchmark().split("\\.");
        String type = path[path.length - 2].replace("Benchmark", "");
        boolean computes = COMPUTING.contains(type);
        Statistics times = result.getPrimaryResult().getStatistics();
        return new Figure(
                type + "." + path[path.length - 1],
                params.getParamsKeys().stream()
                        .map(key -> key + "=" + params.getParam(key))
                        .collect(Collectors.joining(" ")),
                computes ? "GFLOP/s" : type.equals("Config") ? "MB/s" : "GB/s",
                counter(result, Ceiling.UNITS).max().orElseThrow(),
                times.getMin(),
                times.getPercentile(MEDIAN),
                counter(result, Ceiling.BEST).min().orElseThrow(),
                median(counter(result, Ceiling.MEDIAN)),
                counter(result, Ceiling.WARM).min().orElseThrow() == 1);
    }

    private static DoubleStream counter(BenchmarkResult result, String name) {
        DoubleStream.Builder values = DoubleStream.builder();
        for (IterationResult iteration : result.getIterationResults()) {
            for (Result<?> counter : iteration.getRawSecondaryResults().get(name)) {
                values.add(counter.getScore());
            }
        }
        return values.build();
    }

    private static double median(DoubleStream values) {
        double[] sorted = values.sorted().toArray();
        return sorted[sorted.length / 2];
    }

    /** Returns the best rate, in 10⁹ units per second. */
    double rate() {
        return units / bestNanos;
    }

    /** Returns the ceiling's best rate, in 10⁹ units per second. */
    double ceiling() {
        return units / ceilingBestNanos;
    }

    /** Returns the share of the ceiling, best against best. */
    double share() {
        return ceilingBestNanos / bestNanos;
    }

    /** Returns the share of the ceiling, median against median. */
    double medianShare() {
        return ceilingMedianNanos / medianNanos;
    }

    /**
     * Returns a remark where a figure cannot be true, else nothing. A drive has no such limit: the
     * plain channel is a yardstick, and requests in flight may pass it.
     */
    String remark() {
        if (!warm) {
            return "not warm: too busy a machine";
        }
        return share() > SHARE_LIMIT && !name.startsWith("Storage.")
                ? "above the ceiling: not a valid figure"
                : "";
    }

    /** Returns a duration with three digits or more and its unit. */
    static String duration(double nanos) {
        if (nanos >= 1e6) {
            return String.format(Locale.ROOT, "%.2f ms", nanos / 1e6);
        }
        return String.format(Locale.ROOT, "%.1f us", nanos / 1e3);
    }

    @Override
    public String toString() {
        return String.format(
                Locale.ROOT,
                "%-22s %-48s median %10s  best %10s  %7.1f of %7.1f %-7s  share %.2f (median %.2f)  %s",
                name,
                parameters,
                duration(medianNanos),
                duration(bestNanos),
                rate(),
                ceiling(),
                unit,
                share(),
                medianShare(),
                remark());
    }
}
