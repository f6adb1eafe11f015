package ds.kernels.host;

import ds.core.FlatBuffer;
import ds.kernels.Kernels.AttentionShape;
import java.util.Arrays;

/**
 * Causal attention of the newest tokens of one sequence, whose earlier keys and values are kept as
 * the tiles read them: per head, keys in panels of {@value Lanes#TILE_COLUMNS} tokens, then values in
 * panels of as many columns. A query meets its keys in the order of {@link Attention}, so that both
 * give the same bits.
 */
final class CachedAttention {
    private static final int QUERIES = Attention.QUERIES;
    private static final int COLUMNS = Lanes.TILE_COLUMNS;

    private final Team team;

    CachedAttention(Team team) {
        this.team = team;
    }

    /** Returns the elements kept for {@code capacity} tokens. */
    static long elements(AttentionShape shape, int capacity) {
        return shape.heads() * (keyElements(shape, capacity) + valueElements(shape, capacity));
    }

    private static long keyElements(AttentionShape shape, int capacity) {
        return (long) Attention.up(capacity, COLUMNS) * shape.headWidth();
    }

    private static long valueElements(AttentionShape shape, int capacity) {
        return (long) capacity * Attention.up(shape.headWidth(), COLUMNS);
    }

    /** One call: {@code shape.tokens()} new tokens after {@code past} kept ones. */
    private record Call(
            AttentionShape shape,
            int past,
            int capacity,
            FlatBuffer qkv,
            FlatBuffer kept,
            FlatBuffer out) {
        int tokens() {
            return shape.tokens();
        }

        int end() {
            return past + shape.tokens();
        }

        long keys(int head) {
            return head * (keyElements(shape, capacity) + valueElements(shape, capacity));
        }

        long values(int head) {
            return keys(head) + keyElements(shape, capacity);
        }
    }

    void run(
            AttentionShape shape,
            int past,
            int capacity,
            FlatBuffer qkv,
            FlatBuffer kept,
            FlatBuffer out) {
        Call call = new Call(shape, past, capacity, qkv, kept, out);
        team.parts(
                shape.heads(),
                (own, head) -> {
                    keepKeys(own, call, head);
                    keepValues(own, call, head);
                    attend(own, call, head);
                });
    }

    private static float[] newRows(Scratch own, Call call, int head, int part) {
        int d = call.shape.headWidth();
        int width = call.shape.width();
        float[] stage = own.slot(Attention.STAGE, Math.max(call.tokens(), QUERIES) * d);
        Attention.loadRows(
                own, call.qkv, 0, call.tokens(), 3 * width, part * width + head * d, d, stage, 0);
        return stage;
    }

    /** Puts the new keys in their panels, of which the first may be half full. */
    private static void keepKeys(Scratch own, Call call, int head) {
        int d = call.shape.headWidth();
        float[] stage = newRows(own, call, head, 1);
        float[] panel = own.slot(Attention.KEYS_ACROSS, COLUMNS * d);
        for (int t0 = call.past / COLUMNS * COLUMNS; t0 < call.end(); t0 += COLUMNS) {
            long at = call.keys(head) + (long) t0 * d;
            if (t0 < call.past) {
                own.load(call.kept, at, panel, 0, COLUMNS * d);
            } else {
                Arrays.fill(panel, 0, COLUMNS * d, 0f);
            }
            int end = Math.min(t0 + COLUMNS, call.end());
            for (int t = Math.max(t0, call.past); t < end; t++) {
                for (int i = 0; i < d; i++) {
                    panel[i * COLUMNS + t - t0] = stage[(t - call.past) * d + i];
                }
            }
            own.store(call.kept, at, panel, 0, COLUMNS * d);
        }
    }

    /** Puts the new values behind the others in each panel of columns. */
    private static void keepValues(Scratch own, Call call, int head) {
        int d = call.shape.headWidth();
        int tokens = call.tokens();
        float[] stage = newRows(own, call, head, 2);
        float[] panels = own.slot(Attention.ALONG, tokens * Attention.up(d, COLUMNS));
        Attention.panelsAlong(own, stage, 0, tokens, d, panels);
        for (int j = 0; j < d; j += COLUMNS) {
            long at = call.values(head) + (long) j * call.capacity + (long) call.past * COLUMNS;
            own.store(call.kept, at, panels, j * tokens, COLUMNS * tokens);
        }
    }

    private static void attend(Scratch own, Call call, int head) {
        int d = call.shape.headWidth();
        int width = call.shape.width();
        int endUp = Attention.up(call.end(), COLUMNS);
        int dUp = Attention.up(d, COLUMNS);
        float scale = Attention.factor(call.shape);
        float[] keys = own.slot(Attention.KEYS_ACROSS, endUp * d);
        own.load(call.kept, call.keys(head), keys, 0, endUp * d);
        float[] values = own.slot(Attention.ALONG, call.end() * dUp);
        for (int j = 0; j < d; j += COLUMNS) {
            long at = call.values(head) + (long) j * call.capacity;
            own.load(call.kept, at, values, j * call.end(), COLUMNS * call.end());
        }
        float[] stage = newRows(own, call, head, 0);
        float[] queryStrips = own.slot(Attention.TILE_STRIPS, QUERIES * d);
        float[] scores = own.slot(Attention.SCORES, QUERIES * endUp);
        float[] weightStrips = own.slot(Attention.STRIPS, QUERIES * endUp);
        float[] result = own.slot(Attention.RESULT, QUERIES * dUp);
        float[] reciprocals = own.slot(Attention.STATISTICS, QUERIES);
        for (int q0 = 0; q0 < call.tokens(); q0 += QUERIES) {
            int rows = Math.min(QUERIES, call.tokens() - q0);
            int first = call.past + q0;
            int visible = first + rows;
            int stride = Attention.up(visible, COLUMNS);
            Attention.strips(own, stage, q0 * d, d, rows, d, queryStrips);
            Attention.multiply(
                    own, queryStrips, keys, COLUMNS * d, rows, visible, d, scores, stride, false);
            for (int i = 0; i < rows; i++) {
                Attention.mask(scores, i * stride, first + i + 1, stride);
                float max = scale * own.lanes.max(scores, i * stride, stride);
                own.lanes.shift(scale, max, scores, i * stride, stride);
            }
            own.lanes.exp(scores, 0, scores, 0, rows * stride);
            for (int i = 0; i < rows; i++) {
                reciprocals[i] = 1f / own.lanes.sum(scores, i * stride, stride);
            }
            Attention.strips(own, scores, 0, stride, rows, visible, weightStrips);
            Attention.multiply(
                    own,
                    weightStrips,
                    values,
                    COLUMNS * call.end(),
                    rows,
                    d,
                    visible,
                    result,
                    dUp,
                    false);
            for (int i = 0; i < rows; i++) {
                own.lanes.scale(reciprocals[i], result, i * dUp, result, i * dUp, d);
                own.store(call.out, (long) (q0 + i) * width + head * d, result, i * dUp, d);
            }
        }
    }
}
