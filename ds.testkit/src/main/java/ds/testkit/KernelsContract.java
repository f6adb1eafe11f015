package ds.testkit;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ds.core.DType;
import ds.core.FlatBuffer;
import ds.core.Rounding;
import ds.kernels.ExactNorm;
import ds.kernels.Kernels;
import ds.kernels.Kernels.Activation;
import ds.kernels.Kernels.AttentionShape;
import ds.kernels.Kernels.Transpose;
import ds.kernels.Philox;
import ds.kernels.Workers;
import ds.kernels.spi.KernelsProvider;
import java.io.ByteArrayOutputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.function.ToDoubleFunction;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * What all kernels promise: in fp32 they agree with the formula in fp64, the same calls give the same
 * bits, and a provider that says it is reproducible gives those of any number of workers. Gradients are
 * checked against central differences of the fp64 formula, so that they do not repeat a kernel's own
 * derivation. All operands are outside the heap. Extend it and return the provider; one that cannot run
 * here is skipped by name.
 */
public abstract class KernelsContract {
    private static final double STEP = 1e-5;
    private static final double EPS = 1e-5;

    /** Rows, columns and depth of products. */
    private static final int[][] SIZES = {
        {1, 1, 1}, {4, 16, 8}, {5, 17, 3}, {33, 47, 257}, {130, 70, 600}, {3, 300, 90}, {2, 3, 0}
    };

    private final Workers workers = new Workers("reference", 2);
    private final Arena arena = Arena.ofShared();
    private Kernels kernels;

    /** For subclasses. */
    protected KernelsContract() {}

    /** Returns the provider under test. */
    protected abstract KernelsProvider provider();

    @BeforeEach
    void open() {
        KernelsProvider provider = provider();
        provider.unavailable()
                .ifPresent(
                        why ->
                                Assumptions.abort(
                                        "The kernels '%s' cannot run here: %s"
                                                .formatted(provider.name(), why)));
        kernels = provider.create(workers);
    }

    @AfterEach
    void close() {
        workers.close();
        arena.close();
    }

    private FlatBuffer zeros(DType type, long length) {
        return FlatBuffer.of(arena.allocate(type.bytesOf(length), 64), type);
    }

    private FlatBuffer zeros(long length) {
        return zeros(DType.FP32, length);
    }

    /** Returns normal draws, rounded to {@code type}. */
    private FlatBuffer normal(DType type, long length, long seed) {
        FlatBuffer buffer = zeros(type, length);
        Random random = new Random(seed);
        for (long i = 0; i < length; i++) {
            buffer.set(i, (float) random.nextGaussian());
        }
        return buffer;
    }

    private FlatBuffer normal(long length, long seed) {
        return normal(DType.FP32, length, seed);
    }

    private static byte[] bytes(FlatBuffer buffer) {
        return buffer.segment().toArray(ValueLayout.JAVA_BYTE);
    }

    private static double[] doubles(FlatBuffer x) {
        double[] values = new double[(int) x.lengthElements()];
        Arrays.setAll(values, x::get);
        return values;
    }

    private static void assertClose(double[] expected, FlatBuffer actual, double tolerance) {
        for (int i = 0; i < expected.length; i++) {
            assertEquals(
                    expected[i],
                    actual.get(i),
                    tolerance * Math.max(1, Math.abs(expected[i])),
                    "element " + i);
        }
    }

    /** Central differences of {@code f} by every element of {@code x}. */
    private static double[] gradient(double[] x, ToDoubleFunction<double[]> f) {
        double[] slopes = new double[x.length];
        for (int i = 0; i < x.length; i++) {
            double old = x[i];
            x[i] = old + STEP;
            double up = f.applyAsDouble(x);
            x[i] = old - STEP;
            double down = f.applyAsDouble(x);
            x[i] = old;
            slopes[i] = (up - down) / (2 * STEP);
        }
        return slopes;
    }

    private static double dot(double[] a, double[] b) {
        double sum = 0;
        for (int i = 0; i < a.length; i++) {
            sum += a[i] * b[i];
        }
        return sum;
    }

    private static double[] add(double[] a, double[] b) {
        double[] sum = a.clone();
        for (int i = 0; i < a.length; i++) {
            sum[i] += b[i];
        }
        return sum;
    }

    /** One product, in all layouts. */
    private final class Product {
        final int m;
        final int n;
        final int k;
        final FlatBuffer a;
        final FlatBuffer b;
        final FlatBuffer at;
        final FlatBuffer bt;
        final FlatBuffer bias;
        final FlatBuffer before;

        Product(int[] size) {
            m = size[0];
            n = size[1];
            k = size[2];
            a = normal((long) m * k, 1);
            b = normal((long) k * n, 2);
            at = zeros((long) m * k);
            bt = zeros((long) k * n);
            bias = normal(n, 3);
            before = normal((long) m * n, 4);
            kernels.transpose(a, m, k, at);
            kernels.transpose(b, k, n, bt);
        }

        double[] expected(boolean biased, boolean accumulate) {
            double[] expected = new double[m * n];
            for (int i = 0; i < m; i++) {
                for (int j = 0; j < n; j++) {
                    double sum = biased ? bias.get(j) : 0;
                    sum += accumulate ? before.get((long) i * n + j) : 0;
                    for (int q = 0; q < k; q++) {
                        sum += (double) a.get((long) i * k + q) * b.get((long) q * n + j);
                    }
                    expected[i * n + j] = sum;
                }
            }
            return expected;
        }

        /** Without {@code accumulate} nothing is read of C, which is not even finite. */
        FlatBuffer run(Kernels by, Transpose ta, Transpose tb, boolean biased, boolean accumulate) {
            FlatBuffer c = zeros((long) m * n);
            if (accumulate) {
                c.copyFrom(before);
            } else {
                c.segment().fill((byte) 0xff);
            }
            by.gemm(
                    ta,
                    tb,
                    m,
                    n,
                    k,
                    ta == Transpose.NO ? a : at,
                    tb == Transpose.NO ? b : bt,
                    biased ? Optional.of(bias) : Optional.empty(),
                    c,
                    accumulate);
            return c;
        }
    }

    @Test
    void productsOfAllLayoutsAreRightAndTheSameBitsWherePromised() {
        for (int[] size : SIZES) {
            Product product = new Product(size);
            for (boolean biased : new boolean[] {false, true}) {
                for (boolean accumulate : new boolean[] {false, true}) {
                    double[] expected = product.expected(biased, accumulate);
                    byte[] first = null;
                    for (Transpose ta : Transpose.values()) {
                        for (Transpose tb : Transpose.values()) {
                            FlatBuffer c = product.run(kernels, ta, tb, biased, accumulate);
                            assertClose(expected, c, 1e-4);
                            first = first == null ? bytes(c) : first;
                            if (provider().reproducible()) {
                                assertArrayEquals(first, bytes(c), Arrays.toString(size) + ta + tb);
                            }
                        }
                    }
                }
            }
        }
    }

    @Test
    void theSameProductsByAsManyWorkersAreTheSameBits() {
        byte[] ofAnyNumber = null;
        for (int count = 1; count <= 4; count++) {
            byte[] first = null;
            for (int repeat = 0; repeat < 3; repeat++) {
                try (Workers some = new Workers("some", count)) {
                    byte[] bits = productBits(provider().create(some));
                    first = first == null ? bits : first;
                    assertArrayEquals(first, bits, count + " workers");
                }
            }
            ofAnyNumber = ofAnyNumber == null ? first : ofAnyNumber;
            if (provider().reproducible()) {
                assertArrayEquals(ofAnyNumber, first, count + " workers");
            }
        }
    }

    private byte[] productBits(Kernels by) {
        ByteArrayOutputStream bits = new ByteArrayOutputStream();
        for (int[] size : SIZES) {
            Product product = new Product(size);
            for (Transpose ta : Transpose.values()) {
                for (Transpose tb : Transpose.values()) {
                    FlatBuffer c = product.run(by, ta, tb, true, true);
                    assertClose(product.expected(true, true), c, 1e-4);
                    bits.writeBytes(bytes(c));
                }
            }
        }
        return bits.toByteArray();
    }

    @Test
    void aProductDoesNotDependOnItsNeighboursWherePromised() {
        Assumptions.assumeTrue(
                provider().reproducible(),
                () -> "The kernels '%s' promise no such bits.".formatted(provider().name()));
        int k = 300;
        FlatBuffer a = normal(64L * k, 1);
        FlatBuffer b = normal(64L * k, 2);
        FlatBuffer whole = zeros(64 * 64);
        kernels.gemm(Transpose.NO, Transpose.YES, 64, 64, k, a, b, Optional.empty(), whole, false);
        FlatBuffer corner = zeros(3 * 5);
        kernels.gemm(
                Transpose.NO,
                Transpose.YES,
                3,
                5,
                k,
                a.slice(60L * k, 3L * k),
                b.slice(41L * k, 5L * k),
                Optional.empty(),
                corner,
                false);
        for (int i = 0; i < 3; i++) {
            for (int j = 0; j < 5; j++) {
                assertEquals(whole.get((60 + i) * 64 + 41 + j), corner.get(i * 5 + j));
            }
        }
    }

    @Test
    void accumulatingAddsToWhatIsThere() {
        FlatBuffer a = normal(6 * 7, 1);
        FlatBuffer b = normal(7 * 5, 2);
        FlatBuffer c = normal(30, 3);
        double[] before = doubles(c);
        FlatBuffer product = zeros(30);
        kernels.gemm(Transpose.NO, Transpose.NO, 6, 5, 7, a, b, Optional.empty(), product, false);
        kernels.gemm(Transpose.NO, Transpose.NO, 6, 5, 7, a, b, Optional.empty(), c, true);
        assertClose(add(before, doubles(product)), c, 1e-6);
    }

    /** The error function by its series, good for |x| up to 4. */
    private static double erf(double x) {
        double term = x;
        double sum = x;
        for (int n = 1; n < 200; n++) {
            term *= -x * x / n;
            sum += term / (2 * n + 1);
        }
        return 2 / Math.sqrt(Math.PI) * sum;
    }

    private static double activation(Activation f, double x) {
        return switch (f) {
            case GELU ->
                    0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x)));
            case RELU -> Math.max(x, 0);
            case SILU -> x / (1 + Math.exp(-x));
            case TANH -> Math.tanh(x);
            case GELU_ERF -> x * (0.5 + erf(x / Math.sqrt(2)) / 2);
        };
    }

    @Test
    void aProductWithItsActivationHasTheBitsOfTheTwoInTurn() {
        for (int[] size : List.of(new int[] {1, 1, 1}, new int[] {70, 300, 257})) {
            for (DType type : DType.values()) {
                for (Kernels.Activation f : Kernels.Activation.values()) {
                    int m = size[0];
                    int n = size[1];
                    int k = size[2];
                    FlatBuffer a = normal(type, (long) m * k, 1);
                    FlatBuffer b = normal(type, (long) k * n, 2);
                    Optional<FlatBuffer> bias = Optional.of(normal(type, n, 3));
                    FlatBuffer c = zeros(type, (long) m * n);
                    FlatBuffer y = zeros(type, (long) m * n);
                    kernels.gemm(Transpose.NO, Transpose.YES, m, n, k, a, b, bias, c, false);
                    kernels.activation(f, c, y);
                    FlatBuffer both = zeros(type, (long) m * n);
                    FlatBuffer of = zeros(type, (long) m * n);
                    kernels.gemmActivation(
                            Transpose.NO, Transpose.YES, m, n, k, a, b, bias, both, f, of);
                    assertArrayEquals(bytes(c), bytes(both), type + " " + f + " product");
                    assertArrayEquals(bytes(y), bytes(of), type + " " + f);
                }
            }
        }
    }

    @Test
    void activationsAndTheirSlopes() {
        FlatBuffer x = normal(5000, 1);
        FlatBuffer dy = normal(5000, 2);
        for (Activation f : Activation.values()) {
            FlatBuffer y = zeros(5000);
            kernels.activation(f, x, y);
            double[] expected = Arrays.stream(doubles(x)).map(v -> activation(f, v)).toArray();
            assertClose(expected, y, 1e-6);
            FlatBuffer dx = zeros(5000);
            kernels.activationBackward(f, x, dy, dx, false);
            for (int i = 0; i < 5000; i++) {
                double v = x.get(i);
                double slope = (activation(f, v + STEP) - activation(f, v - STEP)) / (2 * STEP);
                assertEquals(slope * dy.get(i), dx.get(i), 2e-6, f + " at " + v);
            }
        }
    }

    private static double[] norm(
            double[] x, double[] gamma, double[] beta, int rows, int width, boolean centered) {
        double[] y = new double[x.length];
        for (int r = 0; r < rows; r++) {
            double mean = 0;
            for (int j = 0; centered && j < width; j++) {
                mean += x[r * width + j] / width;
            }
            double square = 0;
            for (int j = 0; j < width; j++) {
                square += Math.pow(x[r * width + j] - mean, 2) / width;
            }
            for (int j = 0; j < width; j++) {
                y[r * width + j] =
                        (x[r * width + j] - mean) / Math.sqrt(square + EPS) * gamma[j] + beta[j];
            }
        }
        return y;
    }

    @Test
    void layerNormAndItsGradients() {
        int rows = 37;
        int width = 21;
        FlatBuffer x = normal(rows * width, 1);
        FlatBuffer gamma = normal(width, 2);
        FlatBuffer beta = normal(width, 3);
        FlatBuffer dy = normal(rows * width, 4);
        FlatBuffer y = zeros(rows * width);
        FlatBuffer mean = zeros(rows);
        FlatBuffer reciprocal = zeros(rows);
        kernels.layerNorm(x, gamma, beta, rows, width, (float) EPS, y, mean, reciprocal);
        double[] g = doubles(gamma);
        double[] b = doubles(beta);
        double[] d = doubles(dy);
        double[] v = doubles(x);
        assertClose(norm(v, g, b, rows, width, true), y, 2e-6);
        FlatBuffer dx = normal(rows * width, 5);
        double[] before = doubles(dx);
        FlatBuffer dGamma = zeros(width);
        FlatBuffer dBeta = zeros(width);
        kernels.layerNormBackward(
                x,
                gamma,
                dy,
                mean,
                reciprocal,
                rows,
                width,
                dx,
                true,
                Optional.of(dGamma),
                false,
                Optional.of(dBeta),
                false);
        assertClose(
                add(before, gradient(v, p -> dot(norm(p, g, b, rows, width, true), d))), dx, 1e-5);
        assertClose(gradient(g, p -> dot(norm(v, p, b, rows, width, true), d)), dGamma, 1e-5);
        assertClose(gradient(b, p -> dot(norm(v, g, p, rows, width, true), d)), dBeta, 1e-5);
    }

    @Test
    void rmsNormAndItsGradients() {
        int rows = 35;
        int width = 18;
        FlatBuffer x = normal(rows * width, 1);
        FlatBuffer gamma = normal(width, 2);
        FlatBuffer dy = normal(rows * width, 4);
        FlatBuffer y = zeros(rows * width);
        FlatBuffer reciprocal = zeros(rows);
        kernels.rmsNorm(x, gamma, rows, width, (float) EPS, y, reciprocal);
        double[] g = doubles(gamma);
        double[] none = new double[width];
        double[] d = doubles(dy);
        double[] v = doubles(x);
        assertClose(norm(v, g, none, rows, width, false), y, 2e-6);
        FlatBuffer dx = zeros(rows * width);
        FlatBuffer dGamma = zeros(width);
        kernels.rmsNormBackward(
                x, gamma, dy, reciprocal, rows, width, dx, false, Optional.of(dGamma), false);
        assertClose(gradient(v, p -> dot(norm(p, g, none, rows, width, false), d)), dx, 1e-5);
        assertClose(gradient(g, p -> dot(norm(v, p, none, rows, width, false), d)), dGamma, 1e-5);
    }

    private static double[] attention(AttentionShape s, double[] qkv) {
        int w = s.width();
        double[] out = new double[s.sequences() * s.tokens() * w];
        for (int b = 0; b < s.sequences(); b++) {
            for (int h = 0; h < s.heads(); h++) {
                for (int i = 0; i < s.tokens(); i++) {
                    int q = (b * s.tokens() + i) * 3 * w + h * s.headWidth();
                    double[] weights = new double[i + 1];
                    double sum = 0;
                    for (int j = 0; j <= i; j++) {
                        int k = (b * s.tokens() + j) * 3 * w + w + h * s.headWidth();
                        double score = 0;
                        for (int c = 0; c < s.headWidth(); c++) {
                            score += qkv[q + c] * qkv[k + c];
                        }
                        weights[j] = Math.exp(score / Math.sqrt(s.headWidth()));
                        sum += weights[j];
                    }
                    for (int j = 0; j <= i; j++) {
                        int v = (b * s.tokens() + j) * 3 * w + 2 * w + h * s.headWidth();
                        int o = (b * s.tokens() + i) * w + h * s.headWidth();
                        for (int c = 0; c < s.headWidth(); c++) {
                            out[o + c] += weights[j] / sum * qkv[v + c];
                        }
                    }
                }
            }
        }
        return out;
    }

    @Test
    void attentionAndItsGradient() {
        for (AttentionShape shape :
                List.of(
                        new AttentionShape(2, 35, 1, 3),
                        new AttentionShape(1, 1, 1, 3),
                        new AttentionShape(1, 70, 1, 17))) {
            int size = shape.sequences() * shape.tokens() * shape.width();
            FlatBuffer qkv = normal(3L * size, 1);
            FlatBuffer dOut = normal(size, 2);
            FlatBuffer out = zeros(size);
            FlatBuffer logSumExp = zeros((long) shape.sequences() * shape.tokens() * shape.heads());
            kernels.causalAttention(shape, qkv, out, logSumExp);
            double[] x = doubles(qkv);
            assertClose(attention(shape, x), out, 2e-6);
            FlatBuffer dQkv = zeros(3L * size);
            kernels.causalAttentionBackward(shape, qkv, out, logSumExp, dOut, dQkv);
            double[] d = doubles(dOut);
            if (size < 1_000) {
                assertClose(gradient(x, p -> dot(attention(shape, p), d)), dQkv, 2e-5);
            }
        }
    }

    @Test
    void rotationTurnsPairsAndBack() {
        AttentionShape shape = new AttentionShape(2, 9, 2, 6);
        int w = shape.width();
        FlatBuffer qkv = normal(18L * 3 * w, 1);
        FlatBuffer out = zeros(18L * 3 * w);
        kernels.rope(shape, 0, 10_000, false, qkv, out);
        for (int r = 0; r < 18; r++) {
            for (int j = 0; j < 3 * w; j++) {
                int c = j % 6;
                double angle = r % 9 * Math.pow(10_000, -2.0 * (c % 3) / 6);
                long at = (long) r * 3 * w + j;
                double x = qkv.get(at);
                double pair = qkv.get(c < 3 ? at + 3 >= 18L * 3 * w ? at : at + 3 : at - 3);
                double turned = x * Math.cos(angle) + (c < 3 ? -pair : pair) * Math.sin(angle);
                assertEquals(j < 2 * w ? turned : x, out.get(at), 1e-6);
            }
        }
        kernels.rope(shape, 0, 10_000, true, out, out);
        assertClose(doubles(qkv), out, 1e-6);
    }

    @Test
    void crossEntropyAndItsGradient() {
        int rows = 6;
        int classes = 37;
        FlatBuffer logits = normal(rows * classes, 1);
        int[] targets = {3, 36, Kernels.IGNORED_TARGET, 0, 17, 5};
        MemorySegment segment = MemorySegment.ofArray(targets);
        FlatBuffer max = zeros(rows);
        FlatBuffer sums = zeros(rows);
        FlatBuffer terms = zeros(rows);
        ToDoubleFunction<double[]> loss =
                x -> {
                    double sum = 0;
                    for (int i = 0; i < rows; i++) {
                        if (targets[i] >= 0) {
                            double exps = 0;
                            for (int j = 0; j < classes; j++) {
                                exps += Math.exp(x[i * classes + j]);
                            }
                            sum += Math.log(exps) - x[i * classes + targets[i]];
                        }
                    }
                    return sum / 5;
                };
        double[] x = doubles(logits);
        int used = kernels.softmaxCrossEntropy(logits, segment, 0, rows, classes, max, sums, terms);
        assertEquals(5, used);
        assertEquals(0, terms.get(2), 0);
        assertEquals(loss.applyAsDouble(x), Arrays.stream(doubles(terms)).sum() / 5, 1e-6);
        FlatBuffer dLogits = zeros(rows * classes);
        kernels.softmaxCrossEntropyBackward(
                logits, segment, rows, 0, classes, max, sums, 2f / 5, dLogits);
        assertClose(gradient(x, p -> 2 * loss.applyAsDouble(p)), dLogits, 1e-6);
    }

    @Test
    void crossEntropyNamesTheRowOfAWrongTarget() {
        MemorySegment targets = MemorySegment.ofArray(new int[] {0, 1, 2, 5});
        var wrong =
                assertThrows(
                        IllegalArgumentException.class,
                        () ->
                                kernels.softmaxCrossEntropy(
                                        normal(10, 1),
                                        targets,
                                        2,
                                        2,
                                        5,
                                        zeros(4),
                                        zeros(4),
                                        zeros(4)));
        assertEquals(
                "Target 5 at row 3 is outside the 5 classes; -100 is ignored.", wrong.getMessage());
    }

    @Test
    void tilesOfLogitsGiveTheBitsOfTheWhole() {
        int rows = 7;
        int classes = 600;
        FlatBuffer logits = normal(rows * classes, 1);
        MemorySegment targets = MemorySegment.ofArray(new int[] {3, 599, -100, 255, 256, 511, 0});
        FlatBuffer[] whole = {zeros(rows), zeros(rows), zeros(rows)};
        FlatBuffer[] tiled = {zeros(rows), zeros(rows), zeros(rows)};
        kernels.softmaxCrossEntropy(
                logits, targets, 0, rows, classes, whole[0], whole[1], whole[2]);
        for (int first = 0; first < rows; first += 3) {
            int count = Math.min(3, rows - first);
            kernels.softmaxCrossEntropy(
                    logits.slice((long) first * classes, (long) count * classes),
                    targets,
                    first,
                    count,
                    classes,
                    tiled[0],
                    tiled[1],
                    tiled[2]);
        }
        for (int i = 0; i < 3; i++) {
            assertArrayEquals(whole[i].toFloats(), tiled[i].toFloats());
        }
        FlatBuffer slope = zeros(rows * classes);
        kernels.softmaxCrossEntropyBackward(
                logits, targets, rows, 0, classes, whole[0], whole[1], 0.3f, slope);
        for (int first = 0; first < classes; first += 256) {
            int count = Math.min(256, classes - first);
            FlatBuffer tile = zeros(rows * count);
            kernels.copyBlock(logits, first, classes, tile, 0, count, rows, count, false);
            kernels.softmaxCrossEntropyBackward(
                    tile, targets, rows, first, count, whole[0], whole[1], 0.3f, tile);
            FlatBuffer expected = zeros(rows * count);
            kernels.copyBlock(slope, first, classes, expected, 0, count, rows, count, false);
            assertArrayEquals(expected.toFloats(), tile.toFloats());
        }
    }

    @Test
    void withoutTargetsTheLossAndItsGradientAreZero() {
        FlatBuffer logits = normal(10, 1);
        MemorySegment targets =
                MemorySegment.ofArray(new int[] {Kernels.IGNORED_TARGET, Kernels.IGNORED_TARGET});
        FlatBuffer max = zeros(2);
        FlatBuffer sums = zeros(2);
        FlatBuffer terms = zeros(2);
        assertEquals(0, kernels.softmaxCrossEntropy(logits, targets, 0, 2, 5, max, sums, terms));
        assertClose(new double[2], terms, 0);
        kernels.softmaxCrossEntropyBackward(logits, targets, 2, 0, 5, max, sums, 1f, logits);
        assertClose(new double[10], logits, 0);
    }

    @Test
    void squaredErrorAndItsGradient() {
        FlatBuffer prediction = normal(101, 1);
        FlatBuffer target = normal(101, 2);
        double[] t = doubles(target);
        ToDoubleFunction<double[]> loss =
                p -> {
                    double sum = 0;
                    for (int i = 0; i < p.length; i++) {
                        sum += (p[i] - t[i]) * (p[i] - t[i]) / p.length;
                    }
                    return sum;
                };
        double[] p = doubles(prediction);
        assertEquals(loss.applyAsDouble(p), kernels.meanSquaredError(prediction, target), 1e-6);
        FlatBuffer slope = zeros(101);
        kernels.meanSquaredErrorBackward(prediction, target, 0.5f, slope);
        assertClose(gradient(p, q -> 0.5 * loss.applyAsDouble(q)), slope, 1e-6);
    }

    @Test
    void embeddingsAndTheirGradients() {
        int[] ids = {3, 0, 3, 4, 1, 3, 0};
        MemorySegment segment = MemorySegment.ofArray(ids);
        int width = 9;
        FlatBuffer table = normal(6 * width, 1);
        FlatBuffer positions = normal(4 * width, 2);
        FlatBuffer out = zeros(7 * width);
        kernels.embedding(segment, 7, width, table, Optional.of(positions), 3, out);
        FlatBuffer dOut = normal(7 * width, 3);
        FlatBuffer dTable = normal(6 * width, 4);
        FlatBuffer dPositions = normal(4 * width, 5);
        double[] expectedTable = new double[6 * width];
        double[] expectedPositions = new double[4 * width];
        for (int i = 0; i < 7; i++) {
            for (int j = 0; j < width; j++) {
                assertEquals(
                        table.get(ids[i] * width + j) + positions.get(i % 3 * width + j),
                        out.get(i * width + j));
                expectedTable[ids[i] * width + j] += dOut.get(i * width + j);
                expectedPositions[i % 3 * width + j] += dOut.get(i * width + j);
            }
        }
        kernels.embeddingBackward(segment, 7, width, dOut, dTable, false);
        assertClose(expectedTable, dTable, 1e-6);
        kernels.embeddingBackward(segment, 7, width, dOut, dTable, true);
        assertClose(add(expectedTable, expectedTable), dTable, 1e-6);
        kernels.positionsBackward(dOut, 7, width, 3, dPositions, false);
        assertClose(expectedPositions, dPositions, 1e-6);
    }

    @Test
    void anIdOutsideTheTableIsNamed() {
        IllegalArgumentException failure =
                assertThrows(
                        IllegalArgumentException.class,
                        () ->
                                kernels.embedding(
                                        MemorySegment.ofArray(new int[] {1, 6}),
                                        2,
                                        2,
                                        zeros(12),
                                        Optional.empty(),
                                        0,
                                        zeros(4)));
        assertEquals("Id 6 at position 1 is outside the table of 6 rows.", failure.getMessage());
    }

    @Test
    void dropoutKeepsItsShareAndDependsOnTheSampleAlone() {
        FlatBuffer ones = zeros(40_000);
        kernels.scale(0f, ones, ones, false);
        for (int i = 0; i < 40_000; i++) {
            ones.set(i, 1f);
        }
        Philox random = new Philox(9, Philox.DROPOUT);
        FlatBuffer all = zeros(40_000);
        kernels.dropout(random, 0.25f, 100, 10_000, 3, ones, all);
        double kept = Arrays.stream(doubles(all)).filter(v -> v != 0).count() / 40_000.0;
        assertEquals(0.75, kept, 0.01);
        assertEquals(4f / 3f, Arrays.stream(doubles(all)).max().orElse(0), 1e-6);
        FlatBuffer third = zeros(10_000);
        kernels.dropout(random, 0.25f, 102, 10_000, 3, ones.slice(0, 10_000), third);
        assertArrayEquals(bytes(all.slice(20_000, 10_000)), bytes(third));
    }

    @Test
    void blocksAreCopiedAndMatricesTransposed() {
        FlatBuffer x = normal(50 * 70, 1);
        FlatBuffer y = zeros(50 * 70);
        kernels.transpose(x, 50, 70, y);
        for (int i = 0; i < 50; i++) {
            for (int j = 0; j < 70; j++) {
                assertEquals(x.get(i * 70 + j), y.get(j * 50 + i));
            }
        }
        FlatBuffer z = normal(40, 2);
        double[] before = doubles(z);
        kernels.copyBlock(x, 7, 70, z, 2, 10, 3, 5, true);
        for (int i = 0; i < 3; i++) {
            for (int j = 0; j < 5; j++) {
                before[2 + i * 10 + j] += x.get(7 + i * 70 + j);
            }
        }
        assertClose(before, z, 1e-6);
    }

    @Test
    void rowsAreSummed() {
        FlatBuffer x = normal(100 * 33, 1);
        FlatBuffer out = zeros(33);
        kernels.sumRows(x, 100, 33, out, false);
        double[] expected = new double[33];
        for (int i = 0; i < 3300; i++) {
            expected[i % 33] += x.get(i);
        }
        assertClose(expected, out, 1e-5);
    }

    @Test
    void aFoldAddsInOrderAndMeasures() {
        FlatBuffer accumulator = normal(3000, 1);
        FlatBuffer first = normal(3000, 2);
        FlatBuffer second = normal(3000, 3);
        float[] before = accumulator.toFloats();
        ExactNorm norm = new ExactNorm();
        kernels.fold(accumulator, List.of(first, second), false, Optional.of(norm));
        double square = 0;
        for (int i = 0; i < 3000; i++) {
            float expected = before[i] + first.get(i) + second.get(i);
            assertEquals(expected, accumulator.get(i));
            square += (double) expected * expected;
        }
        assertEquals(Math.sqrt(square), norm.norm(), 1e-9);
        kernels.fold(accumulator, List.of(second, first), true, Optional.empty());
        assertEquals(second.get(7) + first.get(7), accumulator.get(7));
        accumulator.set(2999, Float.NaN);
        kernels.addSquares(accumulator, norm);
        assertEquals(1, norm.nonFiniteBlocks());
        assertEquals(false, kernels.allBelow(accumulator, Float.POSITIVE_INFINITY));
        assertTrue(kernels.allBelow(first, Float.POSITIVE_INFINITY));
        first.set(2998, -65_520f);
        assertTrue(kernels.allBelow(first, Math.nextUp(65_520f)));
        assertEquals(false, kernels.allBelow(first, 65_520f));
    }

    @Test
    void aSumIn16BitsIsRoundedAfterEachContributionHoweverManyComeAtOnce() {
        for (DType type : List.of(DType.BF16, DType.FP16)) {
            List<FlatBuffer> parts =
                    List.of(
                            normal(DType.FP32, 3000, 1),
                            normal(type, 3000, 2),
                            normal(type, 3000, 3));
            FlatBuffer atOnce = zeros(type, 3000);
            kernels.fold(atOnce, parts, true, Optional.empty());
            FlatBuffer oneByOne = zeros(type, 3000);
            for (int i = 0; i < parts.size(); i++) {
                kernels.fold(oneByOne, parts.subList(i, i + 1), i == 0, Optional.empty());
            }
            for (int i = 0; i < 3000; i++) {
                float sum = Rounding.stored(parts.get(0).get(i), type);
                sum = Rounding.stored(sum + parts.get(1).get(i), type);
                sum = Rounding.stored(sum + parts.get(2).get(i), type);
                assertEquals(sum, atOnce.get(i));
                assertEquals(sum, oneByOne.get(i));
            }
        }
    }

    @Test
    void stochasticRoundingKeepsTheMeanAndWhatNeedsNone() {
        int count = 100_000;
        Philox random = new Philox(7, Philox.ROUNDING);
        FlatBuffer x = zeros(count);
        float step = Math.ulp(1f) * (1 << 16);
        for (int i = 0; i < count; i++) {
            x.set(i, 1 + step / 4);
        }
        x.set(0, 1.5f);
        x.set(1, Float.NEGATIVE_INFINITY);
        x.set(2, Float.NaN);
        x.set(3, -0f);
        FlatBuffer y = zeros(DType.BF16, count);
        kernels.roundStochastically(x, random, 3, 0, y);
        assertEquals(1.5f, y.get(0));
        assertEquals(Float.NEGATIVE_INFINITY, y.get(1));
        assertTrue(Float.isNaN(y.get(2)));
        assertEquals(-0f, y.get(3));
        int up = 0;
        for (int i = 4; i < count; i++) {
            assertTrue(y.get(i) == 1 || y.get(i) == 1 + step, "one of the two neighbours");
            up += y.get(i) > 1 ? 1 : 0;
        }
        assertEquals(0.25, (double) up / count, 0.01);
        // A part gives what the whole gave there; another step gives something else.
        FlatBuffer part = zeros(DType.BF16, 5001);
        kernels.roundStochastically(x.slice(4999, 5001), random, 3, 4999, part);
        FlatBuffer other = zeros(DType.BF16, 5001);
        kernels.roundStochastically(x.slice(4999, 5001), random, 4, 4999, other);
        boolean differs = false;
        for (int i = 0; i < 5001; i++) {
            assertEquals(y.get(4999 + i), part.get(i));
            differs |= other.get(i) != part.get(i);
        }
        assertTrue(differs);
    }

    @Test
    void operandsThatAreTooSmallAreNamed() {
        IllegalArgumentException failure =
                assertThrows(
                        IllegalArgumentException.class,
                        () ->
                                kernels.gemm(
                                        Transpose.NO,
                                        Transpose.NO,
                                        2,
                                        2,
                                        2,
                                        zeros(4),
                                        zeros(3),
                                        Optional.empty(),
                                        zeros(4),
                                        false));
        assertEquals(
                "Operand b needs 4 elements for these sizes, but holds 3.", failure.getMessage());
    }
}
