package ds.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ds.config.ConfigException;
import ds.config.DsConfig;
import ds.engine.DeepSpeed;
import ds.engine.Engine;
import ds.engine.StepReport;
import ds.engine.data.TextDataset;
import ds.model.builtin.Gpt;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The 1-bit family trains at stage 0, and sends signs instead of gradients once it has frozen. */
class OneBitTest {
    private static final int STEPS = 30;
    private static final int FROZEN_AFTER = 10;

    @TempDir private Path directory;

    @BeforeEach
    void writeText() throws IOException {
        Files.writeString(directory.resolve("text.txt"), "it was the worst of times; ".repeat(200));
    }

    private Engine open(String type, String freeze, int stage, int ranks, String precision) {
        DsConfig config =
                DsConfig.parse(
                        """
                        {"train_batch_size": 8, "train_micro_batch_size_per_gpu": 2,
                         "optimizer": {"type": "%s", "params": {"lr": 1e-3, "betas": [0.9, 0.9], "%s": %d}},
                         "bf16": {"enabled": %s},
                         "zero_optimization": {"stage": %d}}
                        """
                                .formatted(
                                        type,
                                        freeze,
                                        FROZEN_AFTER,
                                        precision.equals("bf16"),
                                        stage));
        return DeepSpeed.initialize(
                Gpt.of(g -> g.layers(1).width(48).heads(3).context(16)),
                config,
                o ->
                        o.trainingData(TextDataset.bytes(directory.resolve("text.txt"), 16))
                                .ranks(ranks)
                                .workers(1));
    }

    @ParameterizedTest
    @CsvSource({
        "OneBitAdam, freeze_step, 1, fp32",
        "OneBitAdam, freeze_step, 2, fp32",
        "OneBitAdam, freeze_step, 2, bf16",
        "OneBitLamb, freeze_step, 1, fp32",
        "OneBitLamb, freeze_step, 2, fp32",
        "ZeroOneAdam, var_freeze_step, 1, fp32",
        "ZeroOneAdam, var_freeze_step, 2, fp32",
        "ZeroOneAdam, var_freeze_step, 2, bf16",
    })
    void trainsOnAndSendsSignsOnly(String type, String freeze, int ranks, String precision) {
        try (Engine engine = open(type, freeze, 0, ranks, precision)) {
            double first = 0;
            double last = 0;
            long gradientsWhenFrozen = 0;
            for (StepReport report : engine.steps(STEPS)) {
                first = report.step() == 1 ? report.loss() : first;
                last = report.loss();
                if (report.step() == FROZEN_AFTER) {
                    gradientsWhenFrozen = engine.usage(0).traffic().reduceScatterBytes();
                }
            }
            assertTrue(last < first, type + " went from " + first + " to " + last);
            assertEquals(
                    gradientsWhenFrozen,
                    engine.usage(0).traffic().reduceScatterBytes(),
                    "gradients were exchanged after the freeze");
            long signs = engine.usage(0).replicaBytes();
            if (ranks == 1) {
                assertEquals(0, signs);
            } else {
                long perStep = signs / (STEPS - FROZEN_AFTER + 1);
                long gradient = 4 * engine.plan().partition().layout().elements();
                assertTrue(perStep > 0 && perStep < gradient / 16, perStep + " of " + gradient);
            }
            assertTrue(engine.plan().toString().contains("no (because the ranks exchange signs"));
        }
    }

    @ParameterizedTest
    @CsvSource({
        "OneBitAdam, freeze_step, 1",
        "OneBitLamb, freeze_step, 2",
        "ZeroOneAdam, var_freeze_step, 3",
    })
    void aStageAboveZeroIsRefused(String type, String freeze, int stage) {
        ConfigException failure =
                assertThrows(
                        ConfigException.class, () -> open(type, freeze, stage, 2, "fp32").close());
        assertTrue(
                String.valueOf(failure.getMessage()).contains("is not compatible with ZeRO"),
                failure.getMessage());
    }

    /** What a rank carries over is in no checkpoint, hence must not outlive a load. */
    @ParameterizedTest
    @CsvSource({
        "OneBitAdam, freeze_step",
        "ZeroOneAdam, var_freeze_step",
        "OneBitLamb, freeze_step"
    })
    void resumesInTheSameEngineAsInAFreshOne(String type, String freeze) {
        Path saved = directory.resolve("run");
        String again;
        try (Engine engine = open(type, freeze, 0, 2, "fp32")) {
            engine.steps(FROZEN_AFTER + 5).forEach(_ -> {});
            engine.saveCheckpoint(saved);
            engine.steps(3).forEach(_ -> {});
            engine.resume(saved);
            engine.steps(4).forEach(_ -> {});
            again = engine.parameterHash();
        }
        try (Engine engine = open(type, freeze, 0, 2, "fp32")) {
            engine.resume(saved);
            engine.steps(4).forEach(_ -> {});
            assertEquals(engine.parameterHash(), again);
        }
    }
}
