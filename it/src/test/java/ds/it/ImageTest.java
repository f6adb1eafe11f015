package ds.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The image runs by itself, is small, and holds what it says. */
class ImageTest {
    private static final Path IMAGE = Reactor.ROOT.resolve("image", "target", "image");
    private static final long SIZE_LIMIT_BYTES = 60L << 20;
    private static final int STEPS = 20;
    private static final Pattern LOSS = Pattern.compile("\"loss\": ?([0-9.eE-]+)");

    @TempDir Path directory;
    private String scheduler = "";

    @BeforeEach
    void imageIsBuilt() {
        assumeTrue(
                Files.exists(IMAGE.resolve("bin", "ds")),
                "image/target/image is not linked; ./mvnw verify does it");
    }

    @Test
    void imageIsSmall() throws IOException {
        long sizeBytes;
        try (Stream<Path> files = Files.walk(IMAGE)) {
            sizeBytes = files.mapToLong(ImageTest::sizeBytes).sum();
        }
        assertTrue(
                sizeBytes <= SIZE_LIMIT_BYTES,
                "%,d bytes, the limit is %,d".formatted(sizeBytes, SIZE_LIMIT_BYTES));
    }

    @Test
    void startsOnSharedClasses() throws Exception {
        Programs.Outcome outcome =
                java(
                        "-Xshare:on",
                        "-Xlog:class+load",
                        "-XX:+UseParallelGC",
                        "--add-modules",
                        "jdk.incubator.vector,ds.foreign",
                        "-m",
                        "ds.cli/ds.cli.Main",
                        "--version");
        assertEquals(0, outcome.status(), outcome.out() + outcome.err());
        assertTrue(
                outcome.out()
                        .lines()
                        .anyMatch(line -> line.contains("ds.cli.Main source: shared objects file")),
                outcome.out());
    }

    @Test
    void imageHoldsTheRootsAndNoTests() throws Exception {
        Programs.Outcome outcome = java("--list-modules");
        assertEquals(0, outcome.status(), outcome.err());
        Set<String> modules =
                outcome.out()
                        .lines()
                        .map(line -> line.replaceFirst("@.*", ""))
                        .collect(Collectors.toSet());
        assertTrue(
                modules.containsAll(
                        Set.of(
                                "ds.cli",
                                "ds.engine",
                                "ds.foreign",
                                "ds.optim.builtin",
                                "jdk.incubator.vector",
                                "jdk.jfr")),
                modules.toString());
        assertTrue(
                modules.stream()
                        .noneMatch(m -> m.startsWith("org.junit") || m.equals("ds.testkit")),
                modules.toString());
    }

    @Test
    void aPlanNeedsNoDataOfOnesOwn() throws Exception {
        Path config = directory.resolve("ds_config.json");
        Files.writeString(
                config, "{\"train_batch_size\": 8, \"optimizer\": {\"type\": \"AdamW\"}}");
        Programs.Outcome outcome =
                Programs.run(
                        directory,
                        List.of(
                                IMAGE.resolve("bin", "ds").toString(),
                                "plan",
                                "--config",
                                config.toString()));
        assertEquals(0, outcome.status(), outcome.err());
        assertTrue(
                outcome.out().contains("AdamW") || outcome.out().contains("adamw"), outcome.out());
    }

    @Test
    void imageTrainsTwentySteps() throws Exception {
        trains("adamw", Map.of());
    }

    @Test
    void aModuleAddedAtRunTimeTrainsInTheImage() throws Exception {
        trains("signum", Map.of("DS_PLUGINS", jar("custom-optimizer").toString()));
    }

    @Test
    void aScheduleAddedAtRunTimeIsTakenInTheImage() throws Exception {
        scheduler =
                "\"scheduler\": {\"type\": \"InverseRoot\", \"params\": {\"warmup_num_steps\": 4}},";
        trains("adamw", Map.of("DS_PLUGINS", jar("custom-schedule").toString()));
        List<String> metrics = Files.readAllLines(directory.resolve("metrics.jsonl"));
        assertTrue(metrics.get(0).contains("\"lr\":7.5E-4"), metrics.get(0));
        assertTrue(metrics.get(3).contains("\"lr\":0.003"), metrics.get(3));
        assertTrue(metrics.get(15).contains("\"lr\":0.0015"), metrics.get(15));
    }

    private static Path jar(String name) throws IOException {
        Path example = Reactor.ROOT.resolve("examples", name, "target");
        try (Stream<Path> files = Files.list(example)) {
            return files.filter(f -> f.getFileName().toString().endsWith("SNAPSHOT.jar"))
                    .findFirst()
                    .orElseThrow();
        }
    }

    @Test
    void anOptimizerThatIsNotThereIsTheUsersMistake() throws Exception {
        Programs.Outcome outcome = train("signum", Map.of());
        assertEquals(2, outcome.status(), outcome.err());
        assertTrue(outcome.err().contains("signum"), outcome.err());
        assertTrue(!outcome.err().contains("\tat "), outcome.err());
    }

    @Test
    void aCacheOfClassesAndProfilesMakesTheSameRun() throws Exception {
        Path copy = directory.resolve("image");
        Programs.Outcome copied =
                Programs.run(directory, List.of("cp", "-a", IMAGE.toString(), copy.toString()));
        assertEquals(0, copied.status(), copied.err());
        trains(copy, "adamw", Map.of("DS_AOT", "make"));
        List<String> without = losses();
        assertTrue(Files.size(copy.resolve("lib").resolve("ds.aot")) > 1 << 20);
        // With this option a cache that cannot be used is an error.
        trains(copy, "adamw", Map.of("DS_JAVA_OPTIONS", "-XX:AOTMode=on"));
        assertEquals(without, losses());
    }

    private List<String> losses() throws IOException {
        return Files.readAllLines(directory.resolve("metrics.jsonl")).stream()
                .map(line -> Double.toHexString(loss(line)))
                .toList();
    }

    private void trains(String optimizer, Map<String, String> environment) throws Exception {
        trains(IMAGE, optimizer, environment);
    }

    private void trains(Path image, String optimizer, Map<String, String> environment)
            throws Exception {
        Files.deleteIfExists(directory.resolve("metrics.jsonl"));
        Programs.Outcome outcome = train(image, optimizer, environment);
        assertEquals(0, outcome.status(), outcome.err());
        List<Double> losses =
                Files.readAllLines(directory.resolve("metrics.jsonl")).stream()
                        .map(ImageTest::loss)
                        .toList();
        assertEquals(STEPS, losses.size());
        assertTrue(losses.getLast() < losses.getFirst() - 0.3, losses.toString());
    }

    private Programs.Outcome train(String optimizer, Map<String, String> environment)
            throws Exception {
        return train(IMAGE, optimizer, environment);
    }

    private Programs.Outcome train(Path image, String optimizer, Map<String, String> environment)
            throws Exception {
        Path config = directory.resolve("ds_config.json");
        Files.writeString(
                config,
                """
                {
                  "train_batch_size": 8,
                  "gradient_accumulation_steps": 2,
                  "optimizer": {"type": "%s", "params": {"lr": 3e-3}},
                  "bf16": {"enabled": true},
                  %s
                  "zero_optimization": {
                    "stage": 3,
                    "offload_optimizer": {"device": "nvme", "nvme_path": "%s"}
                  }
                }
                """
                        .formatted(optimizer, scheduler, directory));
        return Programs.train(
                image,
                directory,
                environment,
                config,
                STEPS,
                "--metrics",
                directory.resolve("metrics.jsonl").toString());
    }

    private static double loss(String line) {
        Matcher matcher = LOSS.matcher(line);
        assertTrue(matcher.find(), line);
        return Double.parseDouble(matcher.group(1));
    }

    private Programs.Outcome java(String... arguments) throws IOException, InterruptedException {
        return Programs.run(
                directory,
                Stream.concat(
                                Stream.of(IMAGE.resolve("bin", "java").toString()),
                                Stream.of(arguments))
                        .toList());
    }

    private static long sizeBytes(Path file) {
        try {
            return Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS) ? Files.size(file) : 0;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
