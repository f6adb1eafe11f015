package ds.it;

import static org.junit.jupiter.api.Assertions.assertTrue;

import ds.config.DsConfig;
import ds.engine.DeepSpeed;
import ds.engine.Engine;
import ds.engine.StepReport;
import ds.engine.data.ByteBigram;
import ds.engine.data.Split;
import ds.engine.data.TextDataset;
import ds.model.builtin.Gpt;
import java.util.Random;
import org.junit.jupiter.api.Test;

/**
 * What lies further back than one byte is learned through attention or not at all. In this text a
 * byte follows from the one before the last, so that a bigram model learns nothing but frequencies.
 */
class AttentionTest {
    private static final int CONTEXT = 16;
    private static final int LETTERS = 6;
    private static final double NOISE = 0.1;
    private static final int BYTES = 40_000;
    private static final int STEPS = 240;
    private static final double CLEARLY = 0.15;

    @Test
    void onlyWithAttentionDoesTheModelBeatTheBigram() {
        Split text = text();
        double bigram =
                new ByteBigram((TextDataset) text.train()).loss((TextDataset) text.validation());
        double with = train(text, true);
        double without = train(text, false);
        String losses = "bigram %s, gpt %s, without attention %s".formatted(bigram, with, without);
        assertTrue(with < bigram - CLEARLY, losses);
        assertTrue(without > bigram - CLEARLY / 5, losses);
        assertTrue(without < bigram + CLEARLY, "it did learn what a bigram can: " + losses);
    }

    private static Split text() {
        Random random = new Random(3);
        byte[] bytes = new byte[BYTES];
        for (int i = 0; i < BYTES; i++) {
            int letter =
                    i < 2 || random.nextDouble() < NOISE
                            ? random.nextInt(LETTERS)
                            : (bytes[i - 2] - 'a' + 1) % LETTERS;
            bytes[i] = (byte) ('a' + letter);
        }
        return TextDataset.of("second order", bytes, CONTEXT).split(0.95);
    }

    private static double train(Split text, boolean attention) {
        DsConfig config =
                DsConfig.parse(
                        """
                        {"train_batch_size": 16,
                         "optimizer": {"type": "AdamW", "params": {"lr": 1e-2, "betas": [0.9, 0.95]}},
                         "scheduler": {"type": "WarmupDecayLR", "params":
                             {"total_num_steps": %d, "warmup_num_steps": 10, "warmup_max_lr": 1e-2}}}
                        """
                                .formatted(STEPS));
        Gpt model =
                Gpt.of(g -> g.layers(1).width(32).heads(2).context(CONTEXT).attention(attention));
        try (Engine engine =
                DeepSpeed.initialize(model, config, o -> o.trainingData(text.train()).seed(5))) {
            for (StepReport report : engine.steps(STEPS)) {
                assertTrue(Double.isFinite(report.loss()), () -> "step " + report.step());
            }
            return engine.evaluate(text.validation()).loss();
        }
    }
}
