package ds.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ds.config.ConfigException;
import ds.engine.Engine;
import ds.engine.StepReport;
import ds.engine.TrainingException;
import ds.model.Batch;
import ds.model.builtin.Gpt;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What an engine promises about its steps and the values between them. */
class EngineStepsTest {
    @TempDir private Path directory;

    @Test
    void whatIsHalfAccumulatedIsNeitherSavedNorMixedIntoAnotherStep() {
        try (Engine engine = AwkwardEngine.of(new AwkwardModel(), "", _ -> {})) {
            engine.onEachRank(
                    rank -> {
                        rank.backward(rank.forward(AwkwardEngine.batch()));
                        assertTrue(rank.step().isEmpty());
                    });
            String where = "comes between steps, but on rank 0 1 of 2 micro-batches are in";
            for (var call :
                    List.<Runnable>of(
                            () -> engine.saveCheckpoint(directory.resolve("run")),
                            () -> engine.resume(directory.resolve("run")),
                            engine::trainStep)) {
                var failure = assertThrows(IllegalStateException.class, call::run);
                assertTrue(failure.getMessage().contains(where), failure::getMessage);
            }
            assertFalse(Files.exists(directory.resolve("run")));
            List<StepReport> reports = new ArrayList<>();
            engine.onEachRank(
                    rank -> {
                        rank.backward(rank.forward(AwkwardEngine.batch()));
                        var early =
                                assertThrows(
                                        IllegalStateException.class,
                                        () -> rank.forward(AwkwardEngine.batch()));
                        assertEquals(
                                "All 2 micro-batches of the step are in on rank 0; call step() before the next forward.",
                                early.getMessage());
                        reports.add(rank.step().orElseThrow());
                    });
            assertEquals(1, reports.getFirst().step());
            engine.saveCheckpoint(directory.resolve("run"));
            assertEquals(2, engine.trainStep().step());
        }
    }

    @Test
    void threeCallsGiveTheBitsOfOneWithDropoutToo() {
        Gpt model =
                Gpt.of(
                        g ->
                                g.layers(1)
                                        .width(16)
                                        .heads(2)
                                        .context(AwkwardModel.CONTEXT)
                                        .dropout(0.3f));
        Batch whole = AwkwardEngine.batch(8);
        List<Double> once = new ArrayList<>();
        List<Double> called = new ArrayList<>();
        try (Engine engine = AwkwardEngine.of(model, "", o -> o.ranks(2))) {
            for (int step = 0; step < 3; step++) {
                once.add(engine.trainStep(whole).loss());
            }
        }
        try (Engine engine = AwkwardEngine.of(model, "", o -> o.ranks(2))) {
            for (int step = 0; step < 3; step++) {
                engine.onEachRank(
                        rank -> {
                            for (int k = 0; k < 2; k++) {
                                // Numbered anew for every call, as a user's own loader does.
                                Batch micro = whole.slice(2 * (2 * k + rank.rank()), 2).at(0);
                                rank.backward(rank.forward(micro));
                                var report = rank.step();
                                if (rank.rank() == 0 && report.isPresent()) {
                                    called.add(report.get().loss());
                                }
                            }
                        });
            }
            assertEquals(once, called);
            var failure =
                    assertThrows(
                            IllegalArgumentException.class,
                            () -> engine.onEachRank(rank -> rank.forward(AwkwardEngine.batch(3))));
            assertTrue(
                    failure.getMessage()
                            .endsWith(
                                    "takes train_micro_batch_size_per_gpu = 2 samples, was given 3."),
                    failure::getMessage);
        }
    }

    @Test
    void parametersThatDoNotFitReplaceNothing() {
        try (Engine engine = AwkwardEngine.of(new AwkwardModel(), "", o -> o.ranks(2))) {
            String before = engine.parameterHash();
            assertEquals(
                    "Parameter 'frozen.weight' [20, 20] was given no values.",
                    assertThrows(
                                    IllegalArgumentException.class,
                                    () ->
                                            engine.loadParameters(
                                                    name ->
                                                            name.equals("frozen.weight")
                                                                    ? null
                                                                    : new float
                                                                            [engine.parameter(name)
                                                                                    .length]))
                            .getMessage());
            assertEquals(before, engine.parameterHash());
            assertEquals(1, engine.trainStep().step());
        }
    }

    @Test
    void fromLoadedParametersTheOptimizerBeginsAnewAndTheRunGoesOn() {
        String warmup =
                """
                , "scheduler": {"type": "WarmupLR",
                "params": {"warmup_min_lr": 1e-5, "warmup_max_lr": 1e-2, "warmup_num_steps": 5}}
                """;
        try (Engine fresh = AwkwardEngine.of(new AwkwardModel(), warmup, _ -> {});
                Engine used = AwkwardEngine.of(new AwkwardModel(), warmup, _ -> {})) {
            Map<String, float[]> start = new HashMap<>();
            new AwkwardModel()
                    .layout()
                    .storages()
                    .forEach(each -> start.put(each.name(), fresh.parameter(each.name())));
            for (int i = 0; i < 3; i++) {
                used.trainStep(AwkwardEngine.batch(4));
            }
            used.loadParameters(start::get);
            for (int i = 1; i <= 2; i++) {
                var expected = fresh.trainStep(AwkwardEngine.batch(4));
                var made = used.trainStep(AwkwardEngine.batch(4));
                assertEquals(expected.lr(), made.lr());
                assertEquals(expected.loss(), made.loss());
                assertEquals(3 + i, made.step());
                assertEquals(4L * (3 + i), made.samplesSeen());
                assertEquals(fresh.parameterHash(), used.parameterHash());
            }
            used.onEachRank(rank -> rank.forward(AwkwardEngine.batch(2)));
            assertTrue(
                    assertThrows(IllegalStateException.class, () -> used.loadParameters(start::get))
                            .getMessage()
                            .startsWith("Loading parameters comes between steps"));
        }
    }

    @Test
    void overflowsAtAFixedLossScaleAreSkippedUpToALimit() {
        String fp16 = ", \"fp16\": {\"enabled\": true, \"loss_scale\": 1e30}";
        try (Engine engine = AwkwardEngine.of(new AwkwardModel(), fp16, _ -> {})) {
            String before = engine.parameterHash();
            for (int i = 1; i < 20; i++) {
                assertTrue(engine.trainStep().skipped());
            }
            assertEquals(before, engine.parameterHash());
            var failure = assertThrows(TrainingException.class, engine::trainStep);
            assertTrue(
                    failure.getMessage()
                            .endsWith(
                                    "is not finite, 20 steps in a row. Lower the learning rate, look at the data, or set fp16.loss_scale to 0: dynamic."),
                    failure::getMessage);
        }
    }

    @Test
    void aTensorThatDoesNotExistIsRefusedAndNotZeros() {
        try (Engine engine = AwkwardEngine.of(new AwkwardModel(), "", _ -> {})) {
            engine.trainStep();
            assertTrue(engine.tensor("attend.qkv", "exp_avg")[0] != 0);
            assertEquals(
                    "Parameter 'attend.qkv' has no tensor 'exp_average'; it has [master, exp_avg, exp_avg_sq].",
                    assertThrows(
                                    IllegalArgumentException.class,
                                    () -> engine.tensor("attend.qkv", "exp_average"))
                            .getMessage());
            assertThrows(
                    IllegalArgumentException.class,
                    () -> engine.tensor("frozen.weight", "exp_avg"));
            assertThrows(IndexOutOfBoundsException.class, () -> engine.usage(1));
            assertEquals(2, engine.trainStep().step(), "a caller's mistake stops nothing");
        }
    }

    @Test
    void aStepSaysHowManyOperationsItsModelAskedFor() {
        // Per token: qkv, out and frozen of the hidden layers, the head, attention.
        double perToken = 2 * (3 * 20 * 20 + 20 * 20 + 20 * 20 + 251 * 20 + 7 * 20);
        for (int ranks : new int[] {1, 2}) {
            try (Engine engine = AwkwardEngine.of(new AwkwardModel(), "", o -> o.ranks(ranks))) {
                double samples = 4 * ranks;
                assertEquals(3 * samples * 7 * perToken, engine.trainStep().modelOperations());
                assertTrue(engine.productRate() > 0);
                engine.productRate();
                long allocations = engine.allocationCount();
                assertEquals(2, engine.trainStep().step(), "measuring changes nothing");
                assertEquals(allocations, engine.allocationCount());
            }
        }
    }

    @Test
    void aHysteresisThatNeverEndsIsRefused() {
        var refused =
                assertThrows(
                        ConfigException.class,
                        () ->
                                AwkwardEngine.of(
                                        new AwkwardModel(),
                                        ", \"fp16\": {\"enabled\": true, \"hysteresis\": 0}",
                                        _ -> {}));
        assertTrue(
                refused.getMessage().contains("the loss scale would never shrink"),
                refused::getMessage);
    }
}
