package ds.kernels.host;

import ds.core.FlatBuffer;
import ds.kernels.Kernels.AttentionShape;
import java.util.Arrays;

/**
 * Causal softmax attention by tiles of {@value #QUERIES} queries, which skip all keys after their
 * last query. A part is one head of one sequence (forward: or some query tiles of it); tiles and
 * sums are the same for every number of workers.
 */
final class Attention {
    static final int QUERIES = 32;
    private static final int ROWS = Lanes.TILE_ROWS;
    private static final int COLUMNS = Lanes.TILE_COLUMNS;

    // Slots of Scratch. Matrices are row-major; "panels" are packed as the right factor.
    static final int STAGE = 3;
    static final int KEYS_ACROSS = 4;
    private static final int VALUES_ACROSS = 5;
    static final int ALONG = 6;
    static final int TILE_STRIPS = 7;
    static final int SCORES = 8;
    private static final int SLOPES = 9;
    static final int STRIPS = 10;
    static final int RESULT = 11;
    private static final int TILE_PANELS = 12;
    private static final int KEY_SLOPES = 13;
    private static final int VALUE_SLOPES = 14;
    static final int STATISTICS = 15;

    private final Team team;

    Attention(Team team) {
        this.team = team;
    }

    static int up(int count, int unit) {
        return (count + unit - 1) / unit * unit;
    }

    static float factor(AttentionShape shape) {
        return (float) (1.0 / Math.sqrt(shape.headWidth()));
    }

    /** Reads rows of one head's columns. */
    static void loadRows(
            Scratch own,
            FlatBuffer from,
            long row,
            int rows,
            int rowWidth,
            int column,
            int width,
            float[] to,
            int offset) {
        own.loadRows(from, row * rowWidth + column, rowWidth, rows, width, to, offset);
    }

    /** Packs stage[rows, width] as panels of rows: the right factor of X · stageᵀ. */
    private static void panelsAcross(
            Scratch own, float[] stage, int rows, int width, float[] panels) {
        for (int j = 0; j < rows; j += COLUMNS) {
            own.lanes.packAcross(
                    stage,
                    j * width,
                    width,
                    Math.min(COLUMNS, rows - j),
                    width,
                    panels,
                    j * width,
                    COLUMNS);
        }
    }

    /** Packs stage[rows, width] as panels of columns: the right factor of X · stage. */
    static void panelsAlong(
            Scratch own, float[] stage, int offset, int rows, int width, float[] panels) {
        for (int j = 0; j < width; j += COLUMNS) {
            own.lanes.packAlong(
                    stage,
                    offset + j,
                    width,
                    Math.min(COLUMNS, width - j),
                    rows,
                    panels,
                    j * rows,
                    COLUMNS);
        }
    }

    /** Packs matrix[rows, depth] from {@code offset} in strips of rows: the left factor of matrix · X. */
    static void strips(
            Scratch own,
            float[] matrix,
            int offset,
            int stride,
            int rows,
            int depth,
            float[] strips) {
        for (int i = 0; i < rows; i += ROWS) {
            own.lanes.packAcross(
                    matrix,
                    offset + i * stride,
                    stride,
                    Math.min(ROWS, rows - i),
                    depth,
                    strips,
                    i * depth,
                    ROWS);
        }
    }

    /**
     * c[rows, columns] = strips · panels; panel p starts at p · panelSize and its first {@code
     * depth} rows count.
     */
    static void multiply(
            Scratch own,
            float[] strips,
            float[] panels,
            int panelSize,
            int rows,
            int columns,
            int depth,
            float[] c,
            int stride,
            boolean add) {
        own.lanes.multiplyTiles(
                strips,
                0,
                rows,
                panels,
                0,
                panelSize,
                columns,
                depth,
                c,
                0,
                stride,
                add ? c : null,
                0,
                stride);
    }

    /** Makes scores from {@code count} on such that their exponential is 0. */
    static void mask(float[] scores, int offset, int count, int stride) {
        Arrays.fill(scores, offset + count, offset + stride, Float.NEGATIVE_INFINITY);
    }

    void forward(AttentionShape shape, FlatBuffer qkv, FlatBuffer out, FlatBuffer logSumExp) {
        int heads = shape.sequences() * shape.heads();
        int tiles = (shape.tokens() + QUERIES - 1) / QUERIES;
        int wanted = team.workers().count() == 1 ? 1 : 2 * team.workers().count();
        int groups = Math.clamp((wanted + heads - 1L) / Math.max(heads, 1), 1, Math.max(tiles, 1));
        team.parts(
                heads * groups,
                (own, part) ->
                        forwardHead(
                                own,
                                shape,
                                qkv,
                                out,
                                logSumExp,
                                part / groups,
                                part % groups,
                                groups));
    }

    private static void forwardHead(
            Scratch own,
            AttentionShape shape,
            FlatBuffer qkv,
            FlatBuffer out,
            FlatBuffer logSumExp,
            int head,
            int group,
            int groups) {
        int tokens = shape.tokens();
        int d = shape.headWidth();
        int width = shape.width();
        long row = (long) (head / shape.heads()) * tokens;
        int column = head % shape.heads() * d;
        int tokensUp = up(tokens, COLUMNS);
        int dUp = up(d, COLUMNS);
        float scale = factor(shape);
        float[] stage = own.slot(STAGE, tokens * d);
        float[] keys = own.slot(KEYS_ACROSS, tokensUp * d);
        float[] values = own.slot(ALONG, tokens * dUp);
        loadRows(own, qkv, row, tokens, 3 * width, width + column, d, stage, 0);
        panelsAcross(own, stage, tokens, d, keys);
        loadRows(own, qkv, row, tokens, 3 * width, 2 * width + column, d, stage, 0);
        panelsAlong(own, stage, 0, tokens, d, values);
        float[] queryStrips = own.slot(TILE_STRIPS, QUERIES * d);
        float[] scores = own.slot(SCORES, QUERIES * tokensUp);
        float[] weightStrips = own.slot(STRIPS, QUERIES * tokensUp);
        float[] result = own.slot(RESULT, QUERIES * dUp);
        float[] statistics = own.slot(STATISTICS, 3 * QUERIES);
        for (int q0 = group * QUERIES; q0 < tokens; q0 += groups * QUERIES) {
            int rows = Math.min(QUERIES, tokens - q0);
            int visible = q0 + rows;
            loadRows(own, qkv, row + q0, rows, 3 * width, column, d, stage, 0);
            strips(own, stage, 0, d, rows, d, queryStrips);
            int stride = up(visible, COLUMNS);
            multiply(own, queryStrips, keys, COLUMNS * d, rows, visible, d, scores, stride, false);
            for (int i = 0; i < rows; i++) {
                mask(scores, i * stride, q0 + i + 1, stride);
                float max = scale * own.lanes.max(scores, i * stride, stride);
                own.lanes.shift(scale, max, scores, i * stride, stride);
                statistics[i] = max;
            }
            own.lanes.exp(scores, 0, scores, 0, rows * stride);
            for (int i = 0; i < rows; i++) {
                float sum = own.lanes.sum(scores, i * stride, stride);
                statistics[i] += FloatMath.log(sum);
                statistics[QUERIES + i] = 1f / sum;
            }
            own.store(logSumExp, (long) head * tokens + q0, statistics, 0, rows);
            strips(own, scores, 0, stride, rows, visible, weightStrips);
            multiply(
                    own,
                    weightStrips,
                    values,
                    COLUMNS * tokens,
                    rows,
                    d,
                    visible,
                    result,
                    dUp,
                    false);
            for (int i = 0; i < rows; i++) {
                own.lanes.scale(statistics[QUERIES + i], result, i * dUp, result, i * dUp, d);
            }
            own.storeRows(out, (row + q0) * width + column, width, rows, d, result, 0, dUp);
        }
    }

    void backward(
            AttentionShape shape,
            FlatBuffer qkv,
            FlatBuffer out,
            FlatBuffer logSumExp,
            FlatBuffer dOut,
            FlatBuffer dQkv) {
        team.parts(
                shape.sequences() * shape.heads(),
                (own, head) ->
                        new Backward(own, shape, qkv, out, logSumExp, dOut, dQkv, head).run());
    }

    /** The gradient of one head of one sequence. */
    private static final class Backward {
        private final Scratch own;
        private final FlatBuffer qkv;
        private final FlatBuffer out;
        private final FlatBuffer logSumExp;
        private final FlatBuffer dOut;
        private final FlatBuffer dQkv;
        private final int head;
        private final int tokens;
        private final int d;
        private final int width;
        private final long row;
        private final int column;
        private final int tokensUp;
        private final int dUp;
        private final float scale;
        private final float[] stage;
        private final float[] keysAcross;
        private final float[] valuesAcross;
        private final float[] keysAlong;
        private final float[] tileStrips;
        private final float[] scores;
        private final float[] slopes;
        private final float[] strips;
        private final float[] result;
        private final float[] tilePanels;
        private final float[] keySlopes;
        private final float[] valueSlopes;
        private final float[] statistics;

        Backward(
                Scratch own,
                AttentionShape shape,
                FlatBuffer qkv,
                FlatBuffer out,
                FlatBuffer logSumExp,
                FlatBuffer dOut,
                FlatBuffer dQkv,
                int head) {
            this.own = own;
            this.qkv = qkv;
            this.out = out;
            this.logSumExp = logSumExp;
            this.dOut = dOut;
            this.dQkv = dQkv;
            this.head = head;
            tokens = shape.tokens();
            d = shape.headWidth();
            width = shape.width();
            row = (long) (head / shape.heads()) * tokens;
            column = head % shape.heads() * d;
            tokensUp = up(tokens, COLUMNS);
            dUp = up(d, COLUMNS);
            scale = factor(shape);
            stage = own.slot(STAGE, Math.max(tokens, 3 * QUERIES) * d);
            keysAcross = own.slot(KEYS_ACROSS, tokensUp * d);
            valuesAcross = own.slot(VALUES_ACROSS, tokensUp * d);
            keysAlong = own.slot(ALONG, tokens * dUp);
            tileStrips = own.slot(TILE_STRIPS, QUERIES * d);
            scores = own.slot(SCORES, QUERIES * tokensUp);
            slopes = own.slot(SLOPES, QUERIES * tokensUp);
            strips = own.slot(STRIPS, QUERIES * tokensUp);
            result = own.slot(RESULT, QUERIES * dUp);
            tilePanels = own.slot(TILE_PANELS, QUERIES * dUp);
            keySlopes = own.slot(KEY_SLOPES, tokensUp * dUp);
            valueSlopes = own.slot(VALUE_SLOPES, tokensUp * dUp);
            statistics = own.slot(STATISTICS, 3 * QUERIES);
        }

        void run() {
            loadRows(own, qkv, row, tokens, 3 * width, width + column, d, stage, 0);
            panelsAcross(own, stage, tokens, d, keysAcross);
            panelsAlong(own, stage, 0, tokens, d, keysAlong);
            loadRows(own, qkv, row, tokens, 3 * width, 2 * width + column, d, stage, 0);
            panelsAcross(own, stage, tokens, d, valuesAcross);
            Arrays.fill(keySlopes, 0, tokensUp * dUp, 0f);
            Arrays.fill(valueSlopes, 0, tokensUp * dUp, 0f);
            for (int q0 = 0; q0 < tokens; q0 += QUERIES) {
                tile(q0, Math.min(QUERIES, tokens - q0));
            }
            own.lanes.scale(scale, keySlopes, 0, keySlopes, 0, tokens * dUp);
            long to = row * 3 * width + column;
            own.storeRows(dQkv, to + width, 3L * width, tokens, d, keySlopes, 0, dUp);
            own.storeRows(dQkv, to + 2 * width, 3L * width, tokens, d, valueSlopes, 0, dUp);
        }

        private void tile(int q0, int rows) {
            int visible = q0 + rows;
            int queries = 0;
            int outputs = QUERIES * d;
            int outputSlopes = 2 * QUERIES * d;
            loadRows(own, qkv, row + q0, rows, 3 * width, column, d, stage, queries);
            loadRows(own, out, row + q0, rows, width, column, d, stage, outputs);
            loadRows(own, dOut, row + q0, rows, width, column, d, stage, outputSlopes);
            own.load(logSumExp, (long) head * tokens + q0, statistics, 0, rows);
            int stride = up(visible, COLUMNS);
            strips(own, stage, 0, d, rows, d, tileStrips);
            multiply(
                    own,
                    tileStrips,
                    keysAcross,
                    COLUMNS * d,
                    rows,
                    visible,
                    d,
                    scores,
                    stride,
                    false);
            for (int i = 0; i < rows; i += ROWS) {
                own.lanes.packAcross(
                        stage,
                        outputSlopes + i * d,
                        d,
                        Math.min(ROWS, rows - i),
                        d,
                        tileStrips,
                        i * d,
                        ROWS);
            }
            multiply(
                    own,
                    tileStrips,
                    valuesAcross,
                    COLUMNS * d,
                    rows,
                    visible,
                    d,
                    slopes,
                    stride,
                    false);
            for (int i = 0; i < rows; i++) {
                mask(scores, i * stride, q0 + i + 1, stride);
                own.lanes.shift(scale, statistics[i], scores, i * stride, stride);
            }
            own.lanes.exp(scores, 0, scores, 0, rows * stride);
            for (int i = 0; i < rows; i++) {
                float delta = own.lanes.dot(stage, outputs + i * d, stage, outputSlopes + i * d, d);
                own.lanes.softmaxSlope(scores, i * stride, delta, slopes, i * stride, stride);
            }
            queryGradient(q0, rows, visible, stride);
            panelsAlong(own, stage, outputSlopes, rows, d, tilePanels);
            addTransposed(scores, rows, visible, stride, valueSlopes);
            panelsAlong(own, stage, queries, rows, d, tilePanels);
            addTransposed(slopes, rows, visible, stride, keySlopes);
        }

        private void queryGradient(int q0, int rows, int visible, int stride) {
            strips(own, slopes, 0, stride, rows, visible, strips);
            multiply(
                    own, strips, keysAlong, COLUMNS * tokens, rows, d, visible, result, dUp, false);
            own.lanes.scale(scale, result, 0, result, 0, rows * dUp);
            own.storeRows(
                    dQkv, (row + q0) * 3 * width + column, 3L * width, rows, d, result, 0, dUp);
        }

        /** sums[visible, d] += weights[rows, visible]ᵀ · the packed tile. */
        private void addTransposed(
                float[] weights, int rows, int visible, int stride, float[] sums) {
            for (int t = 0; t < visible; t += ROWS) {
                own.lanes.packAlong(weights, t, stride, ROWS, rows, strips, t * rows, ROWS);
            }
            multiply(own, strips, tilePanels, COLUMNS * rows, visible, d, rows, sums, dUp, true);
        }
    }
}
