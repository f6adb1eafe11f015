package ds.model.nn;

import ds.core.DType;
import ds.core.FlatBuffer;
import ds.model.Gradient;
import java.util.Optional;

/** Normalization of rows. Statistics are kept in fp32. */
final class NormOps {
    private NormOps() {}

    static Tensor layerNorm(Pass pass, Tensor x, Slot gamma, Slot beta, float eps) {
        check("layerNorm", x, gamma);
        check("layerNorm", x, beta);
        Node node = pass.node(NormOps::layerNormBackward);
        boolean wants =
                x.wantsGradient || gamma.parameter().trainable() || beta.parameter().trainable();
        Tensor mean = pass.statistics(x.rows());
        Tensor reciprocal = pass.statistics(x.rows());
        Tensor y = pass.like(x, x.width(), pass.storedType(), wants);
        pass.kernels()
                .layerNorm(
                        x.values(),
                        pass.open(gamma),
                        pass.open(beta),
                        x.rows(),
                        x.width(),
                        eps,
                        y.values(),
                        mean.values(),
                        reciprocal.values());
        pass.close(beta);
        pass.close(gamma);
        pass.reads(x);
        node.x = x;
        node.first = mean;
        node.second = reciprocal;
        node.weight = gamma;
        node.bias = beta;
        node.out = y;
        return y;
    }

    private static void layerNormBackward(Pass pass, Node node) {
        Tensor x = Gradients.present(node.x);
        Slot gamma = Gradients.present(node.weight);
        Slot beta = Gradients.present(node.bias);
        Gradient dGamma = pass.gradient(gamma);
        Gradient dBeta = pass.gradient(beta);
        // The kernel makes all three at once, so the small ones pass through scratch rows.
        Buffers.Block gammaRow = pass.buffers.take(DType.FP32, x.width());
        Buffers.Block betaRow = pass.buffers.take(DType.FP32, x.width());
        Buffers.Block unused = null;
        FlatBuffer dx;
        boolean add = false;
        if (x.wantsGradient) {
            dx = pass.gradients.of(x);
            add = pass.gradients.adding();
        } else {
            unused = pass.buffers.take(x.type(), x.elements());
            dx = unused.view(x.type(), x.elements());
        }
        FlatBuffer gammaSum = gammaRow.view(DType.FP32, x.width());
        FlatBuffer betaSum = betaRow.view(DType.FP32, x.width());
        pass.kernels()
                .layerNormBackward(
                        x.values(),
                        pass.open(gamma),
                        Gradients.present(node.out).gradientValues(),
                        Gradients.present(node.first).values(),
                        Gradients.present(node.second).values(),
                        x.rows(),
                        x.width(),
                        dx,
                        add,
                        dGamma.wanted() ? Optional.of(gammaSum) : Optional.empty(),
                        false,
                        dBeta.wanted() ? Optional.of(betaSum) : Optional.empty(),
                        false);
        pass.close(gamma);
        if (dGamma.wanted()) {
            dGamma.accumulate(gammaSum);
        }
        if (dBeta.wanted()) {
            dBeta.accumulate(betaSum);
        }
        if (unused != null) {
            pass.buffers.release(unused);
        }
        pass.buffers.release(betaRow);
        pass.buffers.release(gammaRow);
    }

    static Tensor rmsNorm(Pass pass, Tensor x, Slot gamma, float eps) {
        check("rmsNorm", x, gamma);
        Node node = pass.node(NormOps::rmsNormBackward);
        Tensor reciprocal = pass.statistics(x.rows());
        Tensor y =
                pass.like(
                        x,
                        x.width(),
                        pass.storedType(),
                        x.wantsGradient || gamma.parameter().trainable());
        pass.kernels()
                .rmsNorm(
                        x.values(),
                        pass.open(gamma),
                        x.rows(),
                        x.width(),
                        eps,
                        y.values(),
                        reciprocal.values());
        pass.close(gamma);
        pass.reads(x);
        node.x = x;
        node.first = reciprocal;
        node.weight = gamma;
        node.out = y;
        return y;
    }

    private static void rmsNormBackward(Pass pass, Node node) {
        Tensor x = Gradients.present(node.x);
        Slot gamma = Gradients.present(node.weight);
        Gradient dGamma = pass.gradient(gamma);
        Buffers.Block gammaRow = pass.buffers.take(DType.FP32, x.width());
        FlatBuffer gammaSum = gammaRow.view(DType.FP32, x.width());
        Buffers.Block unused = null;
        FlatBuffer dx;
        boolean add = false;
        if (x.wantsGradient) {
            dx = pass.gradients.of(x);
            add = pass.gradients.adding();
        } else {
            unused = pass.buffers.take(x.type(), x.elements());
            dx = unused.view(x.type(), x.elements());
        }
        pass.kernels()
                .rmsNormBackward(
                        x.values(),
                        pass.open(gamma),
                        Gradients.present(node.out).gradientValues(),
                        Gradients.present(node.first).values(),
                        x.rows(),
                        x.width(),
                        dx,
                        add,
                        dGamma.wanted() ? Optional.of(gammaSum) : Optional.empty(),
                        false);
        pass.close(gamma);
        if (dGamma.wanted()) {
            dGamma.accumulate(gammaSum);
        }
        if (unused != null) {
            pass.buffers.release(unused);
        }
        pass.buffers.release(gammaRow);
    }

    private static void check(String operation, Tensor x, Slot parameter) {
        if (parameter.parameter().elements() != x.width()) {
            throw new IllegalArgumentException(
                    "%s: an input of shape %s does not fit '%s' %s; it needs one element per column."
                            .formatted(
                                    operation,
                                    x.shape(),
                                    parameter.parameter().name(),
                                    parameter.parameter().shape()));
        }
    }
}
