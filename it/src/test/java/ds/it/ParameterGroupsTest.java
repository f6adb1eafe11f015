package ds.it;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ds.config.ConfigException;
import ds.config.DsConfig;
import ds.config.ParameterGroup;
import ds.core.MemoryKind;
import ds.engine.DeepSpeed;
import ds.engine.Engine;
import ds.engine.EngineOptions;
import ds.engine.data.TextDataset;
import ds.model.builtin.Gpt;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.function.Consumer;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Settings of their own for some parameters: by name, dimensions, tag or layer. */
class ParameterGroupsTest {
    private static final String GROUPS =
            """
            [{"layer": "embed", "frozen": true},
             {"tag": ["norm", "bias"], "weight_decay": 0},
             {"name": "*.w1", "lr_multiplier": 0.25, "betas": [0.8, 0.9]}]
            """;

    @TempDir private Path directory;

    @BeforeEach
    void writeText() throws IOException {
        Files.writeString(directory.resolve("text.txt"), "it was the best of times; ".repeat(200));
    }

    private DsConfig config(int stage, String place, String groups) {
        return DsConfig.parse(
                """
                {"train_batch_size": 4, "train_micro_batch_size_per_gpu": 2,
                 "optimizer": {"type": "AdamW", "params": {"lr": 0.01, "weight_decay": 0.5}},
                 "scheduler": {"type": "WarmupLR", "params": {"warmup_num_steps": 4}},
                 "jvm": {"chunk_bytes": 32768, "parameter_groups": %s},
                 "zero_optimization": {"stage": %d,
                     "offload_optimizer": {"device": "%s", "nvme_path": "%s"}}}
                """
                        .formatted(groups, stage, place, directory));
    }

    private Engine open(DsConfig config, Consumer<EngineOptions> more) {
        return DeepSpeed.initialize(
                Gpt.of(g -> g.layers(1).width(48).heads(3).context(16)),
                config,
                o -> {
                    o.trainingData(TextDataset.bytes(directory.resolve("text.txt"), 16)).workers(1);
                    more.accept(o);
                });
    }

    private static void steps(Engine engine, int count) {
        engine.steps(count).forEach(_ -> {});
    }

    @Test
    void everyStagePlaceAndWorldGivesTheSameBits() {
        String expected = "";
        for (int stage = 0; stage <= 3; stage++) {
            for (String place : new String[] {"none", "cpu", "nvme"}) {
                for (int world = 1; world <= 2; world++) {
                    int ranks = world;
                    try (Engine engine = open(config(stage, place, GROUPS), o -> o.ranks(ranks))) {
                        steps(engine, 3);
                        expected = expected.isEmpty() ? engine.parameterHash() : expected;
                        assertEquals(
                                expected,
                                engine.parameterHash(),
                                "stage %d, %s, %d ranks".formatted(stage, place, ranks));
                    }
                }
            }
        }
    }

    @Test
    void aStepIsTheOneOfEachGroupsOwnSettings() {
        try (Engine same = open(config(0, "none", "[]"), _ -> {});
                Engine grouped = open(config(0, "none", GROUPS), _ -> {})) {
            float[] frozen = grouped.parameter("tok");
            float[] gain = grouped.parameter("blocks.0.ln1_g");
            float[] slow = grouped.parameter("blocks.0.w1");
            // Warm-up begins with two steps of 0: the third is the first that moves anything.
            steps(same, 3);
            steps(grouped, 3);
            assertArrayEquals(frozen, grouped.parameter("tok"), "a frozen parameter moved");
            assertFalse(Arrays.equals(frozen, same.parameter("tok")));
            float[] fullGain = same.parameter("blocks.0.ln1_g");
            float[] freeGain = grouped.parameter("blocks.0.ln1_g");
            double decayed = 0;
            for (int i = 0; i < gain.length; i++) {
                decayed += freeGain[i] - fullGain[i];
            }
            assertTrue(decayed / gain.length > 0, "gains decayed without a decay");
            assertTrue(
                    distance(slow, grouped.parameter("blocks.0.w1"))
                            < distance(slow, same.parameter("blocks.0.w1")) / 2,
                    "a quarter of the rate went as far");
            long all = same.usage(0).bytes().get(MemoryKind.OPTIMIZER_STATES);
            assertTrue(grouped.usage(0).bytes().get(MemoryKind.OPTIMIZER_STATES) < all);
        }
    }

    private static double distance(float[] from, float[] to) {
        double sum = 0;
        for (int i = 0; i < from.length; i++) {
            sum += Math.abs(from[i] - to[i]);
        }
        return sum;
    }

    @Test
    void aCheckpointGoesOnAtAnotherStageAndWorld() {
        Path saved = directory.resolve("run");
        String expected;
        try (Engine engine = open(config(1, "none", GROUPS), o -> o.ranks(2))) {
            steps(engine, 2);
            engine.saveCheckpoint(saved);
            steps(engine, 2);
            expected = engine.parameterHash();
        }
        try (Engine engine = open(config(3, "cpu", GROUPS), o -> o.ranks(1))) {
            assertTrue(engine.resumeIfPresent(saved));
            steps(engine, 2);
            assertEquals(expected, engine.parameterHash());
        }
    }

    @Test
    void aProgramMayGroupParametersToo() {
        String inFile;
        try (Engine engine =
                open(
                        config(
                                0,
                                "none",
                                "[{\"dimensions\": 1, \"weight_decay\": 0, \"lr\": 0.002}]"),
                        _ -> {})) {
            steps(engine, 3);
            inFile = engine.parameterHash();
        }
        try (Engine engine =
                open(
                        config(0, "none", "[]"),
                        o ->
                                o.parameterGroup(
                                        ParameterGroup.ofDimensions(1)
                                                .withWeightDecay(0)
                                                .withLr(0.002)))) {
            steps(engine, 3);
            assertEquals(inFile, engine.parameterHash());
        }
    }

    @Test
    void thePlanShowsWhatEachGroupCaught() {
        try (Engine engine = open(config(0, "none", GROUPS), _ -> {})) {
            String plan = engine.plan().toString();
            assertTrue(
                    plan.contains(
                            "group        layer embed: frozen; 2 parameters, 13,056 elements:"
                                    + " tok, pos\n"),
                    plan);
            assertTrue(
                    plan.contains(
                            "group        name *.w1: lr x 0.25 betas [0.8, 0.9]; 1 parameters,"
                                    + " 9,216 elements: blocks.0.w1\n"),
                    plan);
        }
    }

    @Test
    void aGroupThatCatchesNothingIsAnError() {
        assertProblem(
                "/jvm/parameter_groups/0: The group 'name *.bias' catches no parameter of this"
                        + " model.",
                "[{\"name\": \"*.bias\", \"weight_decay\": 0}]");
        assertProblem(
                "/jvm/parameter_groups/1: The group 'tag norm' catches no parameter that an earlier"
                        + " group has not caught.",
                "[{\"dimensions\": 1, \"weight_decay\": 0}, {\"tag\": \"norm\", \"lr\": 1}]");
    }

    private void assertProblem(String message, String groups) {
        ConfigException failure =
                assertThrows(
                        ConfigException.class,
                        () -> open(config(0, "none", groups), _ -> {}).close());
        String said = String.valueOf(failure.getMessage()).replaceAll(" \\(\\d+:\\d+\\)", "");
        assertTrue(said.contains(message), said);
    }

    @Test
    void aWrongKeyOfAGroupIsFoundInTheDocument() {
        ConfigException failure =
                assertThrows(
                        ConfigException.class,
                        () -> config(0, "none", "[{\"name\": \"tok\", \"weight_decai\": 0}]"));
        assertTrue(
                String.valueOf(failure.getMessage())
                        .contains("'weight_decai' is not a key here. Did you mean 'weight_decay'?"),
                failure.getMessage());
    }
}
