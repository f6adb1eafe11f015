package ds.model.nn;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ds.core.DType;
import ds.core.FlatBuffer;
import ds.kernels.Kernels;
import ds.model.Activations;
import ds.model.Batch;
import ds.model.Continuation;
import ds.model.Field;
import ds.model.Init;
import ds.model.Mode;
import ds.model.Parameter;
import ds.model.SoloContext;
import ds.model.builtin.Gpt;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A sequence that grows token by token has the logits of passes over the whole of it, bit by bit. */
class ContinuationTest {
    private static final int TOKENS = 40;
    private static final int VOCABULARY = 50;
    private static final int WIDTH = 48;

    private static Gpt gpt() {
        return Gpt.of(
                g -> g.layers(2).width(WIDTH).heads(3).context(TOKENS).vocabulary(VOCABULARY));
    }

    private static Batch tokens(int from, int count) {
        int[] ids = new Random(5).ints(TOKENS, 0, VOCABULARY).toArray();
        int[] targets = new int[count];
        Arrays.fill(targets, Kernels.IGNORED_TARGET);
        return new Batch(0, 1, ints(Arrays.copyOfRange(ids, from, from + count)), ints(targets));
    }

    private static Field ints(int... values) {
        return new Field(Field.Type.INT32, List.of(values.length), MemorySegment.ofArray(values));
    }

    private static float[] logits(Activations made) {
        try (made) {
            FlatBuffer logits = made.outputs().get("logits");
            return logits == null ? new float[0] : logits.toFloats();
        }
    }

    private static void check(Network model, SoloContext context, int... counts) {
        context.mode(Mode.EVAL);
        float[] whole = logits(model.forward(tokens(0, TOKENS), context));
        int width = whole.length / TOKENS;
        try (Continuation sequence =
                model.continuation(TOKENS, tokens(0, 3), context).orElseThrow()) {
            for (int round = 0; round < 2; round++) {
                for (int i = 0; sequence.tokens() < TOKENS; i++) {
                    int from = sequence.tokens();
                    int count = Math.min(counts[i % counts.length], TOKENS - from);
                    assertArrayEquals(
                            Arrays.copyOfRange(whole, from * width, (from + count) * width),
                            logits(sequence.forward(tokens(from, count), context)),
                            "tokens from " + from);
                }
                sequence.restart();
            }
        }
    }

    @ParameterizedTest
    @EnumSource(DType.class)
    void hasTheBitsOfWholePasses(DType type) {
        Gpt model = gpt();
        try (var context = new SoloContext(model, type, 3)) {
            check(model, context, 1);
            check(model, context, 17, 1, 1, 4);
        }
    }

    @Test
    void hasThemWhereProductsAreCast() {
        Gpt model = gpt();
        try (var context = new SoloContext(model, DType.FP32, 3).products(DType.BF16)) {
            check(model, context, 9, 1);
        }
    }

    @Test
    void placesRotatedTokens() {
        Network model = new Rotated(false);
        try (var context = new SoloContext(model, DType.FP32, 3)) {
            check(model, context, 5, 1, 1);
        }
    }

    @Test
    void takesItsMemoryOnceAndGivesItBack() {
        Gpt model = gpt();
        try (var context = new SoloContext(model, DType.BF16, 3)) {
            context.mode(Mode.EVAL);
            var before = context.workspace().mark();
            Continuation sequence = model.continuation(TOKENS, tokens(0, 3), context).orElseThrow();
            var taken = context.workspace().mark();
            logits(sequence.forward(tokens(0, 1), context));
            assertEquals(taken, context.workspace().mark());
            // Keys of three heads of 16 columns for 48 tokens, values for 40, in two layers.
            assertEquals(2 * 2 * 3 * 16 * (48 + 40), taken.offsetBytes() - before.offsetBytes());
            sequence.close();
            assertEquals(before, context.workspace().mark());
            assertThrows(
                    IllegalArgumentException.class, () -> sequence.forward(tokens(0, 1), context));
        }
    }

    @Test
    void refusesMoreThanItHasRoomFor() {
        Gpt model = gpt();
        try (var context = new SoloContext(model, DType.FP32, 3)) {
            context.mode(Mode.EVAL);
            try (Continuation sequence =
                    model.continuation(4, tokens(0, 3), context).orElseThrow()) {
                logits(sequence.forward(tokens(0, 3), context));
                assertEquals(
                        "1 samples of 2 tokens cannot go on with one sequence of 3 tokens, the most is 4.",
                        assertThrows(
                                        IllegalArgumentException.class,
                                        () -> sequence.forward(tokens(3, 2), context))
                                .getMessage());
                assertEquals(3, sequence.tokens());
            }
        }
    }

    @Test
    void isNotThereWhereRowsAreMixed() {
        Network model = new Rotated(true);
        try (var context = new SoloContext(model, DType.FP32, 3)) {
            context.mode(Mode.EVAL);
            assertTrue(model.continuation(TOKENS, tokens(0, 3), context).isEmpty());
        }
    }

    /** Rotated positions, and perhaps a look at other rows that no cache knows. */
    private static final class Rotated extends Network {
        private final boolean mixing;
        private final Parameter table =
                parameter(Parameter.of("table", new Init.Normal(1), VOCABULARY, WIDTH));
        private final Parameter wide =
                parameter(Parameter.of("wide", new Init.Normal(0.3f), 3 * WIDTH, WIDTH));
        private final Parameter head =
                parameter(Parameter.of("head", new Init.Normal(0.3f), VOCABULARY, WIDTH));

        Rotated(boolean mixing) {
            this.mixing = mixing;
        }

        @Override
        protected Tensor forward(Tape t, Batch batch) {
            Tensor x = t.embedding(batch.input(), table);
            Tensor mixed = t.causalAttention(t.rope(t.linear(x, wide), 4, 100), 4);
            if (mixing) {
                mixed = t.reshape(t.transpose(t.transpose(mixed)), 1, x.rows(), WIDTH);
            }
            Tensor logits = t.output("logits", t.logits(t.add(x, mixed), head));
            return t.softmaxCrossEntropy(logits, batch.target());
        }
    }
}
