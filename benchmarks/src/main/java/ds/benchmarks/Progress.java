package ds.benchmarks;

import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Collection;
import java.util.Optional;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.openjdk.jmh.infra.BenchmarkParams;
import org.openjdk.jmh.infra.IterationParams;
import org.openjdk.jmh.results.BenchmarkResult;
import org.openjdk.jmh.results.IterationResult;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.format.OutputFormat;

/**
 * Turns JMH's events into figures, one when it is there. What JMH itself says is kept back, and shown
 * only if a benchmark ends without a result.
 */
final class Progress implements OutputFormat {
    private final Consumer<Figure> figures;
    private final Consumer<String> failures;
    private final PrintStream complaints;
    private final StringBuilder said = new StringBuilder();
    private Optional<BenchmarkParams> running = Optional.empty();

    /**
     * Creates it.
     *
     * @param figures takes each figure
     * @param failures takes the name of each benchmark that gave none
     * @param complaints where JMH's words about a failure go
     */
    Progress(Consumer<Figure> figures, Consumer<String> failures, PrintStream complaints) {
        this.figures = figures;
        this.failures = failures;
        this.complaints = complaints;
    }

    @Override
    public void startBenchmark(BenchmarkParams params) {
        fail();
        running = Optional.of(params);
        said.setLength(0);
    }

    /** JMH gives null for a benchmark that failed. */
    @Override
    public void endBenchmark(@Nullable BenchmarkResult result) {
        if (result != null && !result.getIterationResults().isEmpty()) {
            running = Optional.empty();
            figures.accept(Figure.of(result));
        }
    }

    @Override
    public void endRun(Collection<RunResult> results) {
        fail();
    }

    /** Reports the benchmark that was started and has not ended with a result. */
    void fail() {
        running.ifPresent(
                params -> {
                    complaints.print(said);
                    failures.accept(params.getBenchmark());
                });
        running = Optional.empty();
    }

    @Override
    public void print(String text) {
        said.append(text);
    }

    @Override
    public void println(String text) {
        said.append(text).append('\n');
    }

    @Override
    public void verbosePrintln(String text) {
        println(text);
    }

    @Override
    public void write(int character) {
        said.append((char) character);
    }

    @Override
    public void write(byte[] text) {
        said.append(new String(text, StandardCharsets.UTF_8));
    }

    @Override
    public void iteration(BenchmarkParams params, IterationParams iteration, int number) {}

    @Override
    public void iterationResult(
            BenchmarkParams params, IterationParams iteration, int number, IterationResult data) {}

    @Override
    public void startRun() {}

    @Override
    public void flush() {}

    @Override
    public void close() {}
}
