package ds.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ds.config.DsConfig;
import ds.engine.DeepSpeed;
import ds.engine.Engine;
import ds.engine.Generation;
import ds.engine.data.TextDataset;
import ds.model.Activations;
import ds.model.BackwardContext;
import ds.model.Batch;
import ds.model.ForwardContext;
import ds.model.ModelLayout;
import ds.model.TrainableModel;
import ds.model.builtin.Gpt;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What a model writes does not depend on keys and values being kept, nor on how it is divided. */
class GenerationTest {
    private static final int CONTEXT = 24;
    private static final int TOKENS = 70;
    private static final String PROMPT = "Once";

    private record Cell(int stage, int world, String precision) {
        String json() {
            return """
                    {"train_batch_size": 4, "train_micro_batch_size_per_gpu": 2,
                     "optimizer": {"type": "AdamW", "params": {"lr": 0.02}},
                     "zero_optimization": {"stage": %d, "stage3_param_persistence_threshold": 0}%s}
                    """
                    .formatted(
                            stage,
                            precision.equals("fp32")
                                    ? ""
                                    : ", \"%s\": {\"enabled\": true}".formatted(precision));
        }
    }

    static Stream<Cell> cells() {
        List<Cell> cells = new ArrayList<>();
        for (String precision : List.of("fp32", "bf16", "fp16")) {
            for (int stage = 0; stage <= 3; stage++) {
                for (int world = 1; world <= 2; world++) {
                    cells.add(new Cell(stage, world, precision));
                }
            }
        }
        return cells.stream();
    }

    private static TextDataset data() {
        byte[] text = new byte[2_000];
        new Random(1).nextBytes(text);
        for (int i = 0; i < text.length; i++) {
            text[i] = (byte) ('a' + (text[i] & 15));
        }
        return TextDataset.of("letters", text, CONTEXT);
    }

    private static Gpt gpt() {
        return Gpt.of(g -> g.layers(2).width(32).heads(2).context(CONTEXT));
    }

    private static Engine engine(TrainableModel model, Cell cell) {
        return DeepSpeed.initialize(
                model,
                DsConfig.parse(cell.json()),
                o -> o.trainingData(data()).ranks(cell.world()).workers(1).seed(3));
    }

    private static Generation write(Engine engine, boolean cached) {
        return engine.generation(PROMPT, g -> g.tokens(TOKENS).temperature(0.9).cache(cached));
    }

    @ParameterizedTest
    @MethodSource("cells")
    void theTextIsTheSameWithKeysAndValuesKept(Cell cell) {
        String expected;
        Cell plain = new Cell(0, 1, cell.precision());
        try (Engine engine = engine(gpt(), plain)) {
            engine.steps(2).forEach(_ -> {});
            expected = write(engine, false).text();
        }
        try (Engine engine = engine(gpt(), cell)) {
            engine.steps(2).forEach(_ -> {});
            Generation kept = write(engine, true);
            assertEquals(expected, kept.text());
            assertTrue(kept.cached());
        }
    }

    @Test
    void aVocabularyLargerThanTheBytesWritesText() {
        Gpt model = Gpt.of(g -> g.layers(2).width(32).heads(2).context(CONTEXT).vocabulary(300));
        try (Engine engine = engine(model, new Cell(0, 1, "fp32"))) {
            engine.steps(2).forEach(_ -> {});
            assertEquals(write(engine, false).text(), write(engine, true).text());
        }
    }

    @Test
    void theWindowMovesByAQuarterWhenItIsFull() {
        try (Engine engine = engine(gpt(), new Cell(0, 1, "fp32"))) {
            // Full after 24 - 4 tokens; from then on it moves once in 6 tokens.
            assertEquals(1, passes(engine, 21));
            assertEquals(2, passes(engine, 22));
            assertEquals(2, passes(engine, 27));
            assertEquals(3, passes(engine, 28));
            Generation whole = engine.generation(PROMPT, g -> g.tokens(28).cache(false));
            assertEquals(28, whole.passes());
            assertFalse(whole.cached());
        }
    }

    private static int passes(Engine engine, int tokens) {
        return engine.generation(PROMPT, g -> g.tokens(tokens)).passes();
    }

    @Test
    void aLongPromptCountsByItsEnd() {
        try (Engine engine = engine(gpt(), new Cell(0, 1, "fp32"))) {
            String end = "abcdefghijklmnopqrstuvwx"; // 24 letters
            String after = engine.generate(end, g -> g.tokens(20)).substring(CONTEXT);
            assertEquals(end + end + after, engine.generate(end + end, g -> g.tokens(20)));
        }
    }

    @Test
    void theCacheIsAllocatedOnce() {
        try (Engine engine = engine(gpt(), new Cell(3, 2, "bf16"))) {
            engine.trainStep();
            write(engine, true);
            long allocations = engine.allocationCount();
            write(engine, true);
            assertEquals(allocations, engine.allocationCount());
        }
    }

    @Test
    void writingBetweenStepsChangesNothing() {
        String expected;
        Cell cell = new Cell(3, 2, "fp16");
        try (Engine engine = engine(gpt(), cell)) {
            engine.steps(4).forEach(_ -> {});
            expected = engine.parameterHash();
        }
        try (Engine engine = engine(gpt(), cell)) {
            engine.steps(2).forEach(_ -> write(engine, true));
            engine.steps(2).forEach(_ -> write(engine, false));
            assertEquals(expected, engine.parameterHash());
        }
    }

    /** A model that cannot go on with a sequence. */
    private record Whole(Gpt inner) implements TrainableModel {
        @Override
        public ModelLayout layout() {
            return inner.layout();
        }

        @Override
        public Activations forward(Batch batch, ForwardContext context) {
            return inner.forward(batch, context);
        }

        @Override
        public void backward(Activations activations, float seed, BackwardContext context) {
            inner.backward(activations, seed, context);
        }
    }

    @Test
    void aModelThatKeepsNothingWritesTheSame() {
        try (Engine engine = engine(gpt(), new Cell(0, 1, "fp32"));
                Engine other = engine(new Whole(gpt()), new Cell(0, 1, "fp32"))) {
            Generation text = write(other, true);
            assertFalse(text.cached());
            assertEquals(write(engine, true).text(), text.text());
        }
    }
}
