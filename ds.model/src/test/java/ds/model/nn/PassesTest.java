package ds.model.nn;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ds.core.DType;
import ds.core.FlatBuffer;
import ds.model.Activations;
import ds.model.Batch;
import ds.model.Field;
import ds.model.Init;
import ds.model.Mode;
import ds.model.Parameter;
import ds.model.SoloContext;
import ds.model.TrainableModel;
import ds.model.builtin.Gpt;
import ds.model.builtin.GptOptions;
import ds.model.builtin.Mlp;
import java.lang.foreign.MemorySegment;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What a forward and a backward pass ask of their context, and what they leave behind. */
class PassesTest {
    private static final int TOKENS = 16;
    private static final int SAMPLES = 3;
    private static final long SEED = 11;

    private static Gpt gpt(UnaryOperator<GptOptions> more) {
        return Gpt.of(
                g -> more.apply(g.layers(3).width(32).heads(2).context(TOKENS).vocabulary(40)));
    }

    private static Batch tokens(long firstSample) {
        Random random = new Random(firstSample);
        int[] in = random.ints(SAMPLES * TOKENS, 0, 40).toArray();
        int[] out = random.ints(SAMPLES * TOKENS, 0, 40).toArray();
        return new Batch(firstSample, SAMPLES, ints(in), ints(out));
    }

    private static Field ints(int... values) {
        return new Field(
                Field.Type.INT32, List.of(values.length / SAMPLES), MemorySegment.ofArray(values));
    }

    private static Field floats(int width) {
        Random random = new Random(width);
        float[] values = new float[SAMPLES * width];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) random.nextGaussian();
        }
        return new Field(Field.Type.FLOAT32, List.of(width), MemorySegment.ofArray(values));
    }

    private record Learned(double loss, Map<String, float[]> gradients, long peakBytes) {}

    private static Learned learn(TrainableModel model, DType type, Batch... batches) {
        try (var context = new SoloContext(model, type, SEED)) {
            double loss = 0;
            for (Batch batch : batches) {
                loss += context.learn(model, batch, 1);
            }
            Map<String, float[]> gradients = new HashMap<>();
            for (String name : context.masters().keySet()) {
                FlatBuffer gradient = context.gradientOf(name);
                gradients.put(name, gradient == null ? new float[0] : gradient.toFloats());
            }
            return new Learned(loss, gradients, context.workspace().highWaterBytes());
        }
    }

    private static void assertSameBits(Learned expected, Learned actual) {
        assertEquals(expected.loss(), actual.loss(), 0);
        expected.gradients()
                .forEach((name, g) -> assertArrayEquals(g, actual.gradients().get(name), 0, name));
    }

    @ParameterizedTest
    @EnumSource(DType.class)
    void checkpointingChangesNoBitAndNeedsLessMemory(DType type) {
        Batch[] batches = {tokens(0), tokens(SAMPLES)};
        Learned plain = learn(gpt(g -> g.dropout(0.2)), type, batches);
        Learned again = learn(gpt(g -> g.dropout(0.2).checkpointing(true)), type, batches);
        assertSameBits(plain, again);
        assertTrue(
                again.peakBytes() < 0.6 * plain.peakBytes(),
                again.peakBytes() + " of " + plain.peakBytes());
        Learned other = learn(gpt(g -> g.dropout(0.3)), type, batches);
        assertFalse(other.loss() == plain.loss(), "dropout has no effect");
    }

    static Stream<Arguments> shapes() {
        return Stream.of(DType.FP32, DType.BF16)
                .flatMap(
                        type ->
                                Stream.<UnaryOperator<GptOptions>>of(
                                                g -> g,
                                                g -> g.layers(8),
                                                g -> g.width(256).heads(4),
                                                g -> g.vocabulary(1000),
                                                g -> g.dropout(0.1),
                                                g -> g.checkpointing(true),
                                                g -> g.checkpointing(true).layers(9).dropout(0.1))
                                        .map(options -> Arguments.of(type, options)));
    }

    /** What is alive at once is the least that any plan can do with. */
    @ParameterizedTest
    @MethodSource("shapes")
    void memoryIsThatOfWhatIsAlive(DType type, UnaryOperator<GptOptions> options) {
        Gpt model = gpt(options);
        try (var context = new SoloContext(model, type, SEED)) {
            context.learn(model, tokens(0), 1);
            context.learn(model, tokens(0), 1);
            long alive = context.keep(Tapes.class, Tapes::new).free(model).mostLiveBytes();
            long used = context.workspace().highWaterBytes();
            assertTrue(used >= alive, used + " for " + alive);
            assertTrue(used <= 1.1 * alive, used + " for " + alive);
        }
    }

    @Test
    void sixteenBitsNeedHalfTheMemory() {
        Learned wide = learn(gpt(g -> g), DType.FP32, tokens(0));
        Learned half = learn(gpt(g -> g), DType.BF16, tokens(0));
        assertTrue(
                half.peakBytes() <= 0.55 * wide.peakBytes(),
                half.peakBytes() + " of " + wide.peakBytes());
        assertEquals(wide.loss(), half.loss(), 1e-2 * wide.loss());
    }

    @Test
    void attentionMatters() {
        Learned with = learn(gpt(g -> g), DType.FP32, tokens(0));
        Learned without = learn(gpt(g -> g.attention(false)), DType.FP32, tokens(0));
        assertFalse(with.loss() == without.loss());
        for (float value : without.gradients().get("blocks.1.wqkv")) {
            assertEquals(0f, value, 0);
        }
    }

    @Test
    void nothingGrowsAfterTheFirstStep() {
        Gpt model = gpt(g -> g.checkpointing(true).dropout(0.1));
        try (var context = new SoloContext(model, DType.BF16, 1)) {
            context.learn(model, tokens(0), 1);
            long allocations = context.memory().allocationCount();
            long peak = context.workspace().highWaterBytes();
            Tape tape = context.keep(Tapes.class, Tapes::new).free(model);
            int objects = tape.keptObjects();
            for (int step = 1; step < 4; step++) {
                context.learn(model, tokens(step * SAMPLES), 1);
                context.mode(Mode.EVAL);
                model.forward(tokens(100), context).close();
                context.mode(Mode.TRAIN);
            }
            assertEquals(allocations, context.memory().allocationCount());
            assertEquals(peak, context.workspace().highWaterBytes());
            assertEquals(objects, tape.keptObjects());
        }
    }

    @Test
    void evaluationKeepsNothingAndAsksForNoGradient() {
        Gpt model = gpt(g -> g.layers(8).dropout(0.5));
        try (var context = new SoloContext(model, DType.FP32, SEED)) {
            context.mode(Mode.EVAL);
            Activations first = model.forward(tokens(0), context);
            assertEquals(SAMPLES * TOKENS * 40L, first.outputs().get("logits").lengthElements());
            double loss = first.loss();
            assertThrows(IllegalStateException.class, () -> model.backward(first, 1, context));
            first.close();
            assertEquals(loss, learn(gpt(g -> g.layers(8)), DType.FP32, tokens(0)).loss(), 0);
            assertTrue(context.log.stream().noneMatch(line -> line.startsWith("complete")));
            long evaluated = context.workspace().highWaterBytes();
            context.mode(Mode.TRAIN);
            context.learn(model, tokens(0), 1);
            assertTrue(4 * evaluated < context.workspace().highWaterBytes());
        }
    }

    @Test
    void unitsAreOpenWhileTheyRunAndCompletedInReverse() {
        Gpt model = gpt(g -> g.layers(2));
        try (var context = new SoloContext(model, DType.FP32, 1)) {
            try (Activations activations = model.forward(tokens(0), context)) {
                assertEquals(
                        List.of(
                                "acquire embed",
                                "close embed",
                                "acquire blocks.0",
                                "close blocks.0",
                                "acquire blocks.1",
                                "close blocks.1",
                                "acquire final",
                                "acquire embed",
                                "close embed",
                                "close final"),
                        context.log);
                context.log.clear();
                model.backward(activations, 1, context);
                assertEquals(
                        List.of(
                                "acquire embed",
                                "close embed",
                                "acquire final",
                                "close final",
                                "complete final",
                                "acquire blocks.1",
                                "close blocks.1",
                                "complete blocks.1",
                                "acquire blocks.0",
                                "close blocks.0",
                                "complete blocks.0",
                                "complete embed"),
                        context.log);
            }
        }
    }

    /** Two layers that share one weight by a tie key, a frozen one, and one that is never used. */
    private static final class Odd extends Network {
        private final Row first = add(new Row("first", false, "shared"));
        private final Row frozen = add(new Row("frozen", true, ""));
        private final Row second = add(new Row("second", false, "shared"));
        private final Row idle = add(new Row("idle", false, ""));
        private final boolean twice;

        Odd(boolean twice) {
            this.twice = twice;
        }

        @Override
        protected Tensor forward(Tape t, Batch batch) {
            Tensor h = t.tanh(first.apply(t, t.input(batch.input())));
            h = second.apply(t, t.tanh(frozen.apply(t, h)));
            if (twice) {
                h = t.add(h, first.apply(t, h));
            }
            assertTrue(idle.name().equals("idle"));
            return t.meanSquaredError(h, batch.target());
        }
    }

    private static final class Row extends Layer {
        private final Parameter weight;

        Row(String name, boolean frozen, String tie) {
            super(name);
            Parameter plain = Parameter.of(path("w"), new Init.Uniform(0.5f), 6, 6);
            plain = frozen ? plain.frozen() : plain;
            weight = parameter(tie.isEmpty() ? plain : plain.tied(tie));
        }

        @Override
        protected Tensor forward(Tape tape, Tensor x) {
            return tape.linear(x, weight);
        }
    }

    @Test
    void everyUnitIsCompletedOnceAfterItsLastUse() {
        Batch batch = new Batch(0, SAMPLES, floats(6), floats(6));
        for (boolean twice : new boolean[] {false, true}) {
            Odd model = new Odd(twice);
            try (var context = new SoloContext(model, DType.FP32, 1)) {
                context.learn(model, batch, 1);
                assertEquals(
                        List.of(
                                "complete second",
                                "complete frozen",
                                "complete first",
                                "complete idle"),
                        context.log.stream().filter(l -> l.startsWith("complete")).toList());
                assertTrue(context.gradientOf("first.w").toFloats()[0] != 0);
                assertEquals(null, context.gradientOf("frozen.w"));
                assertArrayEquals(new float[36], context.gradientOf("idle.w").toFloats());
            }
        }
    }

    @Test
    void tiedByKeyOrByOneParameterIsTheSame() {
        /** One parameter in both places instead of two with a key. */
        final class Direct extends Network {
            private final Row first = add(new Row("first", false, ""));
            private final Row frozen = add(new Row("frozen", true, ""));

            @Override
            protected Tensor forward(Tape t, Batch batch) {
                Tensor h = t.tanh(first.apply(t, t.input(batch.input())));
                return t.meanSquaredError(
                        first.apply(t, t.tanh(frozen.apply(t, h))), batch.target());
            }
        }
        Batch batch = new Batch(0, SAMPLES, floats(6), floats(6));
        Learned byKey = learn(new Odd(false), DType.BF16, batch);
        Learned direct = learn(new Direct(), DType.BF16, batch);
        assertEquals(byKey.loss(), direct.loss(), 0);
        assertArrayEquals(byKey.gradients().get("first.w"), direct.gradients().get("first.w"), 0);
    }

    @Test
    void backwardRunsOnceAndOnItsOwnActivations() {
        Mlp model = Mlp.of(6, 5, 6);
        Batch batch = new Batch(0, SAMPLES, floats(6), floats(6));
        try (var context = new SoloContext(model, DType.FP32, 1)) {
            Activations activations = model.forward(batch, context);
            model.backward(activations, 1, context);
            assertThrows(
                    IllegalStateException.class, () -> model.backward(activations, 1, context));
            activations.close();
            Mlp other = Mlp.of(6, 5, 6);
            try (Activations foreign = other.forward(batch, context)) {
                assertThrows(
                        IllegalArgumentException.class, () -> model.backward(foreign, 1, context));
            }
        }
    }

    @Test
    void twoPassesMayBeOpenAtOnce() {
        Mlp model = Mlp.of(6, 5, 6);
        Batch batch = new Batch(0, SAMPLES, floats(6), floats(6));
        try (var context = new SoloContext(model, DType.FP32, 1)) {
            context.learn(model, batch, 1);
            float[] alone = context.gradientOf("W1").toFloats();
            context.clearGradients();
            try (Activations outer = model.forward(batch, context)) {
                context.mode(Mode.EVAL);
                try (Activations inner = model.forward(batch, context)) {
                    assertEquals(outer.loss(), inner.loss(), 0);
                }
                context.mode(Mode.TRAIN);
                model.backward(outer, 1, context);
            }
            assertArrayEquals(alone, context.gradientOf("W1").toFloats(), 0);
        }
    }

    @Test
    void mlpLearnsLabels() {
        Mlp model = Mlp.of(6, 8, 4);
        Batch batch = new Batch(0, SAMPLES, floats(6), ints(3, 0, 2));
        Learned learned = learn(model, DType.FP32, batch);
        assertEquals(Math.log(4), learned.loss(), 0.5);
        assertTrue(learned.gradients().get("b2")[3] < 0, "towards the label of the first sample");
    }

    @Test
    void mistakesInShapesNameBothSidesAndLeaveTheContextClean() {
        Mlp model = Mlp.of(7, 4);
        try (var context = new SoloContext(model, DType.FP32, 1)) {
            IllegalArgumentException thrown =
                    assertThrows(
                            IllegalArgumentException.class,
                            () ->
                                    model.forward(
                                            new Batch(0, SAMPLES, floats(7), floats(5)), context));
            assertEquals(
                    "meanSquaredError: an output of shape [3, 4] needs 12 targets of type FLOAT32, was given 15 of type FLOAT32.",
                    thrown.getMessage());
            assertEquals(new ds.model.Workspace.Mark(0, 0, 0), context.workspace().mark());
            context.learn(model, new Batch(0, SAMPLES, floats(7), floats(4)), 1);
        }
        Odd odd = new Odd(false);
        try (var context = new SoloContext(odd, DType.FP32, 1)) {
            IllegalArgumentException thrown =
                    assertThrows(
                            IllegalArgumentException.class,
                            () ->
                                    odd.forward(
                                            new Batch(0, SAMPLES, floats(5), floats(6)), context));
            assertEquals(
                    "linear: an input of shape [3, 5] does not fit 'first.w' [6, 6]; its width must be the weight's second size.",
                    thrown.getMessage());
        }
    }

    @Test
    void aPartThatWasNotAddedIsNamed() {
        final class Forgetful extends Network {
            private final Linear layer = new Linear("lost", 6, 6);

            @Override
            protected Tensor forward(Tape t, Batch batch) {
                return t.meanSquaredError(layer.apply(t, t.input(batch.input())), batch.target());
            }
        }
        Forgetful model = new Forgetful();
        try (var context = new SoloContext(model, DType.FP32, 1)) {
            IllegalArgumentException thrown =
                    assertThrows(
                            IllegalArgumentException.class,
                            () ->
                                    model.forward(
                                            new Batch(0, SAMPLES, floats(6), floats(6)), context));
            assertEquals(
                    "Parameter 'lost.weight' is not part of this network; declare its part with add(...).",
                    thrown.getMessage());
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void productsAreCountedOnceWhetherOrNotTheyAreComputedAgain(boolean checkpointing) {
        Gpt model = gpt(g -> g.checkpointing(checkpointing));
        long tokens = SAMPLES * TOKENS;
        long weights = 3 * 12 * 32 * 32 + 40 * 32; // of three blocks and the head, per token
        long attention = 3 * TOKENS * 32; // scores and values, half of them masked
        try (var context = new SoloContext(model, DType.FP32, SEED);
                Activations made = model.forward(tokens(1), context)) {
            assertEquals(2 * tokens * (weights + attention), made.productOperations());
            model.backward(made, 1, context);
            assertEquals(2 * tokens * (weights + attention), made.productOperations());
        }
    }
}
