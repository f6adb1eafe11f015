package ds.model.nn;

import ds.core.FlatBuffer;
import ds.kernels.Kernels.AttentionShape;
import ds.model.Field;
import ds.model.Gradient;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Operations on sequences of tokens: tensors of shape [sequences, tokens, width]. */
final class TokenOps {
    private TokenOps() {}

    static Tensor embedding(Pass pass, Field ids, Slot table, @Nullable Slot positions) {
        if (ids.type() != Field.Type.INT32 || ids.shape().size() > 1) {
            throw new IllegalArgumentException(
                    "embedding: token ids are INT32 with one dimension per sample, was given %s %s."
                            .formatted(ids.type(), ids.shape()));
        }
        int tokens = Math.toIntExact(ids.elementsPerSample());
        int rows = Math.toIntExact(ids.data().byteSize() / Integer.BYTES);
        int width = table.width();
        int past = pass.past();
        if (ids != pass.batch().input()) {
            pass.mixesRows("embedding of other numbers than the batch's input");
        }
        if (positions != null && (positions.width() != width || positions.rows() - past < tokens)) {
            throw new IllegalArgumentException(
                    "embedding: '%s' %s cannot place %d tokens of width %d; shorten the input or widen the table."
                            .formatted(
                                    positions.parameter().name(),
                                    positions.parameter().shape(),
                                    past + tokens,
                                    width));
        }
        Node node = pass.node(TokenOps::embeddingBackward);
        Tensor y =
                pass.tensor(
                        table.parameter().trainable()
                                || positions != null && positions.parameter().trainable());
        y.setShape(rows / tokens, tokens, width);
        pass.allocate(y, pass.storedType());
        pass.kernels()
                .embedding(
                        ids.data(),
                        rows,
                        width,
                        pass.open(table),
                        positions == null
                                ? Optional.empty()
                                : Optional.of(from(pass.open(positions), past * (long) width)),
                        tokens,
                        y.values());
        if (positions != null) {
            pass.close(positions);
        }
        pass.close(table);
        node.ids = ids.data();
        node.number = tokens;
        node.weight = table;
        node.bias = positions;
        node.out = y;
        return y;
    }

    private static FlatBuffer from(FlatBuffer table, long element) {
        return element == 0 ? table : table.slice(element, table.lengthElements() - element);
    }

    private static void embeddingBackward(Pass pass, Node node) {
        Tensor y = Gradients.present(node.out);
        FlatBuffer dy = y.gradientValues();
        int rows = y.rows();
        int width = y.width();
        int tokens = node.number;
        var ids = node.ids;
        Gradient dTable = pass.gradient(Gradients.present(node.weight));
        if (dTable.wanted()) {
            dTable.accumulate(
                    (target, add) ->
                            pass.kernels().embeddingBackward(ids, rows, width, dy, target, add));
        }
        if (node.bias != null) {
            Gradient dPositions = pass.gradient(node.bias);
            if (dPositions.wanted()) {
                dPositions.accumulate(
                        (target, add) ->
                                pass.kernels()
                                        .positionsBackward(dy, rows, width, tokens, target, add));
            }
        }
    }

    static AttentionShape shape(String operation, Tensor qkv, int heads) {
        if (qkv.rank() < 2 || heads < 1 || qkv.width() % (3 * heads) != 0) {
            throw new IllegalArgumentException(
                    "%s: %s cannot be [..., tokens, 3 x width] with %d heads; the last size must be a multiple of %d."
                            .formatted(operation, qkv.shape(), heads, 3 * heads));
        }
        int tokens = qkv.size(-2);
        return new AttentionShape(qkv.rows() / tokens, tokens, heads, qkv.width() / 3 / heads);
    }

    static Tensor causalAttention(Pass pass, Tensor qkv, int heads) {
        AttentionShape shape = shape("causalAttention", qkv, heads);
        Node node = pass.node(TokenOps::causalAttentionBackward);
        Tensor logSumExp =
                pass.statistics((long) shape.sequences() * shape.heads() * shape.tokens());
        Tensor y = pass.like(qkv, shape.width(), pass.storedType(), qkv.wantsGradient);
        KeyValues kept = pass.kept();
        if (kept != null && kept.isAllocated()) {
            kept.attend(pass.kernels(), shape, qkv.values(), y.values());
        } else {
            pass.kernels().causalAttention(shape, qkv.values(), y.values(), logSumExp.values());
            if (kept != null) {
                kept.note(shape, qkv.type(), pass.batch().input().elementsPerSample());
            }
        }
        // Scores and weighted values, of which causality leaves half.
        pass.countProduct((long) shape.sequences() * shape.tokens(), shape.tokens(), shape.width());
        pass.reads(qkv);
        pass.reads(y);
        node.x = qkv;
        node.first = logSumExp;
        node.attention = shape;
        node.out = y;
        return y;
    }

    private static void causalAttentionBackward(Pass pass, Node node) {
        Tensor qkv = Gradients.present(node.x);
        Tensor y = Gradients.present(node.out);
        if (qkv.wantsGradient) {
            pass.kernels()
                    .causalAttentionBackward(
                            node.attention,
                            qkv.values(),
                            y.values(),
                            Gradients.present(node.first).values(),
                            y.gradientValues(),
                            pass.gradients.begin(qkv));
            pass.gradients.end(qkv);
        }
    }

    static Tensor rope(Pass pass, Tensor qkv, int heads, double base) {
        AttentionShape shape = shape("rope", qkv, heads);
        Node node = pass.node(TokenOps::ropeBackward);
        Tensor y = pass.like(qkv, qkv.width(), qkv.type(), qkv.wantsGradient);
        pass.kernels().rope(shape, pass.past(), base, false, qkv.values(), y.values());
        node.x = qkv;
        node.attention = shape;
        node.base = base;
        node.out = y;
        return y;
    }

    private static void ropeBackward(Pass pass, Node node) {
        Tensor qkv = Gradients.present(node.x);
        if (qkv.wantsGradient) {
            FlatBuffer dy = Gradients.present(node.out).gradientValues();
            pass.kernels().rope(node.attention, 0, node.base, true, dy, pass.gradients.begin(qkv));
            pass.gradients.end(qkv);
        }
    }
}
