package ds.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ds.config.DsConfig;
import ds.core.MemoryKind;
import ds.engine.DeepSpeed;
import ds.engine.Engine;
import ds.model.Batch;
import ds.model.Field;
import ds.model.builtin.Gpt;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * What 16 bits are for: at the same shape activations take at most 0.55 of the bytes of fp32 (logits
 * and statistics stay fp32), parameters, gathered units and buckets half; counted by the allocator.
 */
class SixteenBitMemoryTest {
    private static final int RANKS = 2;
    private static final int SAMPLES = 4;
    private static final int TOKENS = 128;
    private static final double ACTIVATIONS = 0.55;

    private record Bytes(long activations, Map<MemoryKind, Long> kinds) {
        static Bytes of(String precision) {
            DsConfig config =
                    DsConfig.parse(
                            """
                            {"train_batch_size": %d, "gradient_accumulation_steps": 1,
                             "optimizer": {"type": "AdamW", "params": {"lr": 0.001}},
                             "zero_optimization":
                                 {"stage": 3, "stage3_param_persistence_threshold": 0}%s}
                            """
                                    .formatted(RANKS * SAMPLES, precision));
            Gpt model = Gpt.of(g -> g.tied(false));
            try (Engine engine =
                    DeepSpeed.initialize(model, config, o -> o.ranks(RANKS).workers(1))) {
                engine.trainStep(batch());
                engine.trainStep(batch());
                return new Bytes(engine.activationBytes(), engine.usage(0).bytes());
            }
        }

        private static Batch batch() {
            return new Batch(0, RANKS * SAMPLES, tokens(), tokens());
        }

        private static Field tokens() {
            return new Field(
                    Field.Type.INT32,
                    List.of(TOKENS),
                    MemorySegment.ofArray(new int[RANKS * SAMPLES * TOKENS]));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"bf16", "fp16"})
    void halvesWhatPassesKeep(String type) {
        Bytes wide = Bytes.of("");
        Bytes narrow = Bytes.of(", \"%s\": {\"enabled\": true}".formatted(type));
        double activations = (double) narrow.activations() / wide.activations();
        assertTrue(activations <= ACTIVATIONS, "activations take " + activations);
        for (MemoryKind kind :
                List.of(MemoryKind.PARAMETERS, MemoryKind.LIVE_UNITS, MemoryKind.BUCKETS)) {
            assertEquals(wide.kinds().get(kind), 2 * narrow.kinds().get(kind), kind.name());
            assertTrue(narrow.kinds().get(kind) > 0, kind.name());
        }
        assertEquals(0, wide.kinds().get(MemoryKind.MASTERS));
        assertEquals(
                4 * narrow.kinds().get(MemoryKind.PARAMETERS) / 2,
                narrow.kinds().get(MemoryKind.MASTERS));
    }
}
