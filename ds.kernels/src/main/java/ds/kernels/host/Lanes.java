package ds.kernels.host;

import ds.core.FlatBuffer;
import ds.core.Rounding;
import ds.kernels.Kernels.Activation;
import java.util.Arrays;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The primitive loops over {@code float[]} from which every kernel is made. This class is their
 * definition, in scalar code; {@link VectorLanes} has the same bits, faster. A reduction has {@value
 * #LANES} logical lanes, element i in lane i mod {@value #LANES}, added by the fixed tree (8, 4, 2,
 * 1). One instance per worker.
 */
class Lanes {
    /** Logical lanes of a reduction. */
    static final int LANES = 16;

    /** Rows of a product tile. */
    static final int TILE_ROWS = 4;

    /** Columns of a product tile. */
    static final int TILE_COLUMNS = 16;

    private static final System.Logger LOGGER = System.getLogger("ds.kernels");
    private static final String VECTOR_MODULE = "jdk.incubator.vector";

    /** Partial sums of one reduction. */
    final float[] partial = new float[LANES];

    /** Partial sums of one fp64 reduction. */
    final double[] partialDouble = new double[LANES];

    private static final class Best {
        static final Supplier<Lanes> SUPPLIER = choose();

        private static Supplier<Lanes> choose() {
            Module self = Lanes.class.getModule();
            boolean present =
                    self.isNamed()
                            ? self.getLayer()
                                    .findModule(VECTOR_MODULE)
                                    .filter(self::canRead)
                                    .isPresent()
                            : ModuleLayer.boot().findModule(VECTOR_MODULE).isPresent();
            if (!present) {
                LOGGER.log(
                        System.Logger.Level.WARNING,
                        "Kernels run without vectors; start Java with --add-modules "
                                + VECTOR_MODULE
                                + " to make them many times faster.");
                return Lanes::new;
            }
            WarmUp.start();
            return VectorLanes::new;
        }
    }

    /**
     * Returns what makes the fastest lanes that can run here. Without the vector module no class
     * that names it is loaded.
     */
    static Supplier<Lanes> best() {
        return Best.SUPPLIER;
    }

    /** Returns the name: {@code scalar}, or {@code vector} with its width in bits. */
    String describe() {
        return "scalar";
    }

    // Conversions.

    void widenBf16(short[] from, int fromOffset, float[] to, int toOffset, int count) {
        for (int i = 0; i < count; i++) {
            to[toOffset + i] = Float.intBitsToFloat(from[fromOffset + i] << 16);
        }
    }

    void narrowBf16(float[] from, int fromOffset, short[] to, int toOffset, int count) {
        for (int i = 0; i < count; i++) {
            to[toOffset + i] = Rounding.toBf16(from[fromOffset + i]);
        }
    }

    final void widenFp16(short[] from, int fromOffset, float[] to, int toOffset, int count) {
        for (int i = 0; i < count; i++) {
            to[toOffset + i] = Float.float16ToFloat(from[fromOffset + i]);
        }
    }

    final void narrowFp16(float[] from, int fromOffset, short[] to, int toOffset, int count) {
        for (int i = 0; i < count; i++) {
            to[toOffset + i] = Float.floatToFloat16(from[fromOffset + i]);
        }
    }

    // Element by element; y may be the same place as an input.

    /** y = a + b. */
    void add(float[] a, int ao, float[] b, int bo, float[] y, int yo, int count) {
        for (int i = 0; i < count; i++) {
            y[yo + i] = a[ao + i] + b[bo + i];
        }
    }

    /** y = a · b. */
    void multiply(float[] a, int ao, float[] b, int bo, float[] y, int yo, int count) {
        for (int i = 0; i < count; i++) {
            y[yo + i] = a[ao + i] * b[bo + i];
        }
    }

    /** y = factor · x. */
    void scale(float factor, float[] x, int xo, float[] y, int yo, int count) {
        for (int i = 0; i < count; i++) {
            y[yo + i] = factor * x[xo + i];
        }
    }

    /** y = factor · x + y, one rounding. */
    void addScaled(float factor, float[] x, int xo, float[] y, int yo, int count) {
        for (int i = 0; i < count; i++) {
            y[yo + i] = Math.fma(factor, x[xo + i], y[yo + i]);
        }
    }

    /** y = a · b + y, one rounding. */
    void addProduct(float[] a, int ao, float[] b, int bo, float[] y, int yo, int count) {
        for (int i = 0; i < count; i++) {
            y[yo + i] = Math.fma(a[ao + i], b[bo + i], y[yo + i]);
        }
    }

    /** y = f(x). */
    void activation(Activation f, float[] x, float[] y, int count) {
        switch (f) {
            case GELU -> {
                for (int i = 0; i < count; i++) {
                    y[i] = FloatMath.gelu(x[i]);
                }
            }
            case RELU -> {
                for (int i = 0; i < count; i++) {
                    y[i] = x[i] <= 0f ? 0f : x[i];
                }
            }
            case SILU -> {
                for (int i = 0; i < count; i++) {
                    y[i] = FloatMath.silu(x[i]);
                }
            }
            case TANH -> {
                for (int i = 0; i < count; i++) {
                    y[i] = FloatMath.tanh(x[i]);
                }
            }
            case GELU_ERF -> {
                for (int i = 0; i < count; i++) {
                    y[i] = FloatMath.geluErf(x[i]);
                }
            }
        }
    }

    /** y = f'(x) · dy. */
    void activationSlope(Activation f, float[] x, float[] dy, float[] y, int count) {
        switch (f) {
            case GELU -> {
                for (int i = 0; i < count; i++) {
                    y[i] = dy[i] * FloatMath.geluSlope(x[i]);
                }
            }
            case RELU -> {
                for (int i = 0; i < count; i++) {
                    y[i] = x[i] <= 0f ? 0f : dy[i];
                }
            }
            case SILU -> {
                for (int i = 0; i < count; i++) {
                    y[i] = dy[i] * FloatMath.siluSlope(x[i]);
                }
            }
            case TANH -> {
                for (int i = 0; i < count; i++) {
                    y[i] = dy[i] * FloatMath.tanhSlope(x[i]);
                }
            }
            case GELU_ERF -> {
                for (int i = 0; i < count; i++) {
                    y[i] = dy[i] * FloatMath.geluErfSlope(x[i]);
                }
            }
        }
    }

    /** y = exp(x). */
    void exp(float[] x, int xo, float[] y, int yo, int count) {
        for (int i = 0; i < count; i++) {
            y[yo + i] = FloatMath.exp(x[xo + i]);
        }
    }

    /** x = factor · x − shift, one rounding, in place. */
    void shift(float factor, float shift, float[] x, int xo, int count) {
        for (int i = 0; i < count; i++) {
            x[xo + i] = Math.fma(factor, x[xo + i], -shift);
        }
    }

    /** d = p · (d − delta), in place: the gradient of a softmax row. */
    void softmaxSlope(float[] p, int po, float delta, float[] d, int offset, int count) {
        for (int i = 0; i < count; i++) {
            d[offset + i] = p[po + i] * (d[offset + i] - delta);
        }
    }

    /** y = (x − mean) · reciprocal · gamma + beta, the last two as one fma. */
    void normalize(
            float[] x,
            int xo,
            float mean,
            float reciprocal,
            float[] gamma,
            float[] beta,
            float[] y,
            int yo,
            int count) {
        for (int i = 0; i < count; i++) {
            y[yo + i] = Math.fma((x[xo + i] - mean) * reciprocal, gamma[i], beta[i]);
        }
    }

    /**
     * x = (x − mean) · reciprocal, what it adds to the gradients of gamma and beta, and dy = dy ·
     * gamma: a row of a norm's backward pass before its sums.
     *
     * @param sums the gradients so far, of gamma from {@code at} on and of beta after them
     */
    void standardize(
            float[] x,
            float mean,
            float reciprocal,
            float[] dy,
            float[] gamma,
            float[] sums,
            int at,
            int count) {
        standardizeFrom(0, x, mean, reciprocal, dy, gamma, sums, at, count);
    }

    final void standardizeFrom(
            int first,
            float[] x,
            float mean,
            float reciprocal,
            float[] dy,
            float[] gamma,
            float[] sums,
            int at,
            int count) {
        for (int i = first; i < count; i++) {
            x[i] = (x[i] - mean) * reciprocal;
            sums[at + i] = Math.fma(dy[i], x[i], sums[at + i]);
            sums[at + count + i] += dy[i];
            dy[i] *= gamma[i];
        }
    }

    /** w = reciprocal · (w − meanW − x · meanWx), in place: the gradient of a normalized row. */
    void normSlope(float[] x, float reciprocal, float meanW, float meanWx, float[] w, int count) {
        for (int i = 0; i < count; i++) {
            w[i] = reciprocal * Math.fma(-x[i], meanWx, w[i] - meanW);
        }
    }

    // Reductions.

    /** Returns the sum. */
    float sum(float[] x, int offset, int count) {
        Arrays.fill(partial, 0f);
        addLanes(x, offset, 0, count);
        return tree();
    }

    /** Returns the sum of a · b, each product added by fma. */
    float dot(float[] a, int ao, float[] b, int bo, int count) {
        Arrays.fill(partial, 0f);
        dotLanes(a, ao, b, bo, 0, count);
        return tree();
    }

    /** Returns the sum of (x − mean)². */
    float deviation(float[] x, int offset, float mean, int count) {
        Arrays.fill(partial, 0f);
        deviationLanes(x, offset, mean, 0, count);
        return tree();
    }

    /** Returns the greatest element; what it is with a NaN present is undefined, but repeatable. */
    float max(float[] x, int offset, int count) {
        Arrays.fill(partial, Float.NEGATIVE_INFINITY);
        maxLanes(x, offset, 0, count);
        return maxTree();
    }

    /** x = exp(factor · x − shift) in place; returns the sum. */
    float expSum(float factor, float shift, float[] x, int offset, int count) {
        shift(factor, shift, x, offset, count);
        exp(x, offset, x, offset, count);
        return sum(x, offset, count);
    }

    /** Returns the fp64 sum of squares. */
    double squares(float[] x, int offset, int count) {
        Arrays.fill(partialDouble, 0.0);
        squareLanes(x, offset, 0, count);
        return treeDouble();
    }

    /** Returns whether all are finite. */
    boolean allBelow(float limit, float[] x, int offset, int count) {
        for (int i = 0; i < count; i++) {
            if (!(Math.abs(x[offset + i]) < limit)) {
                return false;
            }
        }
        return true;
    }

    final void addLanes(float[] x, int offset, int from, int to) {
        for (int i = from; i < to; i++) {
            partial[i & LANES - 1] += x[offset + i];
        }
    }

    final void dotLanes(float[] a, int ao, float[] b, int bo, int from, int to) {
        for (int i = from; i < to; i++) {
            partial[i & LANES - 1] = Math.fma(a[ao + i], b[bo + i], partial[i & LANES - 1]);
        }
    }

    final void deviationLanes(float[] x, int offset, float mean, int from, int to) {
        for (int i = from; i < to; i++) {
            float d = x[offset + i] - mean;
            partial[i & LANES - 1] = Math.fma(d, d, partial[i & LANES - 1]);
        }
    }

    final void maxLanes(float[] x, int offset, int from, int to) {
        for (int i = from; i < to; i++) {
            float best = partial[i & LANES - 1];
            partial[i & LANES - 1] = x[offset + i] > best ? x[offset + i] : best;
        }
    }

    final void squareLanes(float[] x, int offset, int from, int to) {
        for (int i = from; i < to; i++) {
            double value = x[offset + i];
            partialDouble[i & LANES - 1] = Math.fma(value, value, partialDouble[i & LANES - 1]);
        }
    }

    // The trees are written out, so that their sums stay in registers.

    final float tree() {
        float[] p = partial;
        float s0 = p[0] + p[8] + (p[4] + p[12]);
        float s1 = p[1] + p[9] + (p[5] + p[13]);
        float s2 = p[2] + p[10] + (p[6] + p[14]);
        float s3 = p[3] + p[11] + (p[7] + p[15]);
        return s0 + s2 + (s1 + s3);
    }

    final float maxTree() {
        float[] p = partial;
        float m0 = Math.max(Math.max(p[0], p[8]), Math.max(p[4], p[12]));
        float m1 = Math.max(Math.max(p[1], p[9]), Math.max(p[5], p[13]));
        float m2 = Math.max(Math.max(p[2], p[10]), Math.max(p[6], p[14]));
        float m3 = Math.max(Math.max(p[3], p[11]), Math.max(p[7], p[15]));
        return Math.max(Math.max(m0, m2), Math.max(m1, m3));
    }

    final double treeDouble() {
        for (int half = LANES / 2; half > 0; half /= 2) {
            for (int i = 0; i < half; i++) {
                partialDouble[i] += partialDouble[i + half];
            }
        }
        return partialDouble[0];
    }

    // Rows of a matrix in memory.

    /**
     * Reads rows of {@code width} elements, element {@code index} on, one after the other.
     *
     * @param stride elements from one row in memory to the next
     * @return whether it did; these lanes may not be able to
     */
    boolean readRows(
            FlatBuffer from, long index, long stride, int rows, int width, float[] to, int offset) {
        return false;
    }

    /**
     * Writes rows of {@code width} elements, element {@code index} on.
     *
     * @param fromStride elements from one row of {@code from} to the next
     * @param stride elements from one row in memory to the next
     * @return whether it did; these lanes may not be able to
     */
    boolean writeRows(
            float[] from,
            int offset,
            int fromStride,
            FlatBuffer to,
            long index,
            long stride,
            int rows,
            int width) {
        return false;
    }

    // Matrix products.

    /**
     * Packs {@code depth} rows of {@code count} neighbours: to[k·width + j] = from[k·stride + j],
     * zero from {@code count} to {@code width}.
     *
     * @param width {@link #TILE_ROWS} or {@link #TILE_COLUMNS}
     */
    void packAlong(
            float[] from,
            int fromOffset,
            int stride,
            int count,
            int depth,
            float[] to,
            int toOffset,
            int width) {
        for (int k = 0; k < depth; k++) {
            int source = fromOffset + k * stride;
            int target = toOffset + k * width;
            for (int j = 0; j < count; j++) {
                to[target + j] = from[source + j];
            }
            for (int j = count; j < width; j++) {
                to[target + j] = 0f;
            }
        }
    }

    /**
     * Packs {@code count} rows of {@code depth} neighbours: to[k·width + j] = from[j·stride + k],
     * zero from {@code count} to {@code width}.
     */
    void packAcross(
            float[] from,
            int fromOffset,
            int stride,
            int count,
            int depth,
            float[] to,
            int toOffset,
            int width) {
        for (int j = 0; j < width; j++) {
            int source = fromOffset + j * stride;
            for (int k = 0; k < depth; k++) {
                to[toOffset + k * width + j] = j < count ? from[source + k] : 0f;
            }
        }
    }

    /**
     * Packs {@code depth} rows of neighbouring panels straight from memory, element {@code index} on,
     * as {@link #packAlong} would.
     *
     * @param stride elements from one row to the next
     * @param panelSize distance from one panel to the next
     * @return whether it did; these lanes may not be able to
     */
    boolean readPanels(
            FlatBuffer from,
            long index,
            long stride,
            int depth,
            int panels,
            float[] to,
            int toOffset,
            int panelSize) {
        return false;
    }

    /**
     * Packs {@link #TILE_ROWS} rows of {@code depth} elements straight from memory, element {@code
     * index} on, as {@link #packAcross} would.
     *
     * @param stride elements from one row to the next
     * @return whether it did; these lanes may not be able to
     */
    boolean readStrip(
            FlatBuffer from, long index, long stride, int depth, float[] to, int toOffset) {
        return false;
    }

    /**
     * c[rows, columns] = (addend +) strips · panels, each output one fma chain from zero.
     *
     * @param ao where the strips begin; the one of row i, a multiple of {@link #TILE_ROWS}, is at
     *     {@code ao + i · depth}
     * @param bo where the panels begin
     * @param panelSize distance from one panel of {@link #TILE_COLUMNS} columns to the next
     * @param stride distance from one row of c to the next; whole tiles are written
     * @param addend what is added to, if anything: c itself, or a row for each row of c
     * @param addendStride distance from one row of the addend to the next, 0 if all share one
     */
    void multiplyTiles(
            float[] a,
            int ao,
            int rows,
            float[] b,
            int bo,
            int panelSize,
            int columns,
            int depth,
            float[] c,
            int co,
            int stride,
            float @Nullable [] addend,
            int addendAt,
            int addendStride) {
        for (int j = 0; j < columns; j += TILE_COLUMNS) {
            int panel = bo + j / TILE_COLUMNS * panelSize;
            for (int i = 0; i < rows; i += TILE_ROWS) {
                int strip = ao + i * depth;
                int at = co + i * stride + j;
                int from = addendAt + i * addendStride + j;
                for (int pair = 0; pair < TILE_COLUMNS; pair += 2) {
                    multiplyPair(
                            a,
                            strip,
                            b,
                            panel + pair,
                            depth,
                            c,
                            at + pair,
                            stride,
                            addend,
                            from + pair,
                            addendStride);
                }
            }
        }
    }

    /** Two columns of a tile, in eight registers. */
    private static void multiplyPair(
            float[] a,
            int ao,
            float[] b,
            int bo,
            int depth,
            float[] c,
            int co,
            int stride,
            float @Nullable [] addend,
            int from,
            int addendStride) {
        float c00 = 0f;
        float c01 = 0f;
        float c10 = 0f;
        float c11 = 0f;
        float c20 = 0f;
        float c21 = 0f;
        float c30 = 0f;
        float c31 = 0f;
        for (int k = 0; k < depth; k++) {
            float b0 = b[bo + k * TILE_COLUMNS];
            float b1 = b[bo + k * TILE_COLUMNS + 1];
            int x = ao + k * TILE_ROWS;
            c00 = Math.fma(a[x], b0, c00);
            c01 = Math.fma(a[x], b1, c01);
            c10 = Math.fma(a[x + 1], b0, c10);
            c11 = Math.fma(a[x + 1], b1, c11);
            c20 = Math.fma(a[x + 2], b0, c20);
            c21 = Math.fma(a[x + 2], b1, c21);
            c30 = Math.fma(a[x + 3], b0, c30);
            c31 = Math.fma(a[x + 3], b1, c31);
        }
        store(c, co, c00, c01, addend, from);
        store(c, co + stride, c10, c11, addend, from + addendStride);
        store(c, co + 2 * stride, c20, c21, addend, from + 2 * addendStride);
        store(c, co + 3 * stride, c30, c31, addend, from + 3 * addendStride);
    }

    private static void store(
            float[] c, int co, float v0, float v1, float @Nullable [] addend, int from) {
        c[co] = addend == null ? v0 : addend[from] + v0;
        c[co + 1] = addend == null ? v1 : addend[from + 1] + v1;
    }
}
