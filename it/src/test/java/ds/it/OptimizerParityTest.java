package ds.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import ds.config.DsConfig;
import ds.engine.DeepSpeed;
import ds.engine.Engine;
import ds.engine.data.TextDataset;
import ds.model.builtin.Gpt;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Every optimizer gives the same bits at every stage, resting place and number of ranks. */
class OptimizerParityTest {
    private static final int STEPS = 3;

    @TempDir private Path directory;

    @BeforeEach
    void writeText() throws IOException {
        Files.writeString(directory.resolve("text.txt"), "the quick brown fox jumps; ".repeat(200));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "Adam", "AdamW", "Adagrad", "Lion", "SGD", "Lamb", "Muon", "MuAdam", "MuAdamW",
                "MuSGD",
            })
    void everyStagePlaceAndWorldGivesTheSameBits(String type) {
        for (String precision : List.of("fp32", "bf16")) {
            String expected = train(type, precision, 0, "none", 1, STEPS);
            assertNotEquals(train(type, precision, 0, "none", 1, STEPS - 1), expected, type);
            for (int stage = 0; stage <= 3; stage++) {
                for (String place : List.of("none", "cpu", "nvme")) {
                    for (int ranks : List.of(1, 2)) {
                        assertEquals(
                                expected,
                                train(type, precision, stage, place, ranks, STEPS),
                                "%s, %s, stage %d, %s, %d ranks"
                                        .formatted(type, precision, stage, place, ranks));
                    }
                }
            }
        }
    }

    /** A GPT half as wide: what grows with the width, and what does not. */
    private static String baseShapes(String type) {
        return type.startsWith("Mu") && !type.equals("Muon")
                ? """
                , "base_shapes": {"tok": [0, 24], "pos": [0, 24], "head": [0, 24],
                    "*.wqkv": [72, 24], "*.wo": [24, 24], "*.w1": [96, 24], "*.w2": [24, 96],
                    "*.bqkv": [72], "*.b1": [96], "*": [24]}"""
                : "";
    }

    private String train(
            String type, String precision, int stage, String place, int ranks, int steps) {
        DsConfig config =
                DsConfig.parse(
                        """
                        {"train_batch_size": 4, "train_micro_batch_size_per_gpu": 2,
                         "optimizer": {"type": "%s", "params": {"lr": 3e-3, "weight_decay": 0.1%s}},
                         "scheduler": {"type": "WarmupLR", "params": {"warmup_num_steps": 4}},
                         "bf16": {"enabled": %s},
                         "jvm": {"chunk_bytes": 32768},
                         "zero_optimization": {"stage": %d,
                             "offload_optimizer": {"device": "%s", "nvme_path": "%s"}}}
                        """
                                .formatted(
                                        type,
                                        baseShapes(type),
                                        precision.equals("bf16"),
                                        stage,
                                        place,
                                        directory));
        Gpt model = Gpt.of(g -> g.layers(1).width(48).heads(3).context(16));
        try (Engine engine =
                DeepSpeed.initialize(
                        model,
                        config,
                        o ->
                                o.trainingData(TextDataset.bytes(directory.resolve("text.txt"), 16))
                                        .ranks(ranks)
                                        .workers(1))) {
            engine.steps(steps).forEach(_ -> {});
            return engine.parameterHash();
        }
    }
}
