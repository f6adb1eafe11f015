package ds.it;

import ds.core.DType;
import ds.core.FlatBuffer;
import ds.kernels.Kernels;
import ds.kernels.Kernels.Activation;
import ds.kernels.Kernels.Transpose;
import ds.testkit.Golden;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * One recorded operation, done by our kernels on the recorded inputs. Where the record fuses what is
 * two kernels here, the value between them stays in fp32.
 */
final class RecordedOperation {
    private final Golden golden;
    private final Kernels kernels;
    private final Map<String, Object> recorded;
    private final DType type;
    private final DType stored;
    private final Arena arena = Arena.ofAuto();
    private final Map<String, float[]> outputs = new LinkedHashMap<>();

    /**
     * Reads an operation.
     *
     * @param stored the type of results: the recorded one, or fp32 to leave the last rounding out
     */
    RecordedOperation(
            Golden golden,
            Kernels kernels,
            Map<String, Object> recorded,
            DType type,
            DType stored) {
        this.golden = golden;
        this.kernels = kernels;
        this.recorded = recorded;
        this.type = type;
        this.stored = stored;
    }

    /** Returns the results by name. */
    Map<String, float[]> run() {
        String op = (String) recorded.get("op");
        switch (op) {
            case "matmul" -> product(Optional.empty());
            case "matmul_bias" -> product(Optional.of(input("bias")));
            case "linear_bwd" -> productBackward();
            case "gelu_tanh", "gelu_erf", "silu", "relu" -> keep("y", activation(named(op), "x"));
            case "gelu_tanh_bwd", "gelu_erf_bwd", "silu_bwd", "relu_bwd" ->
                    keep(
                            "dx",
                            slope(named(op.replace("_bwd", "")), input("x"), input("dy"), stored));
            case "bias_gelu" -> biasGelu();
            case "bias_gelu_bwd" -> biasGeluBackward();
            case "swiglu" -> swiglu();
            case "swiglu_bwd" -> swigluBackward();
            case "layernorm", "rmsnorm" -> norm(op.equals("layernorm"));
            case "layernorm_bwd", "rmsnorm_bwd" -> normBackward(op.equals("layernorm_bwd"));
            case "attention", "attention_bwd" -> attention(op.equals("attention_bwd"));
            case "embedding", "tok_pos" -> embedding(op.equals("tok_pos"));
            case "embedding_bwd" -> embeddingBackward();
            case "softmax_ce" -> crossEntropy();
            case "add" -> add();
            case "scale" -> scale();
            case "rope" -> rope();
            case "exhaustive" -> everyPattern();
            default -> throw new IllegalArgumentException("operation " + op);
        }
        return outputs;
    }

    /**
     * Returns the results with the value in the middle rounded as well, of the operations where there
     * is one; empty for others.
     */
    Map<String, float[]> roundedTwice() {
        switch ((String) recorded.get("op")) {
            case "matmul_bias" -> biasedProductInTwoSteps();
            case "bias_gelu" -> keep("y", rounded(wide(Activation.GELU, rounded(biased()))));
            case "swiglu" ->
                    keep("y", product(activation(Activation.SILU, "a"), input("b"), stored));
            case "rmsnorm" -> normInTwoSteps();
            default -> {
                // There is nothing in the middle.
            }
        }
        return outputs;
    }

    private void biasedProductInTwoSteps() {
        product(Optional.empty());
        int n = number("N");
        FlatBuffer c = of(stored, outputs.get("C"));
        for (int row = 0; row < number("M"); row++) {
            FlatBuffer part = c.slice((long) row * n, n);
            kernels.add(part, input("bias"), part);
        }
        keep("C", c);
    }

    /** Hugging Face's Llama: the normalized row is rounded before it meets gamma. */
    private void normInTwoSteps() {
        int rows = size("x", 0);
        int width = size("x", 1);
        FlatBuffer ones = zeros(type, width);
        for (int i = 0; i < width; i++) {
            ones.set(i, 1);
        }
        FlatBuffer y = zeros(stored, (long) rows * width);
        FlatBuffer root = zeros(DType.FP32, rows);
        kernels.rmsNorm(input("x"), ones, rows, width, real("eps"), y, root);
        for (int row = 0; row < rows; row++) {
            FlatBuffer part = y.slice((long) row * width, width);
            kernels.multiply(part, input("g"), part);
        }
        keep("y", y);
        keep("rstd", root);
    }

    static Activation named(String op) {
        return switch (op) {
            case "gelu_tanh" -> Activation.GELU;
            case "gelu_erf" -> Activation.GELU_ERF;
            case "silu" -> Activation.SILU;
            case "relu" -> Activation.RELU;
            default -> throw new IllegalArgumentException("activation " + op);
        };
    }

    // Operands.

    int number(String parameter) {
        return ((Number) Golden.object(recorded.get("params")).get(parameter)).intValue();
    }

    private float real(String parameter) {
        return ((Number) Golden.object(recorded.get("params")).get(parameter)).floatValue();
    }

    private String tensor(String name) {
        return (String) Golden.object(recorded.get("inputs")).get(name);
    }

    private int size(String name, int dimension) {
        List<Integer> shape = golden.shape(tensor(name));
        return shape.get(dimension < 0 ? shape.size() + dimension : dimension);
    }

    FlatBuffer input(String name) {
        return of(type, golden.floats(tensor(name)));
    }

    float[] values(String name) {
        return golden.floats(tensor(name));
    }

    private MemorySegment ints(String name) {
        return MemorySegment.ofArray(golden.ints(tensor(name)));
    }

    FlatBuffer of(DType of, float... values) {
        FlatBuffer buffer = zeros(of, values.length);
        for (int i = 0; i < values.length; i++) {
            buffer.set(i, values[i]);
        }
        return buffer;
    }

    FlatBuffer zeros(DType of, long elements) {
        return FlatBuffer.of(arena.allocate(of.bytesOf(elements), 64), of);
    }

    void keep(String name, FlatBuffer result) {
        outputs.put(name, result.toFloats());
    }

    /** Returns fp32 values rounded once. */
    FlatBuffer rounded(FlatBuffer wide) {
        FlatBuffer made = zeros(stored, wide.lengthElements());
        kernels.convert(wide, made);
        return made;
    }

    // Products.

    private static Transpose transposed(int flag) {
        return flag == 0 ? Transpose.NO : Transpose.YES;
    }

    private void product(Optional<FlatBuffer> bias) {
        FlatBuffer c = zeros(stored, (long) number("M") * number("N"));
        kernels.gemm(
                transposed(number("transA")),
                transposed(number("transB")),
                number("M"),
                number("N"),
                number("K"),
                input("A"),
                input("B"),
                bias,
                c,
                false);
        keep("C", c);
    }

    private void productBackward() {
        int m = number("M");
        int n = number("N");
        int k = number("K");
        FlatBuffer dy = input("dy");
        FlatBuffer dx = zeros(stored, (long) m * k);
        kernels.gemm(
                Transpose.NO, Transpose.NO, m, k, n, dy, input("W"), Optional.empty(), dx, false);
        keep("dx", dx);
        for (DType of : List.of(stored, DType.FP32)) {
            String suffix = of == DType.FP32 ? "_f32" : "";
            FlatBuffer dw = zeros(of, (long) n * k);
            kernels.gemm(
                    Transpose.YES,
                    Transpose.NO,
                    n,
                    k,
                    m,
                    dy,
                    input("x"),
                    Optional.empty(),
                    dw,
                    false);
            keep("dW" + suffix, dw);
            FlatBuffer db = zeros(of, n);
            kernels.sumRows(dy, m, n, db, false);
            keep("db" + suffix, db);
        }
        rename();
    }

    /** Where the last rounding is left out both results are fp32. */
    private void rename() {
        if (stored == DType.FP32) {
            Map<String, float[]> wide = new LinkedHashMap<>(outputs);
            wide.forEach((name, value) -> outputs.put(name.replace("_f32", ""), value));
        }
    }

    // Element by element.

    private FlatBuffer activation(Activation f, String x) {
        FlatBuffer from = input(x);
        FlatBuffer y = zeros(stored, from.lengthElements());
        kernels.activation(f, from, y);
        return y;
    }

    private FlatBuffer wide(Activation f, FlatBuffer x) {
        FlatBuffer y = zeros(DType.FP32, x.lengthElements());
        kernels.activation(f, x, y);
        return y;
    }

    private FlatBuffer slope(Activation f, FlatBuffer x, FlatBuffer dy, DType of) {
        FlatBuffer dx = zeros(of, x.lengthElements());
        kernels.activationBackward(f, x, dy, dx, false);
        return dx;
    }

    private FlatBuffer product(FlatBuffer a, FlatBuffer b, DType of) {
        FlatBuffer y = zeros(of, a.lengthElements());
        kernels.multiply(a, b, y);
        return y;
    }

    /** Returns x + b in fp32, the row added to each row. */
    private FlatBuffer biased() {
        FlatBuffer sum = of(DType.FP32, values("x"));
        FlatBuffer bias = input("b");
        int width = size("x", 1);
        for (int row = 0; row < size("x", 0); row++) {
            FlatBuffer part = sum.slice((long) row * width, width);
            kernels.add(part, bias, part);
        }
        return sum;
    }

    private void biasGelu() {
        keep("y", rounded(wide(Activation.GELU, biased())));
    }

    private void biasGeluBackward() {
        FlatBuffer t = slope(Activation.GELU, biased(), input("dy"), DType.FP32);
        keep("dx", rounded(t));
        for (DType of : List.of(stored, DType.FP32)) {
            FlatBuffer db = zeros(of, size("x", 1));
            kernels.sumRows(t, size("x", 0), size("x", 1), db, false);
            keep(of == DType.FP32 ? "db_f32" : "db", db);
        }
        rename();
    }

    private void swiglu() {
        keep("y", product(wide(Activation.SILU, input("a")), input("b"), stored));
    }

    private void swigluBackward() {
        FlatBuffer a = input("a");
        FlatBuffer dy = input("dy");
        keep("da", slope(Activation.SILU, a, product(dy, input("b"), DType.FP32), stored));
        keep("db", product(dy, wide(Activation.SILU, a), stored));
    }

    private void add() {
        FlatBuffer a = input("a");
        FlatBuffer y = zeros(stored, a.lengthElements());
        kernels.add(a, input("b"), y);
        keep("y", y);
    }

    private void scale() {
        FlatBuffer x = input("x");
        FlatBuffer y = zeros(stored, x.lengthElements());
        kernels.scale(real("s"), x, y, false);
        keep("y", y);
    }

    private void everyPattern() {
        FlatBuffer x = zeros(type, 1 << Short.SIZE);
        for (int i = 0; i < 1 << Short.SIZE; i++) {
            x.segment().set(FlatBuffer.SHORT, 2L * i, (short) i);
        }
        FlatBuffer y = zeros(stored, x.lengthElements());
        kernels.activation(named((String) recorded.get("f")), x, y);
        keep("y", y);
    }

    // Norms.

    private void norm(boolean centered) {
        int rows = size("x", 0);
        int width = size("x", 1);
        FlatBuffer y = zeros(stored, (long) rows * width);
        FlatBuffer mean = zeros(DType.FP32, rows);
        FlatBuffer root = zeros(DType.FP32, rows);
        float eps = real("eps");
        if (centered) {
            kernels.layerNorm(input("x"), input("g"), input("b"), rows, width, eps, y, mean, root);
            keep("mean", mean);
        } else {
            kernels.rmsNorm(input("x"), input("g"), rows, width, eps, y, root);
        }
        keep("y", y);
        keep("rstd", root);
    }

    private void normBackward(boolean centered) {
        int rows = size("x", 0);
        int width = size("x", 1);
        FlatBuffer x = input("x");
        FlatBuffer g = input("g");
        FlatBuffer mean = zeros(DType.FP32, rows);
        FlatBuffer root = zeros(DType.FP32, rows);
        FlatBuffer y = zeros(type, (long) rows * width);
        if (centered) {
            kernels.layerNorm(x, g, zeros(type, width), rows, width, real("eps"), y, mean, root);
        } else {
            kernels.rmsNorm(x, g, rows, width, real("eps"), y, root);
        }
        for (DType of : List.of(stored, DType.FP32)) {
            String suffix = of == DType.FP32 ? "_f32" : "";
            FlatBuffer dx = zeros(stored, (long) rows * width);
            FlatBuffer dGamma = zeros(of, width);
            FlatBuffer dBeta = zeros(of, width);
            if (centered) {
                kernels.layerNormBackward(
                        x,
                        g,
                        input("dy"),
                        mean,
                        root,
                        rows,
                        width,
                        dx,
                        false,
                        Optional.of(dGamma),
                        false,
                        Optional.of(dBeta),
                        false);
                keep("dbeta" + suffix, dBeta);
            } else {
                kernels.rmsNormBackward(
                        x,
                        g,
                        input("dy"),
                        root,
                        rows,
                        width,
                        dx,
                        false,
                        Optional.of(dGamma),
                        false);
            }
            keep("dx", dx);
            keep("dgamma" + suffix, dGamma);
        }
        rename();
    }

    // Tokens.

    private void attention(boolean backward) {
        RecordedAttention attention = new RecordedAttention(this, kernels, type, stored, backward);
        attention.run();
    }

    /** Returns whether every query sees every key. */
    boolean unmasked() {
        return Boolean.FALSE.equals(Golden.object(recorded.get("params")).get("causal"));
    }

    private void embedding(boolean positions) {
        String table = positions ? "tok" : "table";
        int tokens = size("ids", 1);
        int rows = size("ids", 0) * tokens;
        int width = size(table, 1);
        FlatBuffer y = zeros(stored, (long) rows * width);
        kernels.embedding(
                ints("ids"),
                rows,
                width,
                input(table),
                positions ? Optional.of(input("pos")) : Optional.empty(),
                tokens,
                y);
        keep(positions ? "h" : "y", y);
    }

    private void embeddingBackward() {
        int rows = size("ids", 0) * size("ids", 1);
        int width = size("dy", -1);
        for (DType of : List.of(stored, DType.FP32)) {
            FlatBuffer table = zeros(of, (long) number("V") * width);
            kernels.embeddingBackward(ints("ids"), rows, width, input("dy"), table, false);
            keep(of == DType.FP32 ? "dtable_f32" : "dtable", table);
        }
        rename();
    }

    private void crossEntropy() {
        int rows = size("logits", 0);
        int classes = size("logits", 1);
        FlatBuffer logits = input("logits");
        FlatBuffer max = zeros(DType.FP32, rows);
        FlatBuffer sum = zeros(DType.FP32, rows);
        FlatBuffer terms = zeros(DType.FP32, rows);
        int used =
                kernels.softmaxCrossEntropy(
                        logits, ints("target"), 0, rows, classes, max, sum, terms);
        double total = 0;
        FlatBuffer lse = zeros(DType.FP32, rows);
        for (int row = 0; row < rows; row++) {
            total += terms.get(row);
            lse.set(row, (float) (max.get(row) + Math.log(sum.get(row))));
        }
        keep("loss", of(DType.FP32, used == 0 ? 0 : (float) (total / used)));
        keep("lse", lse);
        FlatBuffer dLogits = zeros(stored, (long) rows * classes);
        float factor = used == 0 ? 0 : (float) ((double) real("seed") / used);
        kernels.softmaxCrossEntropyBackward(
                logits, ints("target"), rows, 0, classes, max, sum, factor, dLogits);
        keep("dlogits", dLogits);
        keep("row_loss", terms);
    }

    /** The kernel rotates q and k of fused rows; the record's heads take the place of q. */
    private void rope() {
        int heads = size("x", 1);
        int tokens = size("x", 2);
        int d = size("x", 3);
        int first = number("pos0");
        int width = heads * d;
        float[] x = values("x");
        FlatBuffer qkv = zeros(type, 3L * tokens * width);
        for (int h = 0; h < heads; h++) {
            for (int t = 0; t < tokens; t++) {
                for (int i = 0; i < d; i++) {
                    qkv.set(3L * t * width + h * d + i, x[(h * tokens + t) * d + i]);
                }
            }
        }
        FlatBuffer out = zeros(stored, qkv.lengthElements());
        kernels.rope(
                new Kernels.AttentionShape(1, tokens, heads, d),
                first,
                real("theta"),
                false,
                qkv,
                out);
        FlatBuffer y = zeros(stored, x.length);
        for (int h = 0; h < heads; h++) {
            for (int t = 0; t < tokens; t++) {
                for (int i = 0; i < d; i++) {
                    y.set(((long) h * tokens + t) * d + i, out.get(3L * t * width + h * d + i));
                }
            }
        }
        keep("y", y);
    }
}
