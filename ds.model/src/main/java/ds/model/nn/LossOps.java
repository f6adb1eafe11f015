package ds.model.nn;

import ds.core.DType;
import ds.core.FlatBuffer;
import ds.model.Field;

/** Losses: tensors of one fp32 element that also carry their value in double precision. */
final class LossOps {
    private LossOps() {}

    static Tensor softmaxCrossEntropy(Pass pass, Tensor logits, Field target) {
        int rows = logits.rows();
        check("softmaxCrossEntropy", target, Field.Type.INT32, logits.shape().toString(), rows);
        Node node = pass.node(LossOps::softmaxCrossEntropyBackward);
        Tensor max = pass.statistics(rows);
        Tensor sum = pass.statistics(rows);
        Tensor loss = pass.statistics(1);
        loss.wantsGradient = logits.wantsGradient;
        Buffers.Block block = pass.buffers.take(DType.FP32, rows);
        FlatBuffer terms = block.view(DType.FP32, rows);
        int used =
                pass.kernels()
                        .softmaxCrossEntropy(
                                logits.values(),
                                target.data(),
                                0,
                                rows,
                                logits.width(),
                                max.values(),
                                sum.values(),
                                terms);
        setMean(loss, terms, used);
        pass.buffers.release(block);
        pass.reads(logits);
        node.x = logits;
        node.first = max;
        node.second = sum;
        node.number = used;
        node.ids = target.data();
        node.out = loss;
        return loss;
    }

    /** Makes {@code loss} the mean of the terms of {@code used} rows, summed in fp64 in row order. */
    static void setMean(Tensor loss, FlatBuffer terms, int used) {
        double sum = 0;
        for (long i = 0; i < terms.lengthElements(); i++) {
            sum += terms.get(i);
        }
        loss.loss = used == 0 ? 0 : sum / used;
        loss.values().set(0, (float) loss.loss);
    }

    /** Returns the gradient of one row's term: that of the loss of {@code node}, a mean. */
    static float gradientOfTerm(Node node) {
        double seed = Gradients.present(node.out).gradientValues().get(0);
        return node.number == 0 ? 0 : (float) (seed / node.number);
    }

    private static void softmaxCrossEntropyBackward(Pass pass, Node node) {
        Tensor logits = Gradients.present(node.x);
        if (!logits.wantsGradient) {
            return;
        }
        Buffers.Block own = logits.block;
        boolean inPlace = own != null && own.readers == 1 && logits.gradient == null;
        if (inPlace) { // nobody else needs the logits: their memory becomes their gradient
            pass.buffers.retain(Gradients.present(own));
            logits.gradient = own;
        }
        pass.kernels()
                .softmaxCrossEntropyBackward(
                        logits.values(),
                        node.ids,
                        logits.rows(),
                        0,
                        logits.width(),
                        Gradients.present(node.first).values(),
                        Gradients.present(node.second).values(),
                        gradientOfTerm(node),
                        inPlace ? logits.values() : pass.gradients.begin(logits));
        pass.gradients.end(logits);
    }

    static Tensor meanSquaredError(Pass pass, Tensor prediction, Field target) {
        check(
                "meanSquaredError",
                target,
                Field.Type.FLOAT32,
                prediction.shape().toString(),
                prediction.elements());
        Node node = pass.node(LossOps::meanSquaredErrorBackward);
        Tensor loss = pass.statistics(1);
        loss.wantsGradient = prediction.wantsGradient;
        FlatBuffer wanted = FlatBuffer.of(target.data(), DType.FP32);
        loss.loss = pass.kernels().meanSquaredError(prediction.values(), wanted);
        loss.values().set(0, (float) loss.loss);
        pass.reads(prediction);
        node.x = prediction;
        node.data = wanted;
        node.out = loss;
        return loss;
    }

    private static void meanSquaredErrorBackward(Pass pass, Node node) {
        Tensor prediction = Gradients.present(node.x);
        if (prediction.wantsGradient) {
            pass.kernels()
                    .meanSquaredErrorBackward(
                            prediction.values(),
                            Gradients.present(node.data),
                            Gradients.present(node.out).gradientValues().get(0),
                            pass.gradients.begin(prediction));
            pass.gradients.end(prediction);
        }
    }

    static void check(
            String operation, Field target, Field.Type type, String shape, long elements) {
        long given = target.data().byteSize() / Integer.BYTES;
        if (target.type() != type || given != elements) {
            throw new IllegalArgumentException(
                    "%s: an output of shape %s needs %,d targets of type %s, was given %,d of type %s."
                            .formatted(operation, shape, elements, type, given, target.type()));
        }
    }
}
