package ds.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ds.config.DsConfig;
import ds.engine.data.Dataset;
import ds.engine.plan.Decision;
import ds.offload.RestingPlace;
import example.seed.Seed;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** One class, no line of which knows a stage, trains by every configuration. */
class SeedConfigTest {
    private static final Path HOME = JavaPrograms.example("seed-config");
    private static final Path CONFIGS = HOME.resolve("configs");
    private static final Path FIXTURES = Path.of(System.getProperty("ds.fixtures"));
    private static final Dataset TEXT =
            Seed.open(JavaPrograms.example("gpt-text").resolve("devils-dictionary.txt"));
    private static final Dataset TABLE =
            Seed.open(JavaPrograms.example("own-model").resolve("spirals.csv"));
    private static final int STEPS = 8;

    static Stream<String> configs() throws IOException {
        try (Stream<Path> files = Files.list(CONFIGS)) {
            return files.map(file -> file.getFileName().toString()).sorted().toList().stream();
        }
    }

    @ParameterizedTest
    @CsvSource({"gpt,1", "gpt,2", "mlp,1", "mlp,2"})
    void theDictionaryTrainsAsMapAndAsFile(String model, int ranks) {
        Dataset data = model.equals("gpt") ? TEXT : TABLE;
        Seed.Outcome map = Seed.train(DsConfig.of(Seed.DICTIONARY), data, ranks, STEPS);
        Seed.Outcome file =
                Seed.train(DsConfig.read(HOME.resolve("seed.json")), data, ranks, STEPS);
        assertEquals(map.after(), file.after(), "the map and the file say the same");
        assertTrue(map.after() < map.before(), map.toString());
        assertEquals(32, map.plan().batch().train());
        assertEquals(4, map.plan().batch().accumulation());
        assertEquals(2, map.plan().stage());
    }

    @Test
    void theTableHasTwelveFiles() throws IOException {
        assertEquals(12, configs().count());
    }

    @ParameterizedTest
    @MethodSource("configs")
    void eachFileOfTheTableTrains(String file) {
        Seed.Outcome outcome = Seed.train(DsConfig.read(CONFIGS.resolve(file)), TEXT, 2, STEPS);
        assertTrue(outcome.after() < outcome.before() - 0.1, outcome.toString());
        // The name says stage, precision, optimizer and, if any, place and schedule.
        List<String> said = List.of(file.replace(".json", "").split("-"));
        assertEquals("stage" + outcome.plan().stage(), said.get(1));
        assertEquals(outcome.plan().precision().type().jsonName(), said.get(2));
        assertEquals(outcome.plan().optimizerName().toLowerCase(Locale.ROOT), said.get(3));
        assertEquals(
                switch (outcome.plan().zero().optimizer()) {
                    case RestingPlace.OnDevice() -> Set.of();
                    case RestingPlace.InHost(_) -> Set.of("cpu");
                    case RestingPlace.OnNvme _ -> Set.of("nvme");
                },
                said.stream().filter(Set.of("cpu", "nvme")::contains).collect(Collectors.toSet()));
        assertEquals(
                said.contains("warmup")
                        ? "WarmupLR"
                        : said.contains("decay") ? "WarmupDecayLR" : "none",
                outcome.plan().scheduleName());
    }

    @ParameterizedTest
    @ValueSource(strings = {"zero2.json", "zero3.json"})
    void theStockFilesTrainAndThePlanSaysWhatAutoBecame(String name) throws IOException {
        Path file = FIXTURES.resolve("config").resolve("hf").resolve(name);
        Seed.Outcome outcome = Seed.train(DsConfig.read(file), TEXT, 2, STEPS);
        assertTrue(outcome.after() < outcome.before(), outcome.toString());
        Set<String> decided =
                outcome.plan().decisions().stream()
                        .filter(decision -> decision.kind() == Decision.Kind.AUTO)
                        .map(Decision::pointer)
                        .collect(Collectors.toCollection(TreeSet::new));
        Set<String> expected =
                new TreeSet<>(
                        Set.of(
                                "/fp16/enabled",
                                "/bf16/enabled",
                                "/optimizer/params/lr",
                                "/optimizer/params/betas",
                                "/optimizer/params/eps",
                                "/optimizer/params/weight_decay",
                                "/scheduler/params/warmup_min_lr",
                                "/scheduler/params/warmup_max_lr",
                                "/scheduler/params/warmup_num_steps",
                                "/gradient_accumulation_steps",
                                "/gradient_clipping",
                                "/train_batch_size",
                                "/train_micro_batch_size_per_gpu"));
        if (name.equals("zero3.json")) {
            expected.addAll(
                    Set.of(
                            "/scheduler/params/total_num_steps",
                            "/zero_optimization/reduce_bucket_size",
                            "/zero_optimization/stage3_prefetch_bucket_size",
                            "/zero_optimization/stage3_param_persistence_threshold"));
        }
        assertEquals(expected, decided);
        for (String pointer : decided) {
            assertTrue(outcome.plan().toString().contains(pointer), outcome.plan().toString());
        }
    }
}
