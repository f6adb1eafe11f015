package ds.model.nn;

import ds.core.FlatBuffer;

/** Other arrangements of the same elements. Reshaping and whole rows are views, without a copy. */
final class ShapeOps {
    private ShapeOps() {}

    static Tensor reshape(Pass pass, Tensor x, int... sizes) {
        Node node = pass.node(ShapeOps::reshapeBackward);
        Tensor y = pass.tensor(x.wantsGradient);
        y.setShape(sizes);
        if (y.elements() != x.elements()) {
            throw new IllegalArgumentException(
                    "reshape: %s and %s have different numbers of elements."
                            .formatted(x.shape(), y.shape()));
        }
        if (y.rows() != x.rows()) {
            pass.mixesRows("reshape");
        }
        y.block = x.block;
        y.setValues(x.values());
        node.x = x;
        node.out = y;
        return y;
    }

    private static void reshapeBackward(Pass pass, Node node) {
        Tensor y = Gradients.present(node.out);
        pass.gradients.share(Gradients.present(node.x), Gradients.present(y.gradient), y);
    }

    /** Rows {@code from} to {@code from + count} of the matrix that x is. */
    static Tensor rows(Pass pass, Tensor x, int from, int count) {
        checkRange("rows", x, from, count, x.rows());
        pass.mixesRows("rows");
        Node node = pass.node(ShapeOps::rowsBackward);
        Tensor y = pass.tensor(x.wantsGradient);
        y.setShape(count, x.width());
        y.block = x.block;
        y.setValues(x.values().slice((long) from * x.width(), y.elements()));
        pass.reads(x); // a view: nobody may write over x while it lives
        node.x = x;
        node.number = from;
        node.out = y;
        return y;
    }

    private static void rowsBackward(Pass pass, Node node) {
        Tensor x = Gradients.present(node.x);
        if (x.wantsGradient) {
            Tensor y = Gradients.present(node.out);
            FlatBuffer dx = zeroed(pass, x).slice((long) node.number * x.width(), y.elements());
            pass.kernels().add(dx, y.gradientValues(), dx);
        }
    }

    /** Columns {@code from} to {@code from + count}: a copy. */
    static Tensor columns(Pass pass, Tensor x, int from, int count) {
        checkRange("columns", x, from, count, x.width());
        Node node = pass.node(ShapeOps::columnsBackward);
        Tensor y = pass.like(x, count, x.type(), x.wantsGradient);
        copy(pass, x.values(), from, x.width(), y.values(), 0, count, x.rows(), count, false);
        node.x = x;
        node.number = from;
        node.out = y;
        return y;
    }

    private static void columnsBackward(Pass pass, Node node) {
        Tensor x = Gradients.present(node.x);
        Tensor y = Gradients.present(node.out);
        if (x.wantsGradient) {
            FlatBuffer dx = zeroed(pass, x);
            int width = y.width();
            copy(
                    pass,
                    y.gradientValues(),
                    0,
                    width,
                    dx,
                    node.number,
                    x.width(),
                    x.rows(),
                    width,
                    true);
        }
    }

    /** Puts two tensors side by side along the last dimension. */
    static Tensor concat(Pass pass, Tensor a, Tensor b) {
        if (a.rows() != b.rows() || a.type() != b.type()) {
            throw new IllegalArgumentException(
                    "concat: %s and %s differ in more than the last size."
                            .formatted(a.shape(), b.shape()));
        }
        Node node = pass.node(ShapeOps::concatBackward);
        int width = a.width() + b.width();
        Tensor y = pass.like(a, width, a.type(), a.wantsGradient || b.wantsGradient);
        int rows = a.rows();
        copy(pass, a.values(), 0, a.width(), y.values(), 0, width, rows, a.width(), false);
        copy(pass, b.values(), 0, b.width(), y.values(), a.width(), width, rows, b.width(), false);
        node.x = a;
        node.y = b;
        node.out = y;
        return y;
    }

    private static void concatBackward(Pass pass, Node node) {
        Tensor a = Gradients.present(node.x);
        Tensor b = Gradients.present(node.y);
        Tensor y = Gradients.present(node.out);
        takeColumns(pass, y, 0, a);
        takeColumns(pass, y, a.width(), b);
    }

    private static void takeColumns(Pass pass, Tensor y, int from, Tensor x) {
        if (x.wantsGradient) {
            FlatBuffer dx = pass.gradients.of(x);
            boolean add = pass.gradients.adding();
            copy(
                    pass,
                    y.gradientValues(),
                    from,
                    y.width(),
                    dx,
                    0,
                    x.width(),
                    x.rows(),
                    x.width(),
                    add);
        }
    }

    /** The transposed matrix: a copy. */
    static Tensor transpose(Pass pass, Tensor x) {
        pass.mixesRows("transpose");
        Node node = pass.node(ShapeOps::transposeBackward);
        Tensor y = pass.tensor(x.wantsGradient);
        y.setShape(x.width(), x.rows());
        pass.allocate(y, x.type());
        pass.kernels().transpose(x.values(), x.rows(), x.width(), y.values());
        node.x = x;
        node.out = y;
        return y;
    }

    private static void transposeBackward(Pass pass, Node node) {
        Tensor x = Gradients.present(node.x);
        if (x.wantsGradient) {
            Tensor y = Gradients.present(node.out);
            FlatBuffer dx = pass.gradients.begin(x);
            pass.kernels().transpose(y.gradientValues(), y.rows(), y.width(), dx);
            pass.gradients.end(x);
        }
    }

    private static FlatBuffer zeroed(Pass pass, Tensor x) {
        FlatBuffer dx = pass.gradients.of(x);
        if (!pass.gradients.adding()) {
            dx.zero();
        }
        return dx;
    }

    private static void copy(
            Pass pass,
            FlatBuffer from,
            long fromOffset,
            long fromStride,
            FlatBuffer to,
            long toOffset,
            long toStride,
            int rows,
            int width,
            boolean accumulate) {
        pass.kernels()
                .copyBlock(
                        from,
                        fromOffset,
                        fromStride,
                        to,
                        toOffset,
                        toStride,
                        rows,
                        width,
                        accumulate);
    }

    private static void checkRange(String operation, Tensor x, int from, int count, int limit) {
        if (from < 0 || count < 1 || from > limit - count) {
            throw new IllegalArgumentException(
                    "%s: %d from %d are not inside the %d of %s."
                            .formatted(operation, count, from, limit, x.shape()));
        }
    }
}
