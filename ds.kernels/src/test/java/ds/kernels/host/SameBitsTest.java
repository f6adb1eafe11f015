package ds.kernels.host;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import ds.core.DType;
import ds.core.FlatBuffer;
import ds.kernels.ExactNorm;
import ds.kernels.Kernels;
import ds.kernels.Kernels.Activation;
import ds.kernels.Kernels.AttentionShape;
import ds.kernels.Kernels.Transpose;
import ds.kernels.Philox;
import ds.kernels.Workers;
import java.io.ByteArrayOutputStream;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/**
 * Every kernel gives the same bits by scalar code and by vectors, cold and hot, with 1, 2 and 3
 * workers. Sizes are odd, so that every edge is met, and large enough for several parts.
 */
class SameBitsTest {
    private static final int HOT_CALLS = 3_000;
    private static final long HOT_NANOS = 25_000_000L;

    /** What one kernel does to its outputs. */
    @FunctionalInterface
    private interface Case {
        void run(Kernels kernels, DType type, Output output);
    }

    /** Collects the bits of all outputs. */
    private static final class Output {
        private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

        FlatBuffer add(FlatBuffer buffer) {
            bytes.writeBytes(Buffers.bytes(buffer));
            return buffer;
        }

        void add(double value) {
            bytes.writeBytes(ByteBuffer.allocate(8).putDouble(value).array());
        }
    }

    private static Map<String, Case> cases() {
        Map<String, Case> cases = new LinkedHashMap<>();
        for (Transpose a : Transpose.values()) {
            for (Transpose b : Transpose.values()) {
                cases.put(
                        "gemm " + a + b, (k, type, out) -> gemm(k, type, out, a, b, 101, 77, 300));
                cases.put(
                        "tiny gemm " + a + b, (k, type, out) -> gemm(k, type, out, a, b, 3, 5, 2));
            }
        }
        for (Activation f : Activation.values()) {
            cases.put("activation " + f, (k, type, out) -> activation(k, type, out, f));
        }
        cases.put("element-wise", SameBitsTest::elementWise);
        cases.put("layer norm", (k, type, out) -> layerNorm(k, type, out, 70, 301));
        cases.put("narrow layer norm", (k, type, out) -> layerNorm(k, type, out, 5, 7));
        cases.put("rms norm", SameBitsTest::rmsNorm);
        cases.put("embedding", SameBitsTest::embedding);
        cases.put("attention", (k, type, out) -> attention(k, type, out, 2, 70, 3, 20));
        cases.put("one head", (k, type, out) -> attention(k, type, out, 1, 37, 1, 8));
        cases.put("cached attention", SameBitsTest::cachedAttention);
        cases.put("cross entropy", SameBitsTest::crossEntropy);
        cases.put("squared error", SameBitsTest::squaredError);
        cases.put("dropout", SameBitsTest::dropout);
        cases.put("moves", SameBitsTest::moves);
        cases.put("fold", SameBitsTest::fold);
        return cases;
    }

    private static void gemm(
            Kernels k, DType type, Output out, Transpose ta, Transpose tb, int m, int n, int d) {
        FlatBuffer a = Buffers.normal(type, (long) m * d, 1);
        FlatBuffer b = Buffers.normal(type, (long) d * n, 2);
        FlatBuffer bias = Buffers.normal(type, n, 3);
        FlatBuffer c = Buffers.zeros(type, (long) m * n);
        k.gemm(ta, tb, m, n, d, a, b, Optional.of(bias), c, false);
        out.add(c);
        k.gemm(ta, tb, m, n, d, a, b, Optional.empty(), c, true);
        out.add(c);
    }

    private static void activation(Kernels k, DType type, Output out, Activation f) {
        FlatBuffer x = Buffers.normal(type, 20_011, 1);
        FlatBuffer dy = Buffers.normal(type, 20_011, 2);
        FlatBuffer y = Buffers.zeros(type, 20_011);
        k.activation(f, x, y);
        out.add(y);
        k.activationBackward(f, x, dy, y, true);
        out.add(y);
    }

    private static void elementWise(Kernels k, DType type, Output out) {
        FlatBuffer x = Buffers.normal(type, 20_011, 1);
        FlatBuffer z = Buffers.normal(type, 20_011, 2);
        FlatBuffer y = Buffers.zeros(type, 20_011);
        FlatBuffer wide = Buffers.zeros(DType.FP32, 20_011);
        k.add(x, z, y);
        out.add(y);
        k.multiply(x, z, y);
        out.add(y);
        k.scale(0.37f, x, y, true);
        out.add(y);
        k.convert(y, wide);
        out.add(wide);
        k.scale(1.1f, wide, wide, false);
        k.convert(wide, y);
        out.add(y);
        out.add(k.allBelow(y, Float.POSITIVE_INFINITY) ? 1 : 0);
        out.add(k.allBelow(y, 1) ? 1 : 0);
    }

    private static void layerNorm(Kernels k, DType type, Output out, int rows, int width) {
        FlatBuffer x = Buffers.normal(type, (long) rows * width, 1);
        FlatBuffer dy = Buffers.normal(type, (long) rows * width, 2);
        FlatBuffer gamma = Buffers.normal(type, width, 3);
        FlatBuffer beta = Buffers.normal(type, width, 4);
        FlatBuffer y = Buffers.zeros(type, (long) rows * width);
        FlatBuffer mean = Buffers.zeros(DType.FP32, rows);
        FlatBuffer reciprocal = Buffers.zeros(DType.FP32, rows);
        FlatBuffer dGamma = Buffers.normal(type, width, 5);
        FlatBuffer dBeta = Buffers.zeros(DType.FP32, width);
        k.layerNorm(x, gamma, beta, rows, width, 1e-5f, y, mean, reciprocal);
        Stream.of(y, mean, reciprocal).forEach(out::add);
        k.layerNormBackward(
                x,
                gamma,
                dy,
                mean,
                reciprocal,
                rows,
                width,
                y,
                true,
                Optional.of(dGamma),
                true,
                Optional.of(dBeta),
                false);
        Stream.of(y, dGamma, dBeta).forEach(out::add);
        k.sumRows(x, rows, width, dGamma, true);
        out.add(dGamma);
    }

    private static void rmsNorm(Kernels k, DType type, Output out) {
        FlatBuffer x = Buffers.normal(type, 70 * 301, 1);
        FlatBuffer dy = Buffers.normal(type, 70 * 301, 2);
        FlatBuffer gamma = Buffers.normal(type, 301, 3);
        FlatBuffer y = Buffers.zeros(type, 70 * 301);
        FlatBuffer reciprocal = Buffers.zeros(DType.FP32, 70);
        FlatBuffer dGamma = Buffers.zeros(type, 301);
        k.rmsNorm(x, gamma, 70, 301, 1e-5f, y, reciprocal);
        Stream.of(y, reciprocal).forEach(out::add);
        k.rmsNormBackward(x, gamma, dy, reciprocal, 70, 301, y, false, Optional.of(dGamma), false);
        Stream.of(y, dGamma).forEach(out::add);
    }

    private static void embedding(Kernels k, DType type, Output out) {
        MemorySegment ids = Buffers.numbers(123, 40, 1);
        FlatBuffer table = Buffers.normal(type, 40 * 515, 2);
        FlatBuffer positions = Buffers.normal(type, 41 * 515, 3);
        FlatBuffer y = Buffers.zeros(type, 123 * 515);
        k.embedding(ids, 123, 515, table, Optional.of(positions), 41, y);
        out.add(y);
        FlatBuffer dy = Buffers.normal(type, 123 * 515, 4);
        k.embeddingBackward(ids, 123, 515, dy, table, true);
        out.add(table);
        k.embeddingBackward(ids, 123, 515, dy, table, false);
        out.add(table);
        k.positionsBackward(dy, 123, 515, 41, positions, true);
        out.add(positions);
    }

    private static void attention(
            Kernels k, DType type, Output out, int sequences, int tokens, int heads, int width) {
        AttentionShape shape = new AttentionShape(sequences, tokens, heads, width);
        long size = (long) sequences * tokens * shape.width();
        FlatBuffer qkv = Buffers.normal(type, 3 * size, 1);
        FlatBuffer dOut = Buffers.normal(type, size, 2);
        FlatBuffer o = Buffers.zeros(type, size);
        FlatBuffer dQkv = Buffers.zeros(type, 3 * size);
        FlatBuffer logSumExp = Buffers.zeros(DType.FP32, (long) sequences * tokens * heads);
        k.causalAttention(shape, qkv, o, logSumExp);
        Stream.of(o, logSumExp).forEach(out::add);
        k.causalAttentionBackward(shape, qkv, o, logSumExp, dOut, dQkv);
        out.add(dQkv);
        k.rope(shape, 0, 10_000, false, qkv, dQkv);
        out.add(dQkv);
    }

    private static void cachedAttention(Kernels k, DType type, Output out) {
        AttentionShape shape = new AttentionShape(1, 40, 3, 20);
        FlatBuffer cache = Buffers.zeros(type, k.attentionCacheElements(shape, 41));
        FlatBuffer o = Buffers.zeros(type, 41 * 60);
        FlatBuffer qkv = Buffers.normal(type, 3 * 41 * 60, 1);
        k.cachedAttention(shape, 0, 41, qkv, cache, o);
        k.cachedAttention(
                new AttentionShape(1, 1, 3, 20),
                40,
                41,
                qkv.slice(40 * 180, 180),
                cache,
                o.slice(40 * 60, 60));
        Stream.of(o, cache).forEach(out::add);
        k.rope(shape, 1, 10_000, false, qkv, qkv);
        out.add(qkv);
    }

    private static void crossEntropy(Kernels k, DType type, Output out) {
        FlatBuffer logits = Buffers.normal(type, 50 * 777, 1);
        int[] targets = Buffers.numbers(50, 777, 2).toArray(ValueLayout.JAVA_INT);
        targets[7] = Kernels.IGNORED_TARGET;
        FlatBuffer max = Buffers.zeros(DType.FP32, 50);
        FlatBuffer sums = Buffers.zeros(DType.FP32, 50);
        FlatBuffer terms = Buffers.zeros(DType.FP32, 50);
        MemorySegment segment = MemorySegment.ofArray(targets);
        out.add(k.softmaxCrossEntropy(logits, segment, 0, 50, 777, max, sums, terms));
        out.add(max);
        out.add(sums);
        out.add(terms);
        k.softmaxCrossEntropyBackward(logits, segment, 50, 0, 777, max, sums, 1.5f, logits);
        out.add(logits);
    }

    private static void squaredError(Kernels k, DType type, Output out) {
        FlatBuffer prediction = Buffers.normal(type, 20_011, 1);
        FlatBuffer target = Buffers.normal(type, 20_011, 2);
        FlatBuffer slope = Buffers.zeros(type, 20_011);
        out.add(k.meanSquaredError(prediction, target));
        k.meanSquaredErrorBackward(prediction, target, 3f, slope);
        out.add(slope);
    }

    private static void dropout(Kernels k, DType type, Output out) {
        FlatBuffer x = Buffers.normal(type, 9 * 2_225, 1);
        k.dropout(new Philox(5, Philox.DROPOUT), 0.3f, 17, 2_225, 4, x, x);
        out.add(x);
    }

    private static void moves(Kernels k, DType type, Output out) {
        FlatBuffer x = Buffers.normal(type, 75 * 301, 1);
        FlatBuffer y = Buffers.normal(type, 75 * 301, 2);
        k.transpose(x, 75, 301, y);
        out.add(y);
        k.copyBlock(x, 11, 301, y, 3, 75, 70, 64, true);
        out.add(y);
    }

    private static void fold(Kernels k, DType type, Output out) {
        FlatBuffer accumulator = Buffers.normal(DType.FP32, 20_480, 1);
        FlatBuffer first = Buffers.normal(type, 20_480, 2);
        FlatBuffer second = Buffers.normal(type, 20_480, 3);
        ExactNorm norm = new ExactNorm();
        k.fold(accumulator, List.of(first, second), false, Optional.of(norm));
        out.add(accumulator);
        out.add(norm.norm());
        k.addSquares(first, norm);
        out.add(norm.norm());
        k.fold(accumulator, List.of(second, first), true, Optional.empty());
        out.add(accumulator);
    }

    private static byte[] run(Case test, Kernels kernels, DType type) {
        Output output = new Output();
        test.run(kernels, type, output);
        return output.bytes.toByteArray();
    }

    @TestFactory
    Stream<DynamicTest> scalarAndVectorColdAndHotOneToThreeWorkers() {
        return cases().entrySet().stream()
                .map(e -> DynamicTest.dynamicTest(e.getKey(), () -> check(e.getValue())));
    }

    private static void check(Case test) {
        for (DType type : DType.values()) {
            byte[] expected = null;
            for (Supplier<Lanes> lanes :
                    List.<Supplier<Lanes>>of(() -> new VectorLanes(0), Lanes::new)) {
                for (int count = 1; count <= 3; count++) {
                    try (Workers workers = new Workers("bits", count)) {
                        Kernels kernels = new HostKernels(workers, lanes);
                        byte[] cold = run(test, kernels, type);
                        expected = expected == null ? cold : expected;
                        assertArrayEquals(expected, cold, type + " " + count + " workers");
                    }
                }
            }
            try (Workers workers = new Workers("hot", 1)) {
                for (Supplier<Lanes> lanes :
                        List.<Supplier<Lanes>>of(() -> new VectorLanes(0), Lanes::new)) {
                    Kernels kernels = new HostKernels(workers, lanes);
                    long end = System.nanoTime() + HOT_NANOS;
                    for (int i = 0; i < HOT_CALLS && System.nanoTime() < end; i++) {
                        run(test, kernels, type);
                    }
                    assertArrayEquals(expected, run(test, kernels, type), type + " hot");
                }
            }
        }
    }
}
