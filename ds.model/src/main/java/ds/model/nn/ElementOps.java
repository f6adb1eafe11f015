package ds.model.nn;

import ds.core.DType;
import ds.core.FlatBuffer;
import ds.kernels.Kernels;

/** Operations element by element. Results are stored as their first operand is. */
final class ElementOps {
    private static final Node.Backward ACTIVATION_BACKWARD = ElementOps::activationBackward;

    private ElementOps() {}

    /** Returns whether a node of the tape is an activation. */
    static boolean isActivation(Node node) {
        return node.backward == ACTIVATION_BACKWARD;
    }

    static Tensor activation(Pass pass, Kernels.Activation function, Tensor x) {
        Tensor y = activationOf(pass, function, x);
        pass.kernels().activation(function, x.values(), y.values());
        return y;
    }

    /** Records an activation whose values somebody else computes. */
    static Tensor activationOf(Pass pass, Kernels.Activation function, Tensor x) {
        Node node = pass.node(ACTIVATION_BACKWARD);
        Tensor y = pass.like(x, x.width(), x.type(), x.wantsGradient);
        pass.reads(x);
        node.x = x;
        node.activation = function;
        node.out = y;
        return y;
    }

    private static void activationBackward(Pass pass, Node node) {
        Tensor x = Gradients.present(node.x);
        Tensor y = Gradients.present(node.out);
        if (x.wantsGradient) {
            FlatBuffer dy = y.gradientValues();
            FlatBuffer dx = pass.gradients.inPlace(x, y);
            pass.kernels()
                    .activationBackward(
                            node.activation, x.values(), dy, dx, pass.gradients.adding());
        }
    }

    static Tensor add(Pass pass, Tensor a, Tensor b) {
        checkSame("add", a, b);
        Node node = pass.node(ElementOps::addBackward);
        Tensor y = pass.like(a, a.width(), a.type(), a.wantsGradient || b.wantsGradient);
        pass.kernels().add(a.values(), b.values(), y.values());
        y.loss = a.loss + b.loss;
        node.x = a;
        node.y = b;
        node.out = y;
        return y;
    }

    private static void addBackward(Pass pass, Node node) {
        Tensor y = Gradients.present(node.out);
        Buffers.Block dy = Gradients.present(y.gradient);
        pass.gradients.share(Gradients.present(node.y), dy, y);
        pass.gradients.share(Gradients.present(node.x), dy, y);
    }

    static Tensor multiply(Pass pass, Tensor a, Tensor b) {
        checkSame("multiply", a, b);
        Node node = pass.node(ElementOps::multiplyBackward);
        Tensor y = pass.like(a, a.width(), a.type(), a.wantsGradient || b.wantsGradient);
        pass.kernels().multiply(a.values(), b.values(), y.values());
        pass.reads(a);
        pass.reads(b);
        node.x = a;
        node.y = b;
        node.out = y;
        return y;
    }

    private static void multiplyBackward(Pass pass, Node node) {
        Tensor a = Gradients.present(node.x);
        Tensor b = Gradients.present(node.y);
        FlatBuffer dy = Gradients.present(node.out).gradientValues();
        multiplyInto(pass, a, b, dy);
        multiplyInto(pass, b, a, dy);
    }

    private static void multiplyInto(Pass pass, Tensor x, Tensor factor, FlatBuffer dy) {
        if (x.wantsGradient) {
            pass.kernels().multiply(dy, factor.values(), pass.gradients.begin(x));
            pass.gradients.end(x);
        }
    }

    private static void checkSame(String operation, Tensor a, Tensor b) {
        if (!a.shape().equals(b.shape())) {
            throw new IllegalArgumentException(
                    "%s: shapes %s and %s differ; reshape one of them."
                            .formatted(operation, a.shape(), b.shape()));
        }
    }

    static Tensor scale(Pass pass, float factor, Tensor x) {
        Node node = pass.node(ElementOps::scaleBackward);
        Tensor y = pass.like(x, x.width(), x.type(), x.wantsGradient);
        pass.kernels().scale(factor, x.values(), y.values(), false);
        y.loss = factor * x.loss;
        node.x = x;
        node.factor = factor;
        node.out = y;
        return y;
    }

    private static void scaleBackward(Pass pass, Node node) {
        Tensor x = Gradients.present(node.x);
        if (x.wantsGradient) {
            FlatBuffer dy = Gradients.present(node.out).gradientValues();
            FlatBuffer dx = pass.gradients.of(x);
            pass.kernels().scale(node.factor, dy, dx, pass.gradients.adding());
        }
    }

    /** The same elements stored in {@code type}; {@code x} itself if it is. */
    static Tensor cast(Pass pass, Tensor x, DType type) {
        if (x.type() == type) {
            return x;
        }
        Node node = pass.node(ElementOps::castBackward);
        Tensor y = pass.like(x, x.width(), type, x.wantsGradient);
        pass.kernels().convert(x.values(), y.values());
        node.x = x;
        node.out = y;
        return y;
    }

    private static void castBackward(Pass pass, Node node) {
        Tensor y = Gradients.present(node.out);
        pass.gradients.share(Gradients.present(node.x), Gradients.present(y.gradient), y);
    }

    static Tensor dropout(Pass pass, float p, Tensor x) {
        if (p < 0 || p >= 1) {
            throw new IllegalArgumentException(
                    "A dropout rate must be in [0, 1), was %s.".formatted(p));
        }
        if (!pass.isTraining() || p == 0) {
            return x;
        }
        Node node = pass.node(ElementOps::dropoutBackward);
        Tensor y = pass.like(x, x.width(), x.type(), x.wantsGradient);
        node.number = pass.nextDropout();
        node.x = x;
        node.factor = p;
        node.out = y;
        mask(pass, node, x.values(), y.values());
        return y;
    }

    private static void dropoutBackward(Pass pass, Node node) {
        Tensor x = Gradients.present(node.x);
        if (x.wantsGradient) {
            FlatBuffer dy = Gradients.present(node.out).gradientValues();
            mask(pass, node, dy, pass.gradients.begin(x));
            pass.gradients.end(x);
        }
    }

    private static void mask(Pass pass, Node node, FlatBuffer from, FlatBuffer to) {
        int samples = pass.batch().samples();
        if (from.lengthElements() % samples != 0) {
            throw new IllegalArgumentException(
                    "dropout: %,d elements are not a whole number for each of %d samples."
                            .formatted(from.lengthElements(), samples));
        }
        pass.kernels()
                .dropout(
                        pass.context().dropout(),
                        node.factor,
                        pass.batch().firstSample(),
                        from.lengthElements() / samples,
                        node.number,
                        from,
                        to);
    }
}
