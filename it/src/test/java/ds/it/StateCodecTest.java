package ds.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ds.config.ConfigException;
import ds.config.DsConfig;
import ds.engine.DeepSpeed;
import ds.engine.Engine;
import ds.engine.StepReport;
import ds.engine.plan.MemoryEstimate;
import ds.model.builtin.Gpt;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * With every codec of optimizer state, a run has the same bits wherever the state rests, however it
 * is cut, and after it went on from a checkpoint.
 */
class StateCodecTest {
    private static final int STEPS = 4;
    private static final String WITH_GRADIENTS = "nvme, gradients too";
    private static final String NARROW = "bf16, states too";

    @TempDir private Path directory;

    /** One way to run the same training. */
    private record Way(
            String optimizer,
            String precision,
            String codec,
            int stage,
            String place,
            int world,
            int workers,
            long chunkBytes) {
        Way on(int otherStage, String otherPlace, int otherWorld) {
            return new Way(
                    optimizer,
                    precision,
                    codec,
                    otherStage,
                    otherPlace,
                    otherWorld,
                    workers,
                    chunkBytes);
        }

        Way cut(int otherWorkers, long otherBytes) {
            return new Way(
                    optimizer, precision, codec, stage, place, world, otherWorkers, otherBytes);
        }

        Way encodedBy(String other) {
            return new Way(optimizer, precision, other, stage, place, world, workers, chunkBytes);
        }
    }

    private static Way way(String optimizer, String precision, String codec) {
        return new Way(optimizer, precision, codec, 1, "cpu", 1, 1, 32L << 20);
    }

    private Engine engine(Way way) {
        String place =
                way.place().startsWith("nvme")
                        ? "{\"device\": \"nvme\", \"nvme_path\": \"%s\"}"
                                .formatted(directory.resolve("nvme"))
                        : "{\"device\": \"%s\"}".formatted(way.place());
        DsConfig config =
                DsConfig.parse(
                        """
                        {"train_batch_size": 8, "train_micro_batch_size_per_gpu": 2,
                         "gradient_clipping": 0.5,
                         "optimizer": {"type": "%s", "params": {"lr": 0.01}},
                         "bf16": {"enabled": %s%s},
                         "zero_optimization": {"stage": %d, "offload_optimizer": %s},
                         "jvm": {"state_codec": "%s", "chunk_bytes": %d, "offload_gradients": "%s"}}
                        """
                                .formatted(
                                        way.optimizer(),
                                        !way.precision().equals("fp32"),
                                        way.precision().equals(NARROW)
                                                ? ", \"bf16_master_weights_and_grads\": true, \"bf16_optimizer_states\": true"
                                                : "",
                                        way.stage(),
                                        place,
                                        way.codec(),
                                        way.chunkBytes(),
                                        way.place().equals(WITH_GRADIENTS) ? "nvme" : "none"));
        return DeepSpeed.initialize(
                Gpt.of(g -> g.layers(1).width(24).heads(2).context(Rhyme.CONTEXT).dropout(0.1)),
                config,
                o -> o.trainingData(Rhyme.TEXT).ranks(way.world()).workers(way.workers()).seed(11));
    }

    private static List<String> train(Engine engine, int steps) {
        List<String> bits = new ArrayList<>();
        for (StepReport report : engine.steps(steps)) {
            bits.add(KilledRun.bits(report));
        }
        bits.add(engine.parameterHash());
        return bits;
    }

    private List<String> train(Way way) {
        try (Engine engine = engine(way)) {
            return train(engine, STEPS);
        }
    }

    @ParameterizedTest
    @CsvSource({
        "AdamW, fp32, bf16",
        "AdamW, fp32, int8_block",
        "AdamW, bf16, bf16",
        "AdamW, bf16, int8_block",
        "Lamb, fp32, int8_block",
        "Muon, bf16, int8_block",
        "Adagrad, fp32, bf16",
    })
    void everyStagePlaceWorldAndCutGivesTheSameBits(
            String optimizer, String precision, String codec) {
        Way one = way(optimizer, precision, codec);
        List<String> expected = train(one);
        assertNotEquals(train(one.encodedBy("fp32")), expected, "the codec did nothing");
        for (int stage = 1; stage <= 3; stage++) {
            for (String place : List.of("cpu", "nvme")) {
                for (int world : List.of(1, 2, 4)) {
                    Way other = one.on(stage, place, world);
                    assertEquals(expected, train(other), other::toString);
                }
            }
        }
        for (String place : List.of("cpu", "nvme", WITH_GRADIENTS)) {
            for (long chunkBytes : List.of(12_288L, 65_536L)) {
                Way other = one.on(2, place, 2).cut(2, chunkBytes);
                assertEquals(expected, train(other), other::toString);
            }
        }
    }

    /** A checkpoint holds what a step would see, in fp32. */
    @ParameterizedTest
    @CsvSource({"bf16", "int8_block"})
    void aCheckpointGoesOnWithItsCodecBitForBitAndWithAnyOther(String codec) {
        Path run = directory.resolve("run");
        Way way = way("AdamW", "bf16", codec).on(2, "nvme", 2);
        List<String> rest;
        try (Engine engine = engine(way)) {
            train(engine, STEPS);
            engine.saveCheckpoint(run);
            rest = train(engine, STEPS);
        }
        try (Engine engine = engine(way.on(3, "cpu", 4))) {
            engine.resume(run);
            assertEquals(rest, train(engine, STEPS));
        }
        for (String other : List.of("fp32", "bf16", "int8_block")) {
            try (Engine engine = engine(way.encodedBy(other))) {
                engine.resume(run);
                List<String> bits = train(engine, STEPS);
                assertEquals(other.equals(codec), rest.equals(bits), other);
                assertEquals(
                        rest.getFirst(), bits.getFirst(), "the first step sees what was saved");
            }
        }
    }

    private void assertRefused(Way way, String expected) {
        ConfigException refused = assertThrows(ConfigException.class, () -> engine(way).close());
        assertTrue(refused.getMessage().contains(expected), refused::getMessage);
    }

    @Test
    void whatMakesNoSenseIsRefused() {
        Way way = way("AdamW", "fp32", "int8_block");
        assertRefused(
                way.encodedBy("int8_blok"),
                "No state codec is named 'int8_blok'; this runtime has [fp32, bf16, int8_block]. Did you mean 'int8_block'?");
        assertRefused(
                way.on(1, "none", 1),
                "'state_codec' is 'int8_block', but the optimizer's state is not offloaded. Set zero_optimization.offload_optimizer.device to \"cpu\" or \"nvme\", or remove it.");
        assertRefused(
                way("AdamW", NARROW, "int8_block"),
                "'state_codec' is 'int8_block', but bf16.bf16_optimizer_states keeps the slots in 16 bits already. Remove one of the two.");
    }

    @Test
    void thePlanSaysWhatAStepMovesAndThatBitsDependOnTheCodec() {
        try (Engine engine = engine(way("AdamW", "bf16", "int8_block").on(1, "nvme", 1))) {
            String plan = engine.plan().toString();
            assertTrue(
                    plan.contains(
                            "\nstate codec  int8_block; masters and slots moved/step: fp32 "));
            assertTrue(
                    plan.contains(
                            "no (because state_codec 'int8_block' rounds the optimizer's state where it rests)"),
                    plan);
            var bytes = engine.plan().statePerStep();
            long all = bytes.get("fp32") / 2 / 12; // masters and two slots, read and written
            assertEquals(all * 2 * (4 + 2 * 2), bytes.get("bf16"));
            assertEquals(all / 1024 * 2 * (4096 + 2 * 1040), bytes.get("int8_block"));
            MemoryEstimate memory = engine.plan().memory();
            assertEquals(
                    bytes.get("int8_block"),
                    memory.nvmeReadPerStep() + memory.nvmeWrittenPerStep());
        }
    }
}
