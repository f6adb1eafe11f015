package ds.model.nn;

import ds.core.DType;
import ds.core.FlatBuffer;
import ds.model.Field;
import org.jspecify.annotations.Nullable;

/**
 * Cross entropy of logits that exist in tiles only: some rows of all classes in the forward pass, all
 * rows of some classes in the backward pass, which computes them again. Every sum is that of whole
 * logits, in the same order, so the bits are the same with kernels that add products in blocks of
 * {@value #TILE_CLASSES}, as the host's do.
 */
final class TiledLoss {
    /** The most bytes of logits that are stored as a whole, and of a tile of the forward pass. */
    static final long LOGITS_BYTES = 64L << 20;

    /** Classes of a tile: the depth of one fma chain, so that tiles add up as a product does. */
    private static final int TILE_CLASSES = 256;

    private TiledLoss() {}

    /** Returns the type of the logits: fp32, but where products are cast. */
    static DType typeOfLogits(Pass pass) {
        return pass.castsProducts() ? pass.productType() : DType.FP32;
    }

    static Tensor linearCrossEntropy(Pass pass, Tensor input, Slot weight, Field target) {
        DType type = typeOfLogits(pass);
        Tensor x = pass.castsProducts() ? ElementOps.cast(pass, input, type) : input;
        int rows = x.rows();
        int classes = weight.rows();
        int width = x.width();
        Node node = pass.node(TiledLoss::backward);
        Tensor max = pass.statistics(rows);
        Tensor sum = pass.statistics(rows);
        Tensor loss = pass.statistics(1);
        loss.wantsGradient = x.wantsGradient || weight.parameter().trainable();
        int most = Math.clamp(LOGITS_BYTES / type.bytesOf(classes), 1, rows);
        Buffers.Block tile = pass.buffers.take(type, (long) most * classes);
        Buffers.Block block = pass.buffers.take(DType.FP32, rows);
        FlatBuffer terms = block.view(DType.FP32, rows);
        MatrixOps.Operand w = MatrixOps.Operand.of(pass, weight);
        int used = 0;
        for (int first = 0; first < rows; first += most) {
            int count = Math.min(most, rows - first);
            FlatBuffer logits = tile.view(type, (long) count * classes);
            FlatBuffer some = x.values().slice((long) first * width, (long) count * width);
            MatrixOps.gemm(
                    pass, false, true, count, classes, width, some, w.values(), logits, false);
            used +=
                    pass.kernels()
                            .softmaxCrossEntropy(
                                    logits,
                                    target.data(),
                                    first,
                                    count,
                                    classes,
                                    max.values(),
                                    sum.values(),
                                    terms);
        }
        w.close();
        LossOps.setMean(loss, terms, used);
        pass.buffers.release(block);
        pass.buffers.release(tile);
        pass.countProduct(rows, classes, width);
        pass.reads(x);
        node.x = x;
        node.first = max;
        node.second = sum;
        node.number = used;
        node.ids = target.data();
        node.weight = weight;
        node.out = loss;
        return loss;
    }

    private static void backward(Pass pass, Node node) {
        Tensor x = Gradients.present(node.x);
        Slot weight = Gradients.present(node.weight);
        Buffers.@Nullable Block dx =
                x.wantsGradient ? pass.buffers.take(DType.FP32, x.elements()) : null;
        MatrixOps.Operand w = MatrixOps.Operand.of(pass, weight);
        if (pass.gradient(weight).wanted()) {
            MatrixOps.handOver(
                    pass, weight, (target, add) -> tiles(pass, node, w.values(), dx, target, add));
        } else {
            tiles(pass, node, w.values(), dx, null, false);
        }
        w.close();
        if (dx != null) {
            pass.gradients.share(x, dx, DType.FP32);
            pass.buffers.release(dx);
        }
    }

    /** Goes through the classes; fills {@code dx} and {@code dWeight} where they are wanted. */
    private static void tiles(
            Pass pass,
            Node node,
            FlatBuffer weight,
            Buffers.@Nullable Block dx,
            @Nullable FlatBuffer dWeight,
            boolean addToWeight) {
        Tensor x = Gradients.present(node.x);
        DType type = typeOfLogits(pass);
        int rows = x.rows();
        int width = x.width();
        int classes = Math.toIntExact(weight.lengthElements() / width);
        float factor = LossOps.gradientOfTerm(node);
        Buffers.Block tile = pass.buffers.take(type, (long) rows * TILE_CLASSES);
        for (int first = 0; first < classes; first += TILE_CLASSES) {
            int count = Math.min(TILE_CLASSES, classes - first);
            FlatBuffer dLogits = tile.view(type, (long) rows * count);
            FlatBuffer some = weight.slice((long) first * width, (long) count * width);
            MatrixOps.gemm(pass, false, true, rows, count, width, x.values(), some, dLogits, false);
            pass.kernels()
                    .softmaxCrossEntropyBackward(
                            dLogits,
                            node.ids,
                            rows,
                            first,
                            count,
                            Gradients.present(node.first).values(),
                            Gradients.present(node.second).values(),
                            factor,
                            dLogits);
            if (dx != null) {
                FlatBuffer sum = dx.view(DType.FP32, x.elements());
                MatrixOps.gemm(
                        pass, false, false, rows, width, count, dLogits, some, sum, first > 0);
            }
            if (dWeight != null) {
                FlatBuffer own = dWeight.slice((long) first * width, (long) count * width);
                MatrixOps.gemm(
                        pass,
                        true,
                        false,
                        count,
                        width,
                        rows,
                        dLogits,
                        x.values(),
                        own,
                        addToWeight);
            }
        }
        pass.buffers.release(tile);
    }
}
