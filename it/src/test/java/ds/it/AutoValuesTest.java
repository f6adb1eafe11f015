package ds.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ds.config.ConfigException;
import ds.config.DsConfig;
import ds.engine.plan.Decision;
import ds.engine.plan.PlanInputs;
import ds.engine.plan.Planner;
import ds.engine.plan.TrainingPlan;
import ds.model.builtin.Gpt;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

/** {@code "auto"} becomes what the Hugging Face Trainer would fill in, and the plan says so. */
class AutoValuesTest {
    private static final Path STOCK =
            Path.of(System.getProperty("ds.fixtures")).resolve("config").resolve("hf");
    private static final int WIDTH = 48;
    private static final Gpt MODEL =
            Gpt.of(g -> g.layers(2).width(WIDTH).heads(3).context(32).tied(true));

    private static TrainingPlan plan(String json, int ranks, Optional<Long> steps) {
        return Planner.plan(MODEL.layout(), DsConfig.parse(json), inputs(ranks, steps));
    }

    private static PlanInputs inputs(int ranks, Optional<Long> steps) {
        return new PlanInputs(
                ranks, Optional.of(1), Optional.empty(), steps, 32, List.of(), ModuleLayer.boot());
    }

    private static Map<String, String> texts(TrainingPlan plan, Decision.Kind kind) {
        Map<String, String> texts = new TreeMap<>();
        plan.decisions().stream()
                .filter(decision -> decision.kind() == kind)
                .forEach(decision -> texts.put(decision.pointer(), decision.text()));
        return texts;
    }

    @Test
    void theStockFileOfStage3BecomesWhatTheTrainerFillsIn() {
        String byDefault = "what the Hugging Face Trainer takes by default";
        TrainingPlan plan =
                Planner.plan(
                        MODEL.layout(),
                        DsConfig.read(STOCK.resolve("zero3.json")),
                        inputs(2, Optional.of(40L)));
        Map<String, String> expected = new TreeMap<>();
        expected.put("/train_batch_size", "became 16: 8 (micro) x 1 (accumulation) x 2 (ranks)");
        expected.put("/train_micro_batch_size_per_gpu", "became 8: " + byDefault);
        expected.put("/gradient_accumulation_steps", "became 1: " + byDefault);
        expected.put("/gradient_clipping", "became 1.0: " + byDefault);
        expected.put("/optimizer/params/lr", "became 5.0E-5: " + byDefault);
        expected.put("/optimizer/params/betas", "became [0.9, 0.999]: " + byDefault);
        expected.put("/optimizer/params/eps", "became 1.0E-8: " + byDefault);
        expected.put("/optimizer/params/weight_decay", "became 0.0: " + byDefault);
        expected.put("/scheduler/params/warmup_min_lr", "became 0.0: " + byDefault);
        expected.put(
                "/scheduler/params/warmup_max_lr", "became 5.0E-5: the optimizer's learning rate");
        expected.put(
                "/scheduler/params/warmup_num_steps",
                "became 2: the fewest there can be; the Hugging Face Trainer warms up only when told to");
        expected.put("/scheduler/params/total_num_steps", "became 40: the steps that will be made");
        String precision = "became false: fp32 unless asked for, as the Trainer's own switch";
        expected.put("/fp16/enabled", precision);
        expected.put("/bf16/enabled", precision);
        String size = "became %d: hidden size 48 %s";
        expected.put(
                "/zero_optimization/reduce_bucket_size", size.formatted(WIDTH * WIDTH, "squared"));
        expected.put(
                "/zero_optimization/stage3_prefetch_bucket_size",
                size.formatted((int) (0.9 * WIDTH * WIDTH), "squared x 0.9")
                        + "; it has no effect here, since parameters rest in memory, where there is nothing to read ahead");
        expected.put(
                "/zero_optimization/stage3_param_persistence_threshold",
                size.formatted(10 * WIDTH, "x 10"));
        assertEquals(expected, texts(plan, Decision.Kind.AUTO));
        assertEquals(10 * WIDTH, plan.zero().persistenceThreshold());
        assertEquals(5e-5, plan.optimizer().base().lr());
        assertEquals(5e-5, plan.schedule().at(2, plan.optimizer().base()).lr());
        assertEquals(0, plan.schedule().at(41, plan.optimizer().base()).lr());
    }

    @Test
    void openBatchKeysFollowFromTheOthersAndTheRanks() {
        String all =
                """
                {"train_batch_size": %s, "train_micro_batch_size_per_gpu": %s,
                 "gradient_accumulation_steps": %s, "optimizer": {"type": "AdamW"}}
                """;
        record Row(String train, String micro, String steps, int ranks, String became) {}
        for (Row row :
                List.of(
                        new Row("'auto'", "'auto'", "'auto'", 3, "24 = 8 x 1 x 3"),
                        new Row("'auto'", "2", "5", 2, "20 = 2 x 5 x 2"),
                        new Row("'auto'", "null", "2", 1, "16 = 8 x 2 x 1"),
                        new Row("32", "'auto'", "'auto'", 2, "32 = 8 x 2 x 2"),
                        new Row("6", "'auto'", "'auto'", 1, "6 = 6 x 1 x 1"),
                        new Row("22", "'auto'", "null", 1, "22 = 2 x 11 x 1"),
                        new Row("64", "'auto'", "2", 2, "64 = 16 x 2 x 2"),
                        new Row("64", "4", "'auto'", 2, "64 = 4 x 8 x 2"),
                        new Row("null", "4", "'auto'", 2, "8 = 4 x 1 x 2"))) {
            var batch =
                    plan(
                                    all.formatted(row.train, row.micro, row.steps),
                                    row.ranks,
                                    Optional.empty())
                            .batch();
            assertEquals(
                    row.became,
                    "%d = %d x %d x %d"
                            .formatted(
                                    batch.train(),
                                    batch.micro(),
                                    batch.accumulation(),
                                    batch.world()),
                    row.toString());
        }
        ConfigException problem =
                assertThrows(
                        ConfigException.class,
                        () -> plan(all.formatted("7", "'auto'", "'auto'"), 2, Optional.empty()));
        assertTrue(
                problem.getMessage().contains("train_batch_size 7 is not a multiple of 2 (ranks)"),
                problem.getMessage());
    }

    @Test
    void everyOtherAutoIsTheDefaultAndThoseOfStage3BelowIt() {
        TrainingPlan plan =
                plan(
                        """
                        {"train_batch_size": 8, "optimizer": {"type": "AdamW"},
                         "steps_per_print": "auto", "fp16": {"loss_scale": "auto"},
                         "zero_optimization": {"stage": 2, "overlap_comm": "auto",
                           "stage3_prefetch_bucket_size": "auto",
                           "param_persistence_threshold": "auto",
                           "offload_param": "auto", "offload_optimizer": {"device": "auto"}},
                         "activation_checkpointing": {"partition_activations": "auto"},
                         "jvm": {"workers": "auto"}}
                        """,
                        1,
                        Optional.empty());
        Map<String, String> became = texts(plan, Decision.Kind.AUTO);
        assertEquals("became absent: the default", became.get("/steps_per_print"));
        assertEquals("became 0.0: the default", became.get("/fp16/loss_scale"));
        assertEquals("became absent: the default", became.get("/zero_optimization/offload_param"));
        assertEquals(
                "became none: the default",
                became.get("/zero_optimization/offload_optimizer/device"));
        assertEquals(
                "became 100000: the default",
                became.get("/zero_optimization/stage3_param_persistence_threshold"));
        assertEquals(100_000, plan.zero().persistenceThreshold());
        assertEquals("became absent: the default", became.get("/jvm/workers"));
        for (String key : List.of("overlap_comm", "stage3_prefetch_bucket_size")) {
            String text = became.get("/zero_optimization/" + key);
            assertTrue(text.contains("the default; it has no effect here, since "), text);
        }
        assertTrue(
                became.get("/activation_checkpointing/partition_activations")
                        .startsWith("became false: the default; it has no effect here, since "));
        assertEquals(9, became.size(), became.toString());
        became.forEach(
                (key, text) ->
                        assertTrue(
                                plan.toString()
                                        .replaceAll(" \\(\\d+:\\d+\\) ", " ")
                                        .contains(key + " " + text),
                                key));
    }

    @Test
    void whatTheOptimizerOrTheScheduleCannotLeaveOpenIsAnError() {
        String message =
                assertThrows(
                                ConfigException.class,
                                () ->
                                        plan(
                                                """
                                                {"train_batch_size": 8,
                                                 "optimizer": {"type": "AdamW",
                                                     "params": {"bias_correction": "auto"}}}
                                                """,
                                                1,
                                                Optional.empty()))
                        .getMessage();
        assertTrue(
                message.contains("'bias_correction' is \"auto\", which nothing here can decide."),
                message);
        message =
                assertThrows(
                                ConfigException.class,
                                () -> plan(schedule("\"auto\"", "2"), 1, Optional.empty()))
                        .getMessage();
        assertTrue(message.contains("Give the number of steps (--steps)"), message);
    }

    private static String schedule(String total, String warmup) {
        return """
        {"train_batch_size": 8, "optimizer": {"type": "AdamW"},
         "scheduler": {"type": "WarmupDecayLR",
                       "params": {"total_num_steps": %s, "warmup_num_steps": %s}}}
        """
                .formatted(total, warmup);
    }

    @Test
    void lengthsThatDoNotFitTheStepsAreWarnings() {
        assertEquals(
                Map.of(),
                texts(plan(schedule("50", "2"), 1, Optional.of(50L)), Decision.Kind.WARNING));
        assertEquals(
                Map.of(
                        "/scheduler/params/total_num_steps",
                        "is 20, but 50 steps are planned: the learning rate stays at its end for the last 30"),
                texts(plan(schedule("20", "2"), 1, Optional.of(50L)), Decision.Kind.WARNING));
        assertEquals(
                Map.of(
                        "/scheduler/params/total_num_steps",
                        "is 90, but 50 steps are planned: the schedule is cut off",
                        "/scheduler/params/warmup_num_steps",
                        "is 60, but only 50 steps are planned: the learning rate never gets to its top"),
                texts(plan(schedule("90", "60"), 1, Optional.of(50L)), Decision.Kind.WARNING));
    }

    @Test
    void anOptionThatOverridesTheFileIsNotSilent() {
        DsConfig config =
                DsConfig.parse(
                        """
                        {"train_batch_size": 8, "optimizer": {"type": "AdamW"},
                         "jvm": {"seed": 7, "workers": 2}}
                        """);
        TrainingPlan plan =
                Planner.plan(
                        MODEL.layout(),
                        config,
                        new PlanInputs(
                                1,
                                Optional.of(1),
                                Optional.of(9L),
                                Optional.empty(),
                                32,
                                List.of(),
                                ModuleLayer.boot()));
        assertEquals(
                Map.of(
                        "/jvm/seed", "is 7, but the option says 9, which is used",
                        "/jvm/workers", "is 2, but the option says 1, which is used"),
                texts(plan, Decision.Kind.WARNING));
        assertEquals(9, plan.zero().seed());
        assertEquals(1, plan.workersPerRank());
    }

    @Test
    void groupsAndChunksBelowABlockAreRaisedAndThatIsSaid() {
        String text =
                """
                {"train_batch_size": 8, "optimizer": {"type": "AdamW"},
                 "zero_optimization": {"stage": 2, "sub_group_size": %d},
                 "bf16": {"enabled": true}, "jvm": {"chunk_bytes": %d}}
                """;
        TrainingPlan plan = plan(text.formatted(10, 4096), 1, Optional.empty());
        assertEquals(3 * 4096, plan.zero().chunkBytes());
        assertEquals(
                Map.of(
                        "/zero_optimization/sub_group_size",
                        "is 10, but a block has 1,024 elements and is stepped at once",
                        "/jvm/chunk_bytes",
                        "is 4,096, but one block of each of 3 arrays takes 12,288, which is used"),
                texts(plan, Decision.Kind.WARNING));
        plan = plan(text.formatted(2048, 1 << 20), 1, Optional.empty());
        assertEquals(3 * 4 * 2048, plan.zero().chunkBytes());
        assertEquals(Map.of(), texts(plan, Decision.Kind.WARNING));
    }
}
