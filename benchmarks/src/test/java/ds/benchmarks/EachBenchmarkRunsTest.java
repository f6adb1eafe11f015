package ds.benchmarks;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.lang.reflect.Method;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.TimeValue;

/** Every benchmark still runs: set up, called, torn down, on sizes that take no time. No timing. */
class EachBenchmarkRunsTest {
    @TestFactory
    Stream<DynamicTest> aSmallRunGivesAFigure() {
        return Suite.select(List.of(), false).stream()
                .map(suite -> DynamicTest.dynamicTest(suite.method(), () -> run(small(suite))));
    }

    private static Suite small(Suite suite) {
        return switch (suite.method()) {
            case "Gemm.square" -> suite.with("size", "20").with("workers", "1", "2");
            case "Gemm.layout" -> suite.with("size", "20").with("workers", "2");
            case "Gemm.gpt" ->
                    suite.with("m", "8").with("n", "5").with("k", "3").with("workers", "2");
            case "Adam.step" ->
                    suite.with("optimizer", "adamw", "adam amsgrad", "sgd", "musgd momentum")
                            .with("elements", "2000")
                            .with("copy", "none", "bf16")
                            .with("workers", "2");
            case "Muon.step" ->
                    suite.with("shape", "8x8", "6x12").with("product", "16").with("workers", "2");
            case "Step.step" ->
                    suite.with("run", "fp32-stage0-1x2", "bf16-stage3-2x1-nvme")
                            .with("layers", "1")
                            .with("width", "16")
                            .with("product", "16");
            case "Storage.read", "Storage.write", "Storage.writeDurable" ->
                    suite.full().with("requests", "40").present((_, _) -> {});
            case "Config.check" -> suite.with("documents", "4");
            case "Elementwise.function" ->
                    suite.with("function", "silu", "tanh", "gelu", "layerNorm")
                            .with("elements", "512")
                            .with("workers", "2");
            case "Elementwise.cast" ->
                    suite.with("to", "bf16", "fp32").with("elements", "512").with("workers", "2");
            default -> throw new AssertionError("no small sizes for " + suite.method());
        };
    }

    private static void run(Suite suite) throws RunnerException {
        List<Figure> figures = new ArrayList<>();
        List<String> failures = new ArrayList<>();
        ByteArrayOutputStream said = new ByteArrayOutputStream();
        Progress progress =
                new Progress(
                        figures::add,
                        failures::add,
                        new PrintStream(said, true, StandardCharsets.UTF_8));
        var unused =
                new Runner(
                                suite.options()
                                        .forks(0)
                                        .warmupIterations(0)
                                        .measurementIterations(1)
                                        .measurementTime(TimeValue.milliseconds(1))
                                        .build(),
                                progress)
                        .run();
        String words = said.toString(StandardCharsets.UTF_8);
        assertEquals(List.of(), failures, words);
        int combinations =
                suite.values().values().stream().mapToInt(List::size).reduce(1, (a, b) -> a * b);
        assertEquals(combinations, figures.size(), words);
        for (Figure figure : figures) {
            assertEquals(suite.method(), figure.name());
            assertTrue(
                    Double.isFinite(figure.share()) && figure.share() > 0,
                    () -> "no share in " + figure);
        }
    }

    @Test
    void everyBenchmarkBelongsToASuite() {
        Set<String> written = new TreeSet<>();
        for (Class<?> type :
                List.of(
                        GemmBenchmark.class,
                        ElementwiseBenchmark.class,
                        AdamBenchmark.class,
                        MuonBenchmark.class,
                        StepBenchmark.class,
                        StorageBenchmark.class,
                        ConfigBenchmark.class)) {
            Arrays.stream(type.getDeclaredMethods())
                    .filter(method -> method.isAnnotationPresent(Benchmark.class))
                    .map(Method::getName)
                    .forEach(
                            name ->
                                    written.add(
                                            type.getSimpleName().replace("Benchmark", ".") + name));
        }
        assertEquals(
                written,
                Suite.QUICK.stream()
                        .map(Suite::method)
                        .collect(Collectors.toCollection(TreeSet::new)));
    }

    @Test
    void theReportSaysOnWhatItWasMeasured(@TempDir Path directory) throws IOException {
        Path file = directory.resolve("results").resolve("one.md");
        Report report = new Report(file, "quick: gemm");
        report.add(
                new Figure(
                        "Gemm.square",
                        "size=512 workers=1",
                        "GFLOP/s",
                        8e6,
                        1e5,
                        2e5,
                        9e4,
                        1e5,
                        true));
        List<String> lines = Files.readAllLines(file);
        for (String entry : List.of("commit", "processor", "memory", "system", "java", "load")) {
            assertTrue(
                    lines.stream().anyMatch(line -> line.startsWith("| " + entry)),
                    () -> entry + " is missing in " + lines);
        }
        assertEquals(
                "| Gemm.square | size=512 workers=1 | 200.0 us | 100.0 us | 80.0 | 88.9 | GFLOP/s | 0.90 | 0.50 |  |",
                lines.getLast());
    }

    @Test
    void aBackendThatIsNotThereIsLeftOutByName() {
        Suite asked = Suite.select(List.of("storage"), true).getFirst();
        assertEquals(StorageBenchmark.BACKENDS, asked.values().get("backend"));
        List<String> absent = new ArrayList<>();
        Suite two = asked.with("backend", "channel", "none");
        Suite present = two.present((name, why) -> absent.add(name + ": " + why));
        assertEquals(List.of("channel"), present.values().get("backend"));
        assertEquals(1, absent.size());
        assertTrue(absent.getFirst().startsWith("none: No storage provider is named 'none'"));
        assertTrue(asked.with("backend", "none").present((_, _) -> {}).isEmpty());
    }

    @Test
    void everyBackendIsDeclared() throws NoSuchFieldException {
        Param declared =
                StorageBenchmark.OpenFile.class.getField("backend").getAnnotation(Param.class);
        assertEquals(StorageBenchmark.BACKENDS, List.of(declared.value()));
    }

    @Test
    void aShareAboveTheCeilingIsMarked() {
        Figure figure = new Figure("Adam.step", "", "GB/s", 1e6, 100, 100, 103, 100, true);
        assertEquals("above the ceiling: not a valid figure", figure.remark());
    }

    @Test
    void anUnknownNameIsAMistakeThatNamesTheOthers() {
        ByteArrayOutputStream said = new ByteArrayOutputStream();
        PrintStream err = new PrintStream(said, true, StandardCharsets.UTF_8);
        assertEquals(2, new Main(err, err).run(List.of("gem")));
        assertEquals(
                "There is no benchmark 'gem'; there are [gemm, elementwise, adam, muon, step, storage, config], and the options --full, --list and --out FILE.",
                said.toString(StandardCharsets.UTF_8).strip());
    }
}
