package ds.it;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ds.config.DsConfig;
import ds.engine.DeepSpeed;
import ds.engine.Engine;
import ds.engine.StepReport;
import ds.engine.TrainingException;
import ds.model.Batch;
import ds.model.Field;
import ds.model.builtin.Mlp;
import java.lang.foreign.MemorySegment;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * fp16 gradients that overflow on one of two ranks: both skip the step, which leaves everything but
 * the loss scale, the count of steps and the place in the data as it was.
 */
class OverflowTest {
    private static final int RANKS = 2;
    private static final int SAMPLES = 4;
    private static final int INPUTS = 3;
    private static final int OUTPUTS = 2;

    private static Engine engine(int stage, String fp16) {
        DsConfig config =
                DsConfig.parse(
                        """
                        {"train_batch_size": %d, "gradient_accumulation_steps": 1,
                         "optimizer": {"type": "AdamW", "params": {"lr": 0.01}},
                         "scheduler": {"type": "WarmupLR",
                             "params": {"warmup_num_steps": 10, "warmup_max_lr": 0.01}},
                         "zero_optimization": {"stage": %d},
                         "fp16": {"enabled": true, %s}}
                        """
                                .formatted(RANKS * SAMPLES, stage, fp16));
        return DeepSpeed.initialize(
                Mlp.of(INPUTS, 5, OUTPUTS), config, o -> o.ranks(RANKS).workers(1).seed(3));
    }

    /** Returns a batch of which only the samples of the last rank have targets of {@code size}. */
    private static Batch batch(int seed, float size) {
        int samples = RANKS * SAMPLES;
        float[] input = new float[samples * INPUTS];
        for (int i = 0; i < input.length; i++) {
            input[i] = (float) Math.sin(seed + i);
        }
        float[] target = new float[samples * OUTPUTS];
        for (int i = 0; i < target.length; i++) {
            target[i] = (i < target.length / 2 ? 1 : size) * (float) Math.cos(seed + i);
        }
        return new Batch(0, samples, field(INPUTS, input), field(OUTPUTS, target));
    }

    private static Field field(int width, float... values) {
        return new Field(Field.Type.FLOAT32, List.of(width), MemorySegment.ofArray(values));
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2, 3})
    void leavesEverythingAsItWas(int stage) {
        try (Engine skipping = engine(stage, "\"initial_scale_power\": 4, \"hysteresis\": 1");
                Engine direct = engine(stage, "\"loss_scale\": 8")) {
            String before = skipping.parameterHash();
            StepReport skipped = skipping.trainStep(batch(1, 1e6f));
            assertTrue(skipped.skipped());
            assertEquals(16, skipped.lossScale());
            assertEquals(RANKS * SAMPLES, skipped.samplesSeen());
            assertEquals(before, skipping.parameterHash());
            assertArrayEquals(new float[5 * INPUTS], skipping.tensor("W1", "exp_avg"));

            // The schedule and the optimizer's own count begin where they would have begun.
            StepReport after = skipping.trainStep(batch(2, 1));
            StepReport first = direct.trainStep(batch(2, 1));
            assertFalse(after.skipped());
            assertEquals(2, after.step());
            assertEquals(2 * RANKS * SAMPLES, after.samplesSeen());
            assertEquals(skipped.lr(), after.lr());
            assertEquals(first.lr(), after.lr());
            assertEquals(first.lossScale(), after.lossScale());
            assertEquals(first.gradNorm(), after.gradNorm());
            assertEquals(direct.parameterHash(), skipping.parameterHash());
            assertArrayEquals(
                    direct.tensor("W1", "exp_avg_sq"), skipping.tensor("W1", "exp_avg_sq"));
            assertEquals(direct.trainStep(batch(3, 1)).lr(), skipping.trainStep(batch(3, 1)).lr());
            assertEquals(direct.parameterHash(), skipping.parameterHash());
        }
    }

    @Test
    void atTheSmallestScaleIsAnErrorThatNamesTheTensor() {
        try (Engine engine = engine(2, "\"initial_scale_power\": 1, \"hysteresis\": 1")) {
            assertTrue(engine.trainStep(batch(1, 1e6f)).skipped());
            assertEquals(
                    "Step 2: the gradient of parameter 'b2' of unit 'layer2' is not finite and the loss scale is at its minimum of 1.0. Lower the learning rate, look at the data, or train in bf16.",
                    assertThrows(TrainingException.class, () -> engine.trainStep(batch(1, 1e6f)))
                            .getMessage());
        }
    }
}
