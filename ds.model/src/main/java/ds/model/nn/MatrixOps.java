package ds.model.nn;

import ds.core.DType;
import ds.core.FlatBuffer;
import ds.kernels.Kernels;
import ds.kernels.Kernels.Transpose;
import ds.model.Gradient;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Products of matrices. Weights are stored [out, in]. */
final class MatrixOps {
    private MatrixOps() {}

    /**
     * y = (residual +) x wᵀ (+ b), one rounding. Where products are cast, operands are rounded first,
     * the product is stored in their type, and the sum with the residual is an operation of its own.
     */
    static Tensor linear(
            Pass pass,
            @Nullable Tensor residual,
            Tensor x,
            Slot weight,
            @Nullable Slot bias,
            DType type) {
        check(x, weight, bias);
        if (!pass.castsProducts()) {
            return product(pass, residual, x, weight, bias, type);
        }
        DType cast = pass.productType();
        Tensor y = product(pass, null, ElementOps.cast(pass, x, cast), weight, bias, cast);
        return residual == null ? y : ElementOps.add(pass, residual, y);
    }

    /** f(x wᵀ + b): two operations that run as one, unless products are cast. */
    static Tensor linearActivation(
            Pass pass, Tensor x, Slot weight, Slot bias, Kernels.Activation f, DType type) {
        if (pass.castsProducts()) {
            return ElementOps.activation(pass, f, linear(pass, null, x, weight, bias, type));
        }
        check(x, weight, bias);
        return product(pass, null, x, weight, bias, type, f);
    }

    private static Tensor product(
            Pass pass,
            @Nullable Tensor residual,
            Tensor x,
            Slot weight,
            @Nullable Slot bias,
            DType type) {
        return product(pass, residual, x, weight, bias, type, null);
    }

    private static Tensor product(
            Pass pass,
            @Nullable Tensor residual,
            Tensor x,
            Slot weight,
            @Nullable Slot bias,
            DType type,
            Kernels.@Nullable Activation f) {
        int out = weight.rows();
        int in = weight.width();
        Node node = pass.node(MatrixOps::linearBackward);
        boolean wants =
                x.wantsGradient
                        || weight.parameter().trainable()
                        || bias != null && bias.parameter().trainable()
                        || residual != null && residual.wantsGradient;
        Tensor y = pass.like(x, out, type, wants);
        if (residual != null) {
            if (residual.elements() != y.elements() || residual.type() != type) {
                throw new IllegalArgumentException(
                        "The sum of %s and the product %s needs equal shapes and types."
                                .formatted(residual.shape(), y.shape()));
            }
        }
        Operand w = Operand.of(pass, weight);
        Operand b = bias == null ? null : Operand.of(pass, bias);
        Optional<FlatBuffer> row = b == null ? Optional.empty() : Optional.of(b.values());
        Tensor result = y;
        if (residual != null) {
            pass.kernels()
                    .gemmPlus(
                            Transpose.NO,
                            Transpose.YES,
                            x.rows(),
                            out,
                            in,
                            x.values(),
                            w.values(),
                            row,
                            residual.values(),
                            y.values());
        } else if (f == null) {
            pass.kernels()
                    .gemm(
                            Transpose.NO,
                            Transpose.YES,
                            x.rows(),
                            out,
                            in,
                            x.values(),
                            w.values(),
                            row,
                            y.values(),
                            false);
        } else {
            result = ElementOps.activationOf(pass, f, y);
            pass.kernels()
                    .gemmActivation(
                            Transpose.NO,
                            Transpose.YES,
                            x.rows(),
                            out,
                            in,
                            x.values(),
                            w.values(),
                            row,
                            y.values(),
                            f,
                            result.values());
        }
        if (b != null) {
            b.close();
        }
        w.close();
        pass.countProduct(x.rows(), out, in);
        pass.reads(x);
        node.x = x;
        node.y = residual;
        node.weight = weight;
        node.bias = bias;
        node.out = y;
        return result;
    }

    static void check(Tensor x, Slot weight, @Nullable Slot bias) {
        if (weight.parameter().shape().size() != 2 || x.width() != weight.width()) {
            throw new IllegalArgumentException(
                    "linear: an input of shape %s does not fit '%s' %s; its width must be the weight's second size."
                            .formatted(
                                    x.shape(),
                                    weight.parameter().name(),
                                    weight.parameter().shape()));
        }
        if (bias != null && bias.parameter().elements() != weight.rows()) {
            throw new IllegalArgumentException(
                    "linear: '%s' %s does not fit '%s' %s; a bias has as many elements as the weight has rows."
                            .formatted(
                                    bias.parameter().name(),
                                    bias.parameter().shape(),
                                    weight.parameter().name(),
                                    weight.parameter().shape()));
        }
    }

    private static void linearBackward(Pass pass, Node node) {
        Tensor x = Gradients.present(node.x);
        Tensor y = Gradients.present(node.out);
        Slot weight = Gradients.present(node.weight);
        Slot bias = node.bias;
        FlatBuffer dy = y.gradientValues();
        int rows = x.rows();
        int out = weight.rows();
        int in = weight.width();
        if (x.wantsGradient) {
            inputGradient(pass, node, x, weight, dy);
        }
        handOver(
                pass,
                weight,
                (target, add) ->
                        pass.kernels()
                                .gemm(
                                        Transpose.YES,
                                        Transpose.NO,
                                        out,
                                        in,
                                        rows,
                                        dy,
                                        x.values(),
                                        Optional.empty(),
                                        target,
                                        add));
        if (bias != null) {
            handOver(
                    pass,
                    bias,
                    (target, add) -> pass.kernels().sumRows(dy, rows, out, target, add));
        }
        if (node.y != null) {
            pass.gradients.share(node.y, Gradients.present(y.gradient), y);
        }
    }

    /**
     * dx (+)= dy w; where x is what the operation just before made of z by a function, and the
     * gradient of x is complete with this, that of z at once.
     */
    private static void inputGradient(Pass pass, Node node, Tensor x, Slot weight, FlatBuffer dy) {
        int rows = x.rows();
        int out = weight.rows();
        int in = weight.width();
        Node before = pass.activationBefore(node);
        Operand w = Operand.of(pass, weight);
        if (before != null && before.out == x && x.gradient == null) {
            Tensor z = Gradients.present(before.x);
            FlatBuffer dz = pass.gradients.of(z);
            pass.kernels()
                    .gemmActivationBackward(
                            Transpose.NO,
                            Transpose.NO,
                            rows,
                            in,
                            out,
                            dy,
                            w.values(),
                            before.activation,
                            z.values(),
                            dz);
        } else {
            FlatBuffer dx = pass.gradients.of(x);
            boolean add = pass.gradients.adding();
            pass.kernels()
                    .gemm(
                            Transpose.NO,
                            Transpose.NO,
                            rows,
                            in,
                            out,
                            dy,
                            w.values(),
                            Optional.empty(),
                            dx,
                            add);
        }
        w.close();
    }

    /** Hands a gradient over; where products are cast it is rounded to their type before. */
    static void handOver(Pass pass, Slot slot, Gradient.Writer writer) {
        Gradient gradient = pass.gradient(slot);
        if (!gradient.wanted()) {
            return;
        }
        if (!pass.castsProducts()) {
            gradient.accumulate(writer);
            return;
        }
        long elements = slot.parameter().elements();
        Buffers.Block block = pass.buffers.take(pass.productType(), elements);
        FlatBuffer rounded = block.view(pass.productType(), elements);
        writer.write(rounded, false);
        gradient.accumulate(rounded);
        pass.buffers.release(block);
    }

    /** The values of a parameter as products read them: rounded to their type where that differs. */
    record Operand(Pass pass, Slot slot, FlatBuffer values, Buffers.@Nullable Block rounded) {
        static Operand of(Pass pass, Slot slot) {
            FlatBuffer open = pass.open(slot);
            if (!pass.castsProducts()) {
                return new Operand(pass, slot, open, null);
            }
            long elements = open.lengthElements();
            Buffers.Block block = pass.buffers.take(pass.productType(), elements);
            FlatBuffer values = block.view(pass.productType(), elements);
            pass.kernels().convert(open, values);
            return new Operand(pass, slot, values, block);
        }

        void close() {
            if (rounded != null) {
                pass.buffers.release(rounded);
            }
            pass.close(slot);
        }
    }

    /** y = op(a) op(b) of two matrices. */
    static Tensor multiply(
            Pass pass, Tensor left, boolean transposeA, Tensor right, boolean transposeB) {
        pass.mixesRows("matmul");
        boolean casts = pass.castsProducts();
        Tensor a = casts ? ElementOps.cast(pass, left, pass.productType()) : left;
        Tensor b = casts ? ElementOps.cast(pass, right, pass.productType()) : right;
        int m = transposeA ? a.width() : a.rows();
        int k = transposeA ? a.rows() : a.width();
        int n = transposeB ? b.rows() : b.width();
        int kOfB = transposeB ? b.width() : b.rows();
        if (k != kOfB) {
            throw new IllegalArgumentException(
                    "matmul: %s%s and %s%s do not fit; the inner sizes are %d and %d."
                            .formatted(
                                    a.shape(),
                                    transposeA ? " transposed" : "",
                                    b.shape(),
                                    transposeB ? " transposed" : "",
                                    k,
                                    kOfB));
        }
        Node node = pass.node(MatrixOps::multiplyBackward);
        Tensor y = pass.tensor(a.wantsGradient || b.wantsGradient);
        y.setShape(m, n);
        pass.allocate(y, pass.productType());
        gemm(pass, transposeA, transposeB, m, n, k, a.values(), b.values(), y.values(), false);
        pass.countProduct(m, n, k);
        pass.reads(a);
        pass.reads(b);
        node.x = a;
        node.y = b;
        node.flagX = transposeA;
        node.flagY = transposeB;
        node.out = y;
        return y;
    }

    private static void multiplyBackward(Pass pass, Node node) {
        Tensor a = Gradients.present(node.x);
        Tensor b = Gradients.present(node.y);
        Tensor y = Gradients.present(node.out);
        FlatBuffer dy = y.gradientValues();
        int m = y.rows();
        int n = y.width();
        int k = node.flagX ? a.rows() : a.width();
        if (a.wantsGradient) {
            FlatBuffer da = pass.gradients.of(a);
            boolean add = pass.gradients.adding();
            if (node.flagX) {
                gemm(pass, node.flagY, true, k, m, n, b.values(), dy, da, add);
            } else {
                gemm(pass, false, !node.flagY, m, k, n, dy, b.values(), da, add);
            }
        }
        if (b.wantsGradient) {
            FlatBuffer db = pass.gradients.of(b);
            boolean add = pass.gradients.adding();
            if (node.flagY) {
                gemm(pass, true, node.flagX, n, k, m, dy, a.values(), db, add);
            } else {
                gemm(pass, !node.flagX, false, k, n, m, a.values(), dy, db, add);
            }
        }
    }

    static void gemm(
            Pass pass,
            boolean transposeA,
            boolean transposeB,
            int m,
            int n,
            int k,
            FlatBuffer a,
            FlatBuffer b,
            FlatBuffer c,
            boolean accumulate) {
        pass.kernels()
                .gemm(
                        transposeA ? Transpose.YES : Transpose.NO,
                        transposeB ? Transpose.YES : Transpose.NO,
                        m,
                        n,
                        k,
                        a,
                        b,
                        Optional.empty(),
                        c,
                        accumulate);
    }
}
