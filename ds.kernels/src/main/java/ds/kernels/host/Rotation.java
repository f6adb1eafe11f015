package ds.kernels.host;

import ds.core.FlatBuffer;
import ds.kernels.Kernels.AttentionShape;

/** Rotary position embedding (Su et al. 2021), pairs half a head apart. */
final class Rotation {
    private final Team team;
    private float[] cosines = new float[0];
    private float[] sines = new float[0];
    private int tableTokens;
    private int tableHalf;
    private double tableBase;

    Rotation(Team team) {
        this.team = team;
    }

    private void prepare(int least, int half, double base) {
        if (least <= tableTokens && half == tableHalf && base == tableBase) {
            return;
        }
        int tokens = half == tableHalf && base == tableBase ? grown(least) : least;
        cosines = new float[tokens * half];
        sines = new float[tokens * half];
        for (int i = 0; i < half; i++) {
            double frequency = StrictMath.pow(base, -(double) i / half);
            for (int t = 0; t < tokens; t++) {
                cosines[t * half + i] = (float) StrictMath.cos(t * frequency);
                sines[t * half + i] = (float) StrictMath.sin(t * frequency);
            }
        }
        tableTokens = tokens;
        tableHalf = half;
        tableBase = base;
    }

    /** Growing by a token at a time, the table is made anew seldom. */
    private int grown(int least) {
        return Math.max(least, Math.multiplyExact(2, tableTokens));
    }

    void run(
            AttentionShape shape,
            int past,
            double base,
            boolean inverse,
            FlatBuffer qkv,
            FlatBuffer out) {
        int half = shape.headWidth() / 2;
        if (half * 2 != shape.headWidth()) {
            throw new IllegalArgumentException(
                    "Rotary embedding needs an even head width, was " + shape.headWidth() + ".");
        }
        prepare(Math.addExact(past, shape.tokens()), half, base);
        int width = shape.width();
        int tokens = shape.tokens();
        float sign = inverse ? -1f : 1f;
        team.rows(
                shape.sequences() * tokens,
                3 * width,
                (own, first, end) -> {
                    float[] row = own.slot(0, 3 * width);
                    for (int r = first; r < end; r++) {
                        own.load(qkv, (long) r * 3 * width, row, 0, 3 * width);
                        int table = (past + r % tokens) * half;
                        for (int h = 0; h < 2 * width; h += 2 * half) {
                            rotate(row, h, half, table, sign);
                        }
                        own.store(out, (long) r * 3 * width, row, 0, 3 * width);
                    }
                });
    }

    private void rotate(float[] row, int offset, int half, int table, float sign) {
        for (int i = 0; i < half; i++) {
            float x = row[offset + i];
            float y = row[offset + half + i];
            float c = cosines[table + i];
            float s = sign * sines[table + i];
            row[offset + i] = Math.fma(-y, s, x * c);
            row[offset + half + i] = Math.fma(x, s, y * c);
        }
    }
}
