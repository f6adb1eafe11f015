package ds.model.nn;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ds.core.DType;
import ds.model.Activations;
import ds.model.Batch;
import ds.model.Field;
import ds.model.Init;
import ds.model.Mode;
import ds.model.Parameter;
import ds.model.SoloContext;
import ds.model.builtin.Gpt;
import java.lang.foreign.MemorySegment;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Logits in tiles: the bits of whole logits, in memory that does not grow with the vocabulary. */
class TiledLossTest {
    private static final int ROWS = 1200;
    private static final int CLASSES = 30_001; // 137 MiB of logits; no multiple of a tile
    private static final int WIDTH = 5;

    private enum Head {
        OWN,
        SHARED,
        FROZEN,
        /** Trained by the model's own account, but not in this run. */
        UNWANTED
    }

    /** Words, and a head that is the table of words too, one of its own, or a frozen one. */
    private static final class Words extends Network {
        private final boolean tiled;
        private final Tables tables;

        Words(boolean tiled, Head head) {
            this.tiled = tiled;
            tables = add(new Tables(head));
        }

        private static final class Tables extends Part {
            final Parameter words = table("words");
            final Parameter head;

            Tables(Head kind) {
                super("tables", "");
                head =
                        switch (kind) {
                            case SHARED -> words;
                            case OWN, UNWANTED -> parameter(table("head"));
                            case FROZEN -> parameter(table("head").frozen());
                        };
                parameter(words);
            }

            private static Parameter table(String name) {
                return Parameter.of(name, new Init.Normal(0.7f), CLASSES, WIDTH);
            }
        }

        @Override
        protected Tensor forward(Tape t, Batch batch) {
            Tensor words = t.tanh(t.embedding(batch.input(), tables.words));
            Tensor loss =
                    tiled
                            ? t.linearCrossEntropy(words, tables.head, batch.target())
                            : t.softmaxCrossEntropy(t.logits(words, tables.head), batch.target());
            return loss;
        }
    }

    private static Batch batch(int rows, int classes) {
        int[] ids = new int[rows];
        int[] targets = new int[rows];
        for (int i = 0; i < rows; i++) {
            ids[i] = (int) (i * 7_919L % classes);
            targets[i] = i % 11 == 3 ? -100 : (int) (i * 104_729L % classes);
        }
        return new Batch(0, 1, ints(ids), ints(targets));
    }

    private static Field ints(int... values) {
        return new Field(Field.Type.INT32, List.of(values.length), MemorySegment.ofArray(values));
    }

    private record Learned(double loss, Map<String, float[]> gradients, long bytes) {}

    private static Learned learn(
            Network model, DType type, Optional<DType> products, Head head, Batch... batches) {
        try (SoloContext context = new SoloContext(model, type, 3)) {
            if (head == Head.UNWANTED) {
                context.unwanted("head");
            }
            products.ifPresent(context::products);
            double loss = 0;
            for (Batch batch : batches) {
                loss += context.learn(model, batch, 3);
            }
            Map<String, float[]> gradients = new LinkedHashMap<>();
            model.layout()
                    .storages()
                    .forEach(
                            p -> {
                                if (p.trainable()) {
                                    gradients.put(
                                            p.name(), context.gradientOf(p.name()).toFloats());
                                }
                            });
            return new Learned(loss, gradients, context.workspace().highWaterBytes());
        }
    }

    @ParameterizedTest
    @CsvSource({
        "FP32,,OWN",
        "FP32,,SHARED",
        "FP32,,FROZEN",
        "FP32,,UNWANTED",
        "FP32,BF16,UNWANTED",
        "BF16,,OWN",
        "BF16,,SHARED",
        "FP16,,SHARED",
        "FP32,BF16,SHARED"
    })
    void givesTheBitsOfWholeLogits(DType type, @Nullable DType products, Head head) {
        Batch batch = batch(ROWS, CLASSES);
        Optional<DType> cast = Optional.ofNullable(products);
        Learned whole = learn(new Words(false, head), type, cast, head, batch, batch);
        Learned tiled = learn(new Words(true, head), type, cast, head, batch, batch);
        assertEquals(whole.loss, tiled.loss, 0);
        assertEquals(head == Head.OWN || head == Head.UNWANTED ? 2 : 1, whole.gradients.size());
        assertEquals(whole.gradients.keySet(), tiled.gradients.keySet());
        whole.gradients.forEach(
                (name, gradient) -> {
                    assertArrayEquals(gradient, tiled.gradients.get(name), name);
                    boolean any = gradient[0] != 0 || gradient[1] != 0;
                    assertEquals(head != Head.UNWANTED || !name.equals("head"), any, name);
                });
        assertTrue(tiled.bytes < whole.bytes, tiled.bytes + " and " + whole.bytes);
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aRealVocabularyNeedsBoundedMemory(boolean checkpoints) {
        int rows = 1024;
        int classes = 50_257;
        Gpt model =
                Gpt.of(
                        g ->
                                g.layers(1)
                                        .width(16)
                                        .heads(1)
                                        .context(rows)
                                        .vocabulary(classes)
                                        .checkpointing(checkpoints));
        try (SoloContext context = new SoloContext(model, DType.FP32, 3)) {
            Batch batch = batch(rows, classes);
            double loss = context.learn(model, batch, 1);
            assertEquals(Math.log(classes), loss, 0.1); // it knows nothing yet
            // whole logits alone: 206 MB
            long most = context.workspace().highWaterBytes();
            assertTrue(most < 1.2 * TiledLoss.LOGITS_BYTES, "%,d bytes".formatted(most));
            try (Activations made = model.forward(batch, context.mode(Mode.EVAL))) {
                assertEquals(loss, made.loss(), 0);
                assertTrue(made.outputs().isEmpty());
            }
        }
    }

    @Test
    void refusesWhatDoesNotFit() {
        Words model = new Words(true, Head.OWN);
        try (SoloContext context = new SoloContext(model, DType.FP32, 3)) {
            Batch tooFew = new Batch(0, 1, ints(1, 2, 3), ints(1, 2));
            var wrong =
                    assertThrows(
                            IllegalArgumentException.class, () -> model.forward(tooFew, context));
            assertEquals(
                    "linearCrossEntropy: an output of shape [1, 3, 5] needs 3 targets of type INT32, was given 2 of type INT32.",
                    wrong.getMessage());
            int[] targets = new int[ROWS];
            targets[ROWS - 1] = CLASSES;
            Batch outside = new Batch(0, 1, ints(new int[ROWS]), ints(targets));
            wrong =
                    assertThrows(
                            IllegalArgumentException.class, () -> model.forward(outside, context));
            assertEquals(
                    "Target 30,001 at row 1,199 is outside the 30,001 classes; -100 is ignored.",
                    wrong.getMessage());
        }
    }
}
