package ds.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ds.core.DType;
import ds.core.FlatBuffer;
import ds.kernels.Kernels;
import ds.kernels.Kernels.Activation;
import ds.kernels.Kernels.AttentionShape;
import ds.kernels.Kernels.Transpose;
import ds.kernels.KernelsProviders;
import ds.kernels.Workers;
import ds.model.Batch;
import ds.testkit.Golden;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Every tensor that one forward and backward pass of the recorded language model stores in 16 bits,
 * line by line: from recorded inputs each line gives the recorded output, rounded once. Ours is the
 * variant with fused residual sums and a fused head; attention's delta is of the stored output.
 */
class RecordedLinesTest {
    private static final int B = 4;
    private static final int T = 16;
    private static final int V = 32;
    private static final int D = 32;
    private static final int H = 2;
    private static final int FF = 64;
    private static final int ROWS = B * T;
    private static final float EPS = 1e-5f;
    private static final double SMALL = 1e-6;
    private static final double FEW = 0.01;

    /** The recorded passes of one type. */
    private enum Pass {
        BF16(DType.BF16, "bf16/fusedhead_fusedres/", "bf16/fusedhead_ostored/"),
        FP16(DType.FP16, "fp16/fusedhead_fusedres_s1024/", "fp16/fusedhead_ostored_s1024/");

        private final DType type;
        private final String fused;
        private final String stored;

        Pass(DType type, String fused, String stored) {
            this.type = type;
            this.fused = fused;
            this.stored = stored;
        }
    }

    /** What is computed, and what of it is not as recorded. */
    private static final class Lines implements AutoCloseable {
        private final Golden golden;
        private final Pass pass;
        private final Arena arena = Arena.ofShared();
        private final Workers workers = new Workers("lines", 1);
        private final Kernels kernels =
                KernelsProviders.in(ModuleLayer.boot())
                        .require(KernelsProviders.HOST)
                        .create(workers);
        private final List<String> mistakes = new ArrayList<>();
        private final TreeSet<String> compared = new TreeSet<>();

        Lines(Golden golden, Pass pass) {
            this.golden = golden;
            this.pass = pass;
        }

        FlatBuffer of(float... values) {
            FlatBuffer buffer = zeros(pass.type, values.length);
            for (int i = 0; i < values.length; i++) {
                buffer.set(i, values[i]);
            }
            return buffer;
        }

        FlatBuffer zeros(DType type, long elements) {
            return FlatBuffer.of(arena.allocate(type.bytesOf(elements), 64), type);
        }

        FlatBuffer made(long elements) {
            return zeros(pass.type, elements);
        }

        FlatBuffer recorded(String name) {
            return of(golden.floats(pass.fused + name));
        }

        FlatBuffer weight(String name) {
            return of(golden.floats("init/" + pass.type.jsonName() + "/" + name));
        }

        void compare(String name, FlatBuffer actual) {
            compare(pass.fused, name, actual);
        }

        void compare(String variant, String name, FlatBuffer actual) {
            float[] expected = golden.floats(variant + name);
            float[] values = actual.toFloats();
            if (name.endsWith("bqkv")) { // the keys' slice is noise around zero
                java.util.Arrays.fill(expected, D, 2 * D, 0);
                java.util.Arrays.fill(values, D, 2 * D, 0);
            }
            double most = 0;
            for (float value : expected) {
                most = Math.max(most, Math.abs(value));
            }
            double small = SMALL * most;
            Map<String, Object> tolerance =
                    Map.of("ulp", 1, "differ", Math.max(2.0 / expected.length, FEW));
            compared.add(name);
            StoredValues.narrow(name, pass.type, tolerance, _ -> small, expected, values)
                    .ifPresent(mistakes::add);
        }

        // The operations of the graph.

        FlatBuffer norm(FlatBuffer x, String name) {
            FlatBuffer y = made((long) ROWS * D);
            kernels.layerNorm(
                    x,
                    weight(name + "_g"),
                    weight(name + "_b"),
                    ROWS,
                    D,
                    EPS,
                    y,
                    zeros(DType.FP32, ROWS),
                    zeros(DType.FP32, ROWS));
            return y;
        }

        /** dx is added to {@code before} if there is one, before the only rounding. */
        FlatBuffer normBack(FlatBuffer x, FlatBuffer dy, String name, Optional<FlatBuffer> before) {
            FlatBuffer mean = zeros(DType.FP32, ROWS);
            FlatBuffer root = zeros(DType.FP32, ROWS);
            kernels.layerNorm(
                    x,
                    weight(name + "_g"),
                    weight(name + "_b"),
                    ROWS,
                    D,
                    EPS,
                    made((long) ROWS * D),
                    mean,
                    root);
            FlatBuffer dx = made((long) ROWS * D);
            before.ifPresent(dx::copyFrom);
            FlatBuffer dGamma = made(D);
            FlatBuffer dBeta = made(D);
            kernels.layerNormBackward(
                    x,
                    weight(name + "_g"),
                    dy,
                    mean,
                    root,
                    ROWS,
                    D,
                    dx,
                    before.isPresent(),
                    Optional.of(dGamma),
                    false,
                    Optional.of(dBeta),
                    false);
            compare("grad." + name + "_g", dGamma);
            compare("grad." + name + "_b", dBeta);
            return dx;
        }

        /** y = (residual +) x wᵀ + b. */
        FlatBuffer linear(
                FlatBuffer x, int in, int out, String w, String b, Optional<FlatBuffer> residual) {
            FlatBuffer y = made((long) ROWS * out);
            residual.ifPresent(y::copyFrom);
            kernels.gemm(
                    Transpose.NO,
                    Transpose.YES,
                    ROWS,
                    out,
                    in,
                    x,
                    weight(w),
                    Optional.of(weight(b)),
                    y,
                    residual.isPresent());
            return y;
        }

        /** Returns dx, and compares the gradients of weight and bias. */
        FlatBuffer linearBack(
                FlatBuffer x, FlatBuffer dy, int in, int out, String w, Optional<String> b) {
            FlatBuffer dx = made((long) ROWS * in);
            kernels.gemm(
                    Transpose.NO,
                    Transpose.NO,
                    ROWS,
                    in,
                    out,
                    dy,
                    weight(w),
                    Optional.empty(),
                    dx,
                    false);
            FlatBuffer dw = made((long) in * out);
            kernels.gemm(
                    Transpose.YES, Transpose.NO, out, in, ROWS, dy, x, Optional.empty(), dw, false);
            compare("grad." + w, dw);
            if (b.isPresent()) {
                FlatBuffer db = made(out);
                kernels.sumRows(dy, ROWS, out, db, false);
                compare("grad." + b.get(), db);
            }
            return dx;
        }

        void forward(MemorySegment ids) {
            FlatBuffer h = made((long) ROWS * D);
            kernels.embedding(ids, ROWS, D, weight("tok"), Optional.of(weight("pos")), T, h);
            compare("h0", h);
            for (int layer = 0; layer < 2; layer++) {
                String l = layer + ".";
                String p = "blocks." + l;
                FlatBuffer in = recorded(inputOf(layer));
                compare(l + "a", norm(in, p + "ln1"));
                compare(
                        l + "qkv",
                        linear(
                                recorded(l + "a"),
                                D,
                                3 * D,
                                p + "wqkv",
                                p + "bqkv",
                                Optional.empty()));
                FlatBuffer o = made((long) ROWS * D);
                kernels.causalAttention(
                        new AttentionShape(B, T, H, D / H),
                        recorded(l + "qkv"),
                        o,
                        zeros(DType.FP32, (long) ROWS * H));
                compare(l + "o", o);
                compare(
                        l + "h_mid",
                        linear(recorded(l + "o"), D, D, p + "wo", p + "bo", Optional.of(in)));
                compare(l + "f", norm(recorded(l + "h_mid"), p + "ln2"));
                compare(
                        l + "u",
                        linear(recorded(l + "f"), D, FF, p + "w1", p + "b1", Optional.empty()));
                FlatBuffer g = made((long) ROWS * FF);
                kernels.activation(Activation.GELU, recorded(l + "u"), g);
                compare(l + "g", g);
                compare(
                        l + "h_out",
                        linear(
                                recorded(l + "g"),
                                FF,
                                D,
                                p + "w2",
                                p + "b2",
                                Optional.of(recorded(l + "h_mid"))));
            }
            compare("hf", norm(recorded("1.h_out"), "lnf"));
        }

        private static String inputOf(int layer) {
            return layer == 0 ? "h0" : "0.h_out";
        }

        void backward(MemorySegment ids, MemorySegment targets, float seed) {
            head(targets, seed);
            compare(
                    "1.d.h_out",
                    normBack(recorded("1.h_out"), recorded("d.hf"), "lnf", Optional.empty()));
            for (int layer = 1; layer >= 0; layer--) {
                block(layer);
            }
            FlatBuffer tok = made((long) V * D);
            kernels.embeddingBackward(ids, ROWS, D, recorded("d.h0"), tok, false);
            compare("grad.tok", tok);
            FlatBuffer pos = made((long) T * D);
            kernels.positionsBackward(recorded("d.h0"), ROWS, D, T, pos, false);
            compare("grad.pos", pos);
        }

        /** Logits and their gradient stay fp32. */
        private void head(MemorySegment targets, float seed) {
            FlatBuffer logits = zeros(DType.FP32, (long) ROWS * V);
            FlatBuffer hf = recorded("hf");
            kernels.gemm(
                    Transpose.NO,
                    Transpose.YES,
                    ROWS,
                    V,
                    D,
                    hf,
                    weight("head"),
                    Optional.empty(),
                    logits,
                    false);
            FlatBuffer max = zeros(DType.FP32, ROWS);
            FlatBuffer sum = zeros(DType.FP32, ROWS);
            FlatBuffer terms = zeros(DType.FP32, ROWS);
            int used = kernels.softmaxCrossEntropy(logits, targets, 0, ROWS, V, max, sum, terms);
            float factor = (float) ((double) seed / used);
            kernels.softmaxCrossEntropyBackward(
                    logits, targets, ROWS, 0, V, max, sum, factor, logits);
            compare("d.hf", linearBack(hf, logits, D, V, "head", Optional.empty()));
        }

        private void block(int layer) {
            String l = layer + ".";
            String p = "blocks." + l;
            FlatBuffer dOut = recorded(l + "d.h_out");
            compare(
                    l + "d.g",
                    linearBack(recorded(l + "g"), dOut, FF, D, p + "w2", Optional.of(p + "b2")));
            FlatBuffer du = made((long) ROWS * FF);
            kernels.activationBackward(
                    Activation.GELU, recorded(l + "u"), recorded(l + "d.g"), du, false);
            compare(l + "d.u", du);
            compare(
                    l + "d.f",
                    linearBack(
                            recorded(l + "f"),
                            recorded(l + "d.u"),
                            D,
                            FF,
                            p + "w1",
                            Optional.of(p + "b1")));
            compare(
                    l + "d.h_mid",
                    normBack(
                            recorded(l + "h_mid"),
                            recorded(l + "d.f"),
                            p + "ln2",
                            Optional.of(dOut)));
            FlatBuffer dMid = recorded(l + "d.h_mid");
            compare(
                    l + "d.o",
                    linearBack(recorded(l + "o"), dMid, D, D, p + "wo", Optional.of(p + "bo")));
            attentionBack(l);
            compare(
                    l + "d.a",
                    linearBack(
                            recorded(l + "a"),
                            recorded(l + "d.qkv"),
                            D,
                            3 * D,
                            p + "wqkv",
                            Optional.of(p + "bqkv")));
            compare(
                    layer == 0 ? "d.h0" : "0.d.h_out",
                    normBack(
                            recorded(inputOf(layer)),
                            recorded(l + "d.a"),
                            p + "ln1",
                            Optional.of(dMid)));
        }

        /** The one line that only the variant with a delta of the stored output has as we have it. */
        private void attentionBack(String l) {
            AttentionShape shape = new AttentionShape(B, T, H, D / H);
            FlatBuffer qkv = of(golden.floats(pass.stored + l + "qkv"));
            FlatBuffer o = made((long) ROWS * D);
            FlatBuffer lse = zeros(DType.FP32, (long) ROWS * H);
            kernels.causalAttention(shape, qkv, o, lse);
            FlatBuffer dQkv = made(3L * ROWS * D);
            kernels.causalAttentionBackward(
                    shape,
                    qkv,
                    of(golden.floats(pass.stored + l + "o")),
                    lse,
                    of(golden.floats(pass.stored + l + "d.o")),
                    dQkv);
            compare(pass.stored, l + "d.qkv", dQkv);
        }

        @Override
        public void close() {
            workers.close();
            arena.close();
        }
    }

    @ParameterizedTest
    @EnumSource(Pass.class)
    void everyStoredTensorIsTheRecordedOne(Pass pass) throws IOException {
        Golden golden = Golden.read("lm16");
        Batch batch = RecordedTrainingTest.tokens(Golden.read("train"), 0, B);
        try (Lines lines = new Lines(golden, pass)) {
            lines.forward(batch.input().data());
            lines.backward(
                    batch.input().data(),
                    batch.target().data(),
                    pass.type == DType.FP16 ? 1024 : 1);
            assertEquals(List.of(), lines.mistakes);
            TreeSet<String> stored = new TreeSet<>(list(golden, pass));
            stored.removeAll(List.of("0.lse", "1.lse", "logits", "row_loss")); // fp32
            assertEquals(stored, lines.compared);
        }
    }

    private static List<String> list(Golden golden, Pass pass) {
        String id = pass.fused.substring(0, pass.fused.length() - 1);
        return ((List<?>) golden.find("cases", id).get("tensors_list"))
                .stream().map(Object::toString).toList();
    }

    /** A residual sum in two roundings, forward and backward, is seen; and a store without one. */
    @ParameterizedTest
    @EnumSource(Pass.class)
    void oneRoundingMoreOrLessIsSeen(Pass pass) throws IOException {
        try (Lines lines = new Lines(Golden.read("lm16"), pass)) {
            FlatBuffer out =
                    lines.linear(
                            lines.recorded("0.o"),
                            D,
                            D,
                            "blocks.0.wo",
                            "blocks.0.bo",
                            Optional.empty());
            lines.kernels.add(out, lines.recorded("h0"), out);
            lines.compare("0.h_mid", out);
            FlatBuffer back =
                    lines.normBack(
                            lines.recorded("0.h_mid"),
                            lines.recorded("0.d.f"),
                            "blocks.0.ln2",
                            Optional.empty());
            lines.kernels.add(back, lines.recorded("0.d.h_out"), back);
            lines.compare("0.d.h_mid", back);
            FlatBuffer wide = lines.zeros(DType.FP32, (long) ROWS * FF);
            lines.kernels.activation(Activation.GELU, lines.recorded("0.u"), wide);
            lines.compare("0.g", wide);
            assertEquals(3, lines.mistakes.size(), lines.mistakes.toString());
            assertTrue(lines.mistakes.getLast().contains("which is no"), lines.mistakes.getLast());
        }
    }
}
