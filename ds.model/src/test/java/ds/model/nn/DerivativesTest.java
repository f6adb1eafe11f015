package ds.model.nn;

import static org.junit.jupiter.api.Assertions.assertEquals;

import ds.core.DType;
import ds.core.FlatBuffer;
import ds.model.Batch;
import ds.model.Field;
import ds.model.Init;
import ds.model.Parameter;
import ds.model.SoloContext;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.Function;
import java.util.function.ToDoubleFunction;
import org.junit.jupiter.api.Test;

/**
 * Each operation's backward pass agrees with the numerical derivative of a forward pass in double
 * precision. The operand x is a table looked up row by row, so that it has a gradient; everything ends
 * in a mean squared error with fixed targets.
 */
class DerivativesTest {
    private static final int SAMPLES = 2;
    private static final int TOKENS = 6;
    private static final int ROWS = SAMPLES * TOKENS;
    private static final int WIDTH = 12;
    private static final int HEADS = 2;
    private static final double EPS = 1e-5;
    private static final double STEP = 1e-5;
    private static final double TOLERANCE = 2e-6; // of the largest gradient, plus itself
    private static final float[] TARGETS = targets(ROWS * WIDTH * 4);

    private static float[] targets(int length) {
        Random random = new Random(5);
        float[] values = new float[length];
        for (int i = 0; i < length; i++) {
            values[i] = (float) random.nextGaussian();
        }
        return values;
    }

    /** What an operation does with x, and with parameters found by name. */
    private interface Operation {
        Tensor apply(Tape t, Tensor x, Function<String, Parameter> parameter, Batch batch);
    }

    private static final class Probe extends Network {
        private final Map<String, Parameter> byName = new HashMap<>();
        private final Operation operation;
        private final boolean endsInLoss;

        Probe(Map<String, List<Integer>> shapes, Operation operation, boolean endsInLoss) {
            this.operation = operation;
            this.endsInLoss = endsInLoss;
            shapes.forEach(
                    (name, shape) ->
                            byName.put(
                                    name,
                                    parameter(
                                            name,
                                            new Init.Normal(0.7f),
                                            shape.toArray(Integer[]::new))));
        }

        @Override
        protected Tensor forward(Tape t, Batch batch) {
            Tensor x = t.embedding(batch.input(), byName.get("x"));
            Tensor y = operation.apply(t, x, byName::get, batch);
            if (endsInLoss) {
                return y;
            }
            float[] wanted = Arrays.copyOf(TARGETS, (int) y.elements());
            return t.meanSquaredError(y, floats(wanted));
        }
    }

    private static Field floats(float[] values) {
        return new Field(
                Field.Type.FLOAT32,
                List.of(values.length / SAMPLES),
                MemorySegment.ofArray(values));
    }

    private static Field ints(int... values) {
        return new Field(
                Field.Type.INT32, List.of(values.length / SAMPLES), MemorySegment.ofArray(values));
    }

    private static void check(
            Map<String, List<Integer>> others,
            Operation operation,
            Function<Map<String, double[]>, double[]> reference) {
        check(
                others,
                operation,
                false,
                ints(new int[ROWS]),
                values -> {
                    double[] y = reference.apply(values);
                    double[] wanted = new double[y.length];
                    for (int i = 0; i < y.length; i++) {
                        wanted[i] = TARGETS[i];
                    }
                    return Reference.meanSquaredError(y, wanted);
                });
    }

    private static void check(
            Map<String, List<Integer>> others,
            Operation operation,
            boolean endsInLoss,
            Field target,
            ToDoubleFunction<Map<String, double[]>> reference) {
        int[] ids = new int[ROWS];
        Arrays.setAll(ids, i -> i);
        Map<String, List<Integer>> shapes = new HashMap<>(others);
        shapes.putIfAbsent("x", List.of(ROWS, WIDTH));
        Probe probe = new Probe(shapes, operation, endsInLoss);
        try (var context = new SoloContext(probe, DType.FP32, 3)) {
            Map<String, double[]> values = new HashMap<>();
            context.masters().forEach((name, master) -> values.put(name, doubles(master)));
            double loss = context.learn(probe, new Batch(0, SAMPLES, ints(ids), target), 1);
            double expectedLoss = reference.applyAsDouble(values);
            assertEquals(expectedLoss, loss, 1e-6 * (1 + Math.abs(expectedLoss)), "loss");
            values.forEach(
                    (name, x) ->
                            compare(name, x, doubles(context.gradientOf(name)), values, reference));
        }
    }

    private static void compare(
            String name,
            double[] x,
            double[] gradient,
            Map<String, double[]> values,
            ToDoubleFunction<Map<String, double[]>> reference) {
        double[] numerical = new double[x.length];
        double largest = 0;
        for (int i = 0; i < x.length; i++) {
            double before = x[i];
            x[i] = before + STEP;
            double above = reference.applyAsDouble(values);
            x[i] = before - STEP;
            double below = reference.applyAsDouble(values);
            x[i] = before;
            numerical[i] = (above - below) / (2 * STEP);
            largest = Math.max(largest, Math.abs(numerical[i]));
        }
        for (int i = 0; i < x.length; i++) {
            double allowed = TOLERANCE * (largest + Math.abs(numerical[i])) + 1e-9;
            assertEquals(
                    numerical[i], gradient[i], allowed, "gradient of %s[%d]".formatted(name, i));
        }
    }

    private static double[] doubles(FlatBuffer buffer) {
        double[] values = new double[(int) buffer.lengthElements()];
        Arrays.setAll(values, buffer::get);
        return values;
    }

    private static Map<String, List<Integer>> with(Object... namesAndShapes) {
        Map<String, List<Integer>> shapes = new HashMap<>();
        for (int i = 0; i < namesAndShapes.length; i += 2) {
            List<Integer> shape =
                    ((List<?>) namesAndShapes[i + 1]).stream().map(Integer.class::cast).toList();
            shapes.put((String) namesAndShapes[i], shape);
        }
        return shapes;
    }

    @Test
    void linear() {
        check(
                with("w", List.of(5, WIDTH), "b", List.of(5)),
                (t, x, p, _) -> t.linear(x, p.apply("w"), p.apply("b")),
                v -> Reference.linear(v.get("x"), v.get("w"), v.get("b"), ROWS, WIDTH, 5));
    }

    @Test
    void linearWithoutBias() {
        check(
                with("w", List.of(7, WIDTH)),
                (t, x, p, _) -> t.linear(x, p.apply("w")),
                v -> Reference.linear(v.get("x"), v.get("w"), new double[7], ROWS, WIDTH, 7));
    }

    @Test
    void linearPlusOnItsOwnInput() {
        check(
                with("w", List.of(WIDTH, WIDTH), "b", List.of(WIDTH)),
                (t, x, p, _) -> t.linearPlus(x, x, p.apply("w"), p.apply("b")),
                v ->
                        Reference.add(
                                v.get("x"),
                                Reference.linear(
                                        v.get("x"), v.get("w"), v.get("b"), ROWS, WIDTH, WIDTH)));
    }

    @Test
    void oneWeightUsedTwice() {
        check(
                with("w", List.of(WIDTH, WIDTH)),
                (t, x, p, _) -> t.linear(t.tanh(t.linear(x, p.apply("w"))), p.apply("w")),
                v -> {
                    double[] none = new double[WIDTH];
                    double[] once =
                            Reference.linear(v.get("x"), v.get("w"), none, ROWS, WIDTH, WIDTH);
                    return Reference.linear(
                            Reference.map(once, Math::tanh), v.get("w"), none, ROWS, WIDTH, WIDTH);
                });
    }

    @Test
    void matmulInAllTranspositions() {
        for (boolean ta : new boolean[] {false, true}) {
            for (boolean tb : new boolean[] {false, true}) {
                int m = ta ? WIDTH : ROWS;
                int k = ta ? ROWS : WIDTH;
                int n = 5;
                check(
                        with("w", tb ? List.of(n, k) : List.of(k, n)),
                        (t, x, p, _) -> t.matmul(x, ta, table(t, p.apply("w")), tb),
                        v -> Reference.matmul(v.get("x"), ta, v.get("w"), tb, m, n, k));
            }
        }
    }

    /** Returns a parameter as a tensor: all rows of it looked up in order. */
    private static Tensor table(Tape t, Parameter parameter) {
        int[] ids = new int[parameter.shape().getFirst()];
        Arrays.setAll(ids, i -> i);
        return t.embedding(
                new Field(Field.Type.INT32, List.of(ids.length), MemorySegment.ofArray(ids)),
                parameter);
    }

    @Test
    void activations() {
        check(with(), (t, x, _, _) -> t.gelu(x), v -> Reference.map(v.get("x"), Reference::gelu));
        check(
                with(),
                (t, x, _, _) -> t.geluErf(x),
                v -> Reference.map(v.get("x"), Reference::geluErf));
        check(with(), (t, x, _, _) -> t.silu(x), v -> Reference.map(v.get("x"), Reference::silu));
        check(with(), (t, x, _, _) -> t.tanh(x), v -> Reference.map(v.get("x"), Math::tanh));
        check(
                with(),
                (t, x, _, _) -> t.relu(x),
                v -> Reference.map(v.get("x"), a -> Math.max(a, 0)));
    }

    @Test
    void addMultiplyAndScale() {
        check(
                with("z", List.of(ROWS, WIDTH)),
                (t, x, p, _) -> {
                    Tensor z = t.reshape(table(t, p.apply("z")), SAMPLES, TOKENS, WIDTH);
                    return t.add(t.multiply(x, z), t.scale(-1.5f, t.add(x, z)));
                },
                v ->
                        Reference.add(
                                Reference.multiply(v.get("x"), v.get("z")),
                                Reference.map(
                                        Reference.add(v.get("x"), v.get("z")), a -> -1.5 * a)));
    }

    @Test
    void aTensorUsedThreeTimesAddsItsGradients() {
        check(
                with(),
                (t, x, _, _) -> t.add(t.multiply(x, x), t.add(x, x)),
                v -> Reference.map(v.get("x"), a -> a * a + 2 * a));
    }

    @Test
    void layerNorm() {
        check(
                with("g", List.of(WIDTH), "b", List.of(WIDTH)),
                (t, x, p, _) -> t.layerNorm(x, p.apply("g"), p.apply("b"), (float) EPS),
                v -> Reference.layerNorm(v.get("x"), v.get("g"), v.get("b"), WIDTH, (float) EPS));
    }

    @Test
    void layerNormBesideItsInput() {
        check(
                with("g", List.of(WIDTH), "b", List.of(WIDTH)),
                (t, x, p, _) -> t.add(x, t.layerNorm(x, p.apply("g"), p.apply("b"), (float) EPS)),
                v ->
                        Reference.add(
                                v.get("x"),
                                Reference.layerNorm(
                                        v.get("x"), v.get("g"), v.get("b"), WIDTH, (float) EPS)));
    }

    @Test
    void rmsNorm() {
        check(
                with("g", List.of(WIDTH)),
                (t, x, p, _) -> t.rmsNorm(x, p.apply("g"), (float) EPS),
                v -> Reference.rmsNorm(v.get("x"), v.get("g"), WIDTH, (float) EPS));
    }

    @Test
    void causalAttention() {
        check(
                with("x", List.of(ROWS, 3 * WIDTH)),
                (t, x, _, _) -> t.causalAttention(x, HEADS),
                v -> Reference.attention(v.get("x"), SAMPLES, TOKENS, HEADS, WIDTH / HEADS));
    }

    @Test
    void rope() {
        check(
                with("x", List.of(ROWS, 3 * WIDTH)),
                (t, x, _, _) -> t.rope(x, HEADS, 10_000),
                v -> Reference.rope(v.get("x"), TOKENS, HEADS, WIDTH / HEADS, 10_000));
    }

    @Test
    void ropeAndAttentionOfOneTensor() {
        check(
                with("x", List.of(ROWS, 3 * WIDTH)),
                (t, x, _, _) ->
                        t.add(
                                t.causalAttention(t.rope(x, HEADS, 100), HEADS),
                                t.causalAttention(x, HEADS)),
                v ->
                        Reference.add(
                                Reference.attention(
                                        Reference.rope(
                                                v.get("x"), TOKENS, HEADS, WIDTH / HEADS, 100),
                                        SAMPLES,
                                        TOKENS,
                                        HEADS,
                                        WIDTH / HEADS),
                                Reference.attention(
                                        v.get("x"), SAMPLES, TOKENS, HEADS, WIDTH / HEADS)));
    }

    @Test
    void embeddingWithPositions() {
        int[] ids = {4, 1, 1, 0, 2, 4, 4, 4, 3, 0, 1, 2};
        check(
                with("w", List.of(6, WIDTH), "q", List.of(TOKENS + 2, WIDTH)),
                (t, x, p, _) -> t.add(x, t.embedding(ints(ids), p.apply("w"), p.apply("q"))),
                v -> {
                    double[] y = v.get("x").clone();
                    for (int i = 0; i < y.length; i++) {
                        int row = i / WIDTH;
                        y[i] += v.get("w")[ids[row] * WIDTH + i % WIDTH];
                        y[i] += v.get("q")[row % TOKENS * WIDTH + i % WIDTH];
                    }
                    return y;
                });
    }

    @Test
    void softmaxCrossEntropy() {
        int[] targets = {3, 0, -100, 11, 5, 5, -100, 1, 2, 10, 7, 4};
        check(
                with(),
                (t, x, _, batch) -> t.softmaxCrossEntropy(x, batch.target()),
                true,
                ints(targets),
                v -> Reference.crossEntropy(v.get("x"), targets, WIDTH));
    }

    @Test
    void sumOfTwoLossesOfTheSameLogits() {
        int[] targets = {3, 0, 1, 11, 5, 5, -100, 1, 2, 10, 7, 4};
        float[] wanted = Arrays.copyOf(TARGETS, ROWS * WIDTH);
        check(
                with(),
                (t, x, _, batch) ->
                        t.add(
                                t.softmaxCrossEntropy(x, batch.target()),
                                t.scale(0.25f, t.meanSquaredError(x, floats(wanted)))),
                true,
                ints(targets),
                v -> {
                    double[] other = new double[wanted.length];
                    Arrays.setAll(other, i -> wanted[i]);
                    return Reference.crossEntropy(v.get("x"), targets, WIDTH)
                            + 0.25 * Reference.meanSquaredError(v.get("x"), other);
                });
    }

    @Test
    void otherArrangements() {
        check(
                with(),
                (t, x, _, _) -> {
                    Tensor left = t.columns(x, 0, 5);
                    Tensor right = t.columns(x, 3, 9);
                    return t.transpose(t.concat(right, t.tanh(left)));
                },
                v -> {
                    double[] left = Reference.columns(v.get("x"), WIDTH, 0, 5);
                    double[] right = Reference.columns(v.get("x"), WIDTH, 3, 9);
                    return Reference.transpose(
                            Reference.concat(right, 9, Reference.map(left, Math::tanh), 5),
                            ROWS,
                            14);
                });
    }

    @Test
    void rowsAndReshapedViews() {
        check(
                with(),
                (t, x, _, _) -> {
                    Tensor first = t.rows(x, 0, 4);
                    Tensor second = t.rows(x, 2, 4);
                    return t.multiply(t.reshape(first, 8, 6), t.reshape(second, 8, 6));
                },
                v ->
                        Reference.multiply(
                                Arrays.copyOfRange(v.get("x"), 0, 4 * WIDTH),
                                Arrays.copyOfRange(v.get("x"), 2 * WIDTH, 6 * WIDTH)));
    }

    @Test
    void dropoutPassesTheGradientOfWhatItKept() {
        float p = 0.4f;
        double[] mask = new double[ROWS * WIDTH];
        check(
                with(),
                (t, x, _, _) -> {
                    Tensor y = t.dropout(p, x);
                    for (int i = 0; i < mask.length; i++) {
                        mask[i] = y.values().get(i) == 0 ? 0 : 1 / (1.0 - p);
                    }
                    return t.dropout(0, y);
                },
                v -> Reference.multiply(v.get("x"), mask));
        long kept = Arrays.stream(mask).filter(m -> m != 0).count();
        assertEquals(0.6, (double) kept / mask.length, 0.12, "share of elements kept");
    }
}
