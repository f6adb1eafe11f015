package ds.kernels.host;

import ds.core.DType;
import ds.core.FlatBuffer;
import ds.kernels.Kernels.Activation;
import jdk.incubator.vector.DoubleVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;
import org.jspecify.annotations.Nullable;

/**
 * The loops of {@link Lanes} by the Vector API, with the same bits. Vectors are as wide as the
 * hardware likes, 128 to 512 bits; sums have at most 256, so that two of them share the {@value
 * #LANES} lanes. Loaded only if the vector module is present.
 *
 * <p>Loops call the Vector API and nothing else: its methods are always inlined, but one of ours is
 * not when the inlining budget of a compilation ends, and then every vector that it takes or
 * returns is boxed (measured: 4 times slower, depending on what was compiled before).
 */
final class VectorLanes extends Lanes {
    private static final VectorShape SHAPE = widest(VectorShape.S_512_BIT);
    private static final VectorShape HALF_SHAPE = half(SHAPE);
    private static final VectorShape SUM_SHAPE = widest(VectorShape.S_256_BIT);
    static final VectorSpecies<Float> S = VectorSpecies.of(float.class, SHAPE);
    private static final VectorSpecies<Integer> I = VectorSpecies.of(int.class, SHAPE);
    private static final VectorSpecies<Short> H = VectorSpecies.of(short.class, HALF_SHAPE);
    static final VectorSpecies<Float> R = VectorSpecies.of(float.class, SUM_SHAPE);
    private static final VectorSpecies<Double> D = VectorSpecies.of(double.class, SUM_SHAPE);
    private static final VectorSpecies<Float> F = VectorSpecies.of(float.class, half(SUM_SHAPE));
    static final int L = S.length();
    static final int L2 = 2 * L;
    static final int RL = R.length();
    static final int RL2 = 2 * RL;
    private static final int DL = D.length();

    private static VectorShape widest(VectorShape most) {
        int bits = Math.clamp(FloatVector.SPECIES_PREFERRED.vectorBitSize(), 128, 512);
        return VectorShape.forBitSize(Math.min(Integer.highestOneBit(bits), most.vectorBitSize()));
    }

    private static VectorShape half(VectorShape shape) {
        return VectorShape.forBitSize(shape.vectorBitSize() / 2);
    }

    // What cold() counts, one for each loop; the first five are the activations.
    private static final int SLOPES = 5;
    private static final int EXP = 10;
    private static final int SHIFT = 11;
    private static final int PACK_ALONG = 12;
    private static final int PACK_ACROSS = 13;
    private static final int READ_ROWS = 14;
    private static final int WRITE_ROWS = 15;
    private static final int SIMPLE = 16;
    private static final int LOOPS = 35;

    /** Scalar nanoseconds of one element of exp and its like. */
    private static final int TRANSCENDENTAL = 6;

    /** Scalar nanoseconds of one element that is packed, before the compiler has seen to it. */
    private static final int PACK_NANOS = 4;

    /** Scalar nanoseconds after which a loop changes to vectors, about what their warm-up costs. */
    private static final long SCALAR_NANOS = 120_000_000L;

    private final long scalarNanos;
    private final long[] spent = new long[LOOPS];
    private final VectorActivations activations = new VectorActivations();

    /** Creates lanes that begin by scalar code. */
    VectorLanes() {
        this(SCALAR_NANOS);
    }

    /**
     * Creates lanes whose loops run as scalar code until each has spent about {@code scalarNanos}:
     * the interpreter runs vectors a thousand times slower than compiled code, so short runs are
     * better off without. Products do so until {@link WarmUp} is over. The bits are the same.
     */
    VectorLanes(long scalarNanos) {
        this.scalarNanos = scalarNanos;
    }

    /** Counts work of a loop and returns whether it still runs as scalar code. */
    private boolean cold(int loop, long nanos) {
        if (spent[loop] >= scalarNanos) {
            return false;
        }
        spent[loop] += nanos;
        return true;
    }

    @Override
    String describe() {
        return "vector " + SHAPE.vectorBitSize();
    }

    /** Returns the first multiple of the vector length that is not above {@code count}. */
    private static int whole(int count) {
        return count & -L;
    }

    @Override
    void widenBf16(short[] from, int fromOffset, float[] to, int toOffset, int count) {
        if (cold(SIMPLE, count)) {
            super.widenBf16(from, fromOffset, to, toOffset, count);
            return;
        }
        int end = whole(count);
        for (int i = 0; i < end; i += L) {
            IntVector bits =
                    (IntVector)
                            ShortVector.fromArray(H, from, fromOffset + i)
                                    .convertShape(VectorOperators.ZERO_EXTEND_S2I, I, 0);
            bits.lanewise(VectorOperators.LSHL, 16)
                    .reinterpretAsFloats()
                    .intoArray(to, toOffset + i);
        }
        super.widenBf16(from, fromOffset + end, to, toOffset + end, count - end);
    }

    @Override
    void narrowBf16(float[] from, int fromOffset, short[] to, int toOffset, int count) {
        if (cold(SIMPLE + 1, count)) {
            super.narrowBf16(from, fromOffset, to, toOffset, count);
            return;
        }
        int end = whole(count);
        for (int i = 0; i < end; i += L) {
            IntVector bits = FloatVector.fromArray(S, from, fromOffset + i).reinterpretAsInts();
            IntVector upper = bits.lanewise(VectorOperators.LSHR, 16);
            IntVector rounded =
                    bits.add(0x7fff).add(upper.and(1)).lanewise(VectorOperators.LSHR, 16);
            VectorMask<Integer> nan = bits.and(0x7fffffff).compare(VectorOperators.GT, 0x7f800000);
            ((ShortVector)
                            rounded.blend(upper.or(0x40), nan)
                                    .convertShape(VectorOperators.I2S, H, 0))
                    .intoArray(to, toOffset + i);
        }
        super.narrowBf16(from, fromOffset + end, to, toOffset + end, count - end);
    }

    @Override
    void add(float[] a, int ao, float[] b, int bo, float[] y, int yo, int count) {
        if (cold(SIMPLE + 2, count)) {
            super.add(a, ao, b, bo, y, yo, count);
            return;
        }
        int end = whole(count);
        for (int i = 0; i < end; i += L) {
            FloatVector.fromArray(S, a, ao + i)
                    .add(FloatVector.fromArray(S, b, bo + i))
                    .intoArray(y, yo + i);
        }
        if (end < count) {
            super.add(a, ao + end, b, bo + end, y, yo + end, count - end);
        }
    }

    @Override
    void multiply(float[] a, int ao, float[] b, int bo, float[] y, int yo, int count) {
        if (cold(SIMPLE + 3, count)) {
            super.multiply(a, ao, b, bo, y, yo, count);
            return;
        }
        int end = whole(count);
        for (int i = 0; i < end; i += L) {
            FloatVector.fromArray(S, a, ao + i)
                    .mul(FloatVector.fromArray(S, b, bo + i))
                    .intoArray(y, yo + i);
        }
        super.multiply(a, ao + end, b, bo + end, y, yo + end, count - end);
    }

    @Override
    void scale(float factor, float[] x, int xo, float[] y, int yo, int count) {
        if (cold(SIMPLE + 4, count)) {
            super.scale(factor, x, xo, y, yo, count);
            return;
        }
        int end = whole(count);
        for (int i = 0; i < end; i += L) {
            FloatVector.fromArray(S, x, xo + i).mul(factor).intoArray(y, yo + i);
        }
        super.scale(factor, x, xo + end, y, yo + end, count - end);
    }

    @Override
    void addScaled(float factor, float[] x, int xo, float[] y, int yo, int count) {
        if (cold(SIMPLE + 5, count)) {
            super.addScaled(factor, x, xo, y, yo, count);
            return;
        }
        FloatVector f = FloatVector.broadcast(S, factor);
        int end = whole(count);
        for (int i = 0; i < end; i += L) {
            f.fma(FloatVector.fromArray(S, x, xo + i), FloatVector.fromArray(S, y, yo + i))
                    .intoArray(y, yo + i);
        }
        super.addScaled(factor, x, xo + end, y, yo + end, count - end);
    }

    @Override
    void addProduct(float[] a, int ao, float[] b, int bo, float[] y, int yo, int count) {
        if (cold(SIMPLE + 6, count)) {
            super.addProduct(a, ao, b, bo, y, yo, count);
            return;
        }
        int end = whole(count);
        for (int i = 0; i < end; i += L) {
            FloatVector.fromArray(S, a, ao + i)
                    .fma(FloatVector.fromArray(S, b, bo + i), FloatVector.fromArray(S, y, yo + i))
                    .intoArray(y, yo + i);
        }
        super.addProduct(a, ao + end, b, bo + end, y, yo + end, count - end);
    }

    @Override
    void exp(float[] x, int xo, float[] y, int yo, int count) {
        if (cold(EXP, TRANSCENDENTAL * count)) {
            super.exp(x, xo, y, yo, count);
            return;
        }
        int end = count & -L2;
        VectorActivations.expLoop(x, xo, y, yo, end);
        super.exp(x, xo + end, y, yo + end, count - end);
    }

    @Override
    void shift(float factor, float shift, float[] x, int xo, int count) {
        if (cold(SHIFT, count)) {
            super.shift(factor, shift, x, xo, count);
            return;
        }
        FloatVector f = FloatVector.broadcast(S, factor);
        FloatVector s = FloatVector.broadcast(S, -shift);
        int end = whole(count);
        for (int i = 0; i < end; i += L) {
            f.fma(FloatVector.fromArray(S, x, xo + i), s).intoArray(x, xo + i);
        }
        super.shift(factor, shift, x, xo + end, count - end);
    }

    @Override
    void activation(Activation f, float[] x, float[] y, int count) {
        if (count > Scratch.TILE || cold(f.ordinal(), TRANSCENDENTAL * count)) {
            super.activation(f, x, y, count);
            return;
        }
        int end = count & -L2;
        activations.run(f, x, y, end);
        for (int i = end; i < count; i++) {
            y[i] =
                    switch (f) {
                        case GELU -> FloatMath.gelu(x[i]);
                        case RELU -> x[i] <= 0f ? 0f : x[i];
                        case SILU -> FloatMath.silu(x[i]);
                        case TANH -> FloatMath.tanh(x[i]);
                        case GELU_ERF -> FloatMath.geluErf(x[i]);
                    };
        }
    }

    @Override
    void activationSlope(Activation f, float[] x, float[] dy, float[] y, int count) {
        if (count > Scratch.TILE || cold(SLOPES + f.ordinal(), TRANSCENDENTAL * count)) {
            super.activationSlope(f, x, dy, y, count);
            return;
        }
        int end = count & -L2;
        activations.slope(f, x, dy, y, end);
        for (int i = end; i < count; i++) {
            y[i] =
                    switch (f) {
                        case GELU -> dy[i] * FloatMath.geluSlope(x[i]);
                        case RELU -> x[i] <= 0f ? 0f : dy[i];
                        case SILU -> dy[i] * FloatMath.siluSlope(x[i]);
                        case TANH -> dy[i] * FloatMath.tanhSlope(x[i]);
                        case GELU_ERF -> dy[i] * FloatMath.geluErfSlope(x[i]);
                    };
        }
    }

    @Override
    void softmaxSlope(float[] p, int po, float delta, float[] d, int offset, int count) {
        if (cold(SIMPLE + 7, count)) {
            super.softmaxSlope(p, po, delta, d, offset, count);
            return;
        }
        int end = whole(count);
        for (int i = 0; i < end; i += L) {
            FloatVector.fromArray(S, p, po + i)
                    .mul(FloatVector.fromArray(S, d, offset + i).sub(delta))
                    .intoArray(d, offset + i);
        }
        super.softmaxSlope(p, po + end, delta, d, offset + end, count - end);
    }

    @Override
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
        if (cold(SIMPLE + 8, count)) {
            super.normalize(x, xo, mean, reciprocal, gamma, beta, y, yo, count);
            return;
        }
        int end = whole(count);
        for (int i = 0; i < end; i += L) {
            FloatVector.fromArray(S, x, xo + i)
                    .sub(mean)
                    .mul(reciprocal)
                    .fma(FloatVector.fromArray(S, gamma, i), FloatVector.fromArray(S, beta, i))
                    .intoArray(y, yo + i);
        }
        for (int i = end; i < count; i++) {
            y[yo + i] = Math.fma((x[xo + i] - mean) * reciprocal, gamma[i], beta[i]);
        }
    }

    @Override
    void standardize(
            float[] x,
            float mean,
            float reciprocal,
            float[] dy,
            float[] gamma,
            float[] sums,
            int at,
            int count) {
        if (cold(SIMPLE + 9, 4 * count)) {
            super.standardize(x, mean, reciprocal, dy, gamma, sums, at, count);
            return;
        }
        int end = whole(count);
        int beta = at + count;
        for (int i = 0; i < end; i += L) {
            FloatVector v = FloatVector.fromArray(S, x, i).sub(mean).mul(reciprocal);
            FloatVector d = FloatVector.fromArray(S, dy, i);
            v.intoArray(x, i);
            d.fma(v, FloatVector.fromArray(S, sums, at + i)).intoArray(sums, at + i);
            FloatVector.fromArray(S, sums, beta + i).add(d).intoArray(sums, beta + i);
            d.mul(FloatVector.fromArray(S, gamma, i)).intoArray(dy, i);
        }
        standardizeFrom(end, x, mean, reciprocal, dy, gamma, sums, at, count);
    }

    @Override
    void normSlope(float[] x, float reciprocal, float meanW, float meanWx, float[] w, int count) {
        if (cold(SIMPLE + 10, count)) {
            super.normSlope(x, reciprocal, meanW, meanWx, w, count);
            return;
        }
        FloatVector m = FloatVector.broadcast(S, meanWx);
        int end = whole(count);
        for (int i = 0; i < end; i += L) {
            FloatVector.fromArray(S, x, i)
                    .neg()
                    .fma(m, FloatVector.fromArray(S, w, i).sub(meanW))
                    .mul(reciprocal)
                    .intoArray(w, i);
        }
        for (int i = end; i < count; i++) {
            w[i] = reciprocal * Math.fma(-x[i], meanWx, w[i] - meanW);
        }
    }

    // Each pass below owns two vectors of the 16 lanes: one pass with 256 bits, two with 128.

    @Override
    float sum(float[] x, int offset, int count) {
        if (cold(SIMPLE + 11, count)) {
            return super.sum(x, offset, count);
        }
        int end = count & -LANES;
        for (int h = 0; h < LANES; h += RL2) {
            FloatVector s0 = FloatVector.zero(R);
            FloatVector s1 = FloatVector.zero(R);
            for (int i = h; i < end; i += LANES) {
                s0 = s0.add(FloatVector.fromArray(R, x, offset + i));
                s1 = s1.add(FloatVector.fromArray(R, x, offset + i + RL));
            }
            s0.intoArray(partial, h);
            s1.intoArray(partial, h + RL);
        }
        addLanes(x, offset, end, count);
        return tree();
    }

    @Override
    float dot(float[] a, int ao, float[] b, int bo, int count) {
        if (cold(SIMPLE + 12, count)) {
            return super.dot(a, ao, b, bo, count);
        }
        int end = count & -LANES;
        for (int h = 0; h < LANES; h += RL2) {
            FloatVector s0 = FloatVector.zero(R);
            FloatVector s1 = FloatVector.zero(R);
            for (int i = h; i < end; i += LANES) {
                s0 =
                        FloatVector.fromArray(R, a, ao + i)
                                .fma(FloatVector.fromArray(R, b, bo + i), s0);
                s1 =
                        FloatVector.fromArray(R, a, ao + i + RL)
                                .fma(FloatVector.fromArray(R, b, bo + i + RL), s1);
            }
            s0.intoArray(partial, h);
            s1.intoArray(partial, h + RL);
        }
        dotLanes(a, ao, b, bo, end, count);
        return tree();
    }

    @Override
    float deviation(float[] x, int offset, float mean, int count) {
        if (cold(SIMPLE + 13, count)) {
            return super.deviation(x, offset, mean, count);
        }
        int end = count & -LANES;
        for (int h = 0; h < LANES; h += RL2) {
            FloatVector s0 = FloatVector.zero(R);
            FloatVector s1 = FloatVector.zero(R);
            for (int i = h; i < end; i += LANES) {
                FloatVector d0 = FloatVector.fromArray(R, x, offset + i).sub(mean);
                FloatVector d1 = FloatVector.fromArray(R, x, offset + i + RL).sub(mean);
                s0 = d0.fma(d0, s0);
                s1 = d1.fma(d1, s1);
            }
            s0.intoArray(partial, h);
            s1.intoArray(partial, h + RL);
        }
        deviationLanes(x, offset, mean, end, count);
        return tree();
    }

    @Override
    float max(float[] x, int offset, int count) {
        if (cold(SIMPLE + 14, count)) {
            return super.max(x, offset, count);
        }
        int end = count & -LANES;
        for (int h = 0; h < LANES; h += RL2) {
            FloatVector s0 = FloatVector.broadcast(R, Float.NEGATIVE_INFINITY);
            FloatVector s1 = s0;
            for (int i = h; i < end; i += LANES) {
                FloatVector x0 = FloatVector.fromArray(R, x, offset + i);
                FloatVector x1 = FloatVector.fromArray(R, x, offset + i + RL);
                s0 = s0.blend(x0, x0.compare(VectorOperators.GT, s0));
                s1 = s1.blend(x1, x1.compare(VectorOperators.GT, s1));
            }
            s0.intoArray(partial, h);
            s1.intoArray(partial, h + RL);
        }
        maxLanes(x, offset, end, count);
        return maxTree();
    }

    @Override
    double squares(float[] x, int offset, int count) {
        if (cold(SIMPLE + 15, count)) {
            return super.squares(x, offset, count);
        }
        int end = count & -LANES;
        for (int h = 0; h < LANES; h += 4 * DL) {
            DoubleVector s0 = DoubleVector.zero(D);
            DoubleVector s1 = s0;
            DoubleVector s2 = s0;
            DoubleVector s3 = s0;
            for (int i = h; i < end; i += LANES) {
                DoubleVector d0 =
                        (DoubleVector)
                                FloatVector.fromArray(F, x, offset + i)
                                        .convertShape(VectorOperators.F2D, D, 0);
                DoubleVector d1 =
                        (DoubleVector)
                                FloatVector.fromArray(F, x, offset + i + DL)
                                        .convertShape(VectorOperators.F2D, D, 0);
                DoubleVector d2 =
                        (DoubleVector)
                                FloatVector.fromArray(F, x, offset + i + 2 * DL)
                                        .convertShape(VectorOperators.F2D, D, 0);
                DoubleVector d3 =
                        (DoubleVector)
                                FloatVector.fromArray(F, x, offset + i + 3 * DL)
                                        .convertShape(VectorOperators.F2D, D, 0);
                s0 = d0.fma(d0, s0);
                s1 = d1.fma(d1, s1);
                s2 = d2.fma(d2, s2);
                s3 = d3.fma(d3, s3);
            }
            s0.intoArray(partialDouble, h);
            s1.intoArray(partialDouble, h + DL);
            s2.intoArray(partialDouble, h + 2 * DL);
            s3.intoArray(partialDouble, h + 3 * DL);
        }
        squareLanes(x, offset, end, count);
        return treeDouble();
    }

    @Override
    boolean allBelow(float limit, float[] x, int offset, int count) {
        if (cold(SIMPLE + 16, count)) {
            return super.allBelow(limit, x, offset, count);
        }
        int end = whole(count);
        int most = Float.floatToRawIntBits(limit) - 1;
        IntVector magnitude = IntVector.broadcast(I, Integer.MAX_VALUE);
        IntVector bad = IntVector.zero(I);
        for (int i = 0; i < end; i += L) {
            // As integers magnitudes have the same order, NaN above all: too large ones leave a
            // sign.
            IntVector bits = FloatVector.fromArray(S, x, offset + i).reinterpretAsInts();
            bad = bad.or(bits.and(magnitude).neg().add(most));
        }
        return !bad.compare(VectorOperators.LT, 0).anyTrue()
                && super.allBelow(limit, x, offset + end, count - end);
    }

    @Override
    boolean readRows(
            FlatBuffer from, long index, long stride, int rows, int width, float[] to, int offset) {
        if (from.type() != DType.FP32
                || width % L != 0
                || cold(READ_ROWS, (long) rows * width * PACK_NANOS)) {
            return false;
        }
        VectorProducts.readRows(from.segment(), index * 4, stride * 4, rows, width, to, offset);
        return true;
    }

    @Override
    boolean writeRows(
            float[] from,
            int offset,
            int fromStride,
            FlatBuffer to,
            long index,
            long stride,
            int rows,
            int width) {
        if (to.type() != DType.FP32
                || width % L != 0
                || cold(WRITE_ROWS, (long) rows * width * PACK_NANOS)) {
            return false;
        }
        VectorProducts.writeRows(
                from, offset, fromStride, to.segment(), index * 4, stride * 4, rows, width);
        return true;
    }

    @Override
    void packAlong(
            float[] from,
            int fromOffset,
            int stride,
            int count,
            int depth,
            float[] to,
            int toOffset,
            int width) {
        if (count < width || cold(PACK_ALONG, (long) depth * width * PACK_NANOS)) {
            super.packAlong(from, fromOffset, stride, count, depth, to, toOffset, width);
        } else {
            VectorProducts.packAlong(from, fromOffset, stride, depth, to, toOffset, width);
        }
    }

    @Override
    void packAcross(
            float[] from,
            int fromOffset,
            int stride,
            int count,
            int depth,
            float[] to,
            int toOffset,
            int width) {
        if (cold(PACK_ACROSS, (long) depth * width * PACK_NANOS)) {
            super.packAcross(from, fromOffset, stride, count, depth, to, toOffset, width);
            return;
        }
        VectorProducts.packAcross(from, fromOffset, stride, count, depth, to, toOffset, width);
    }

    @Override
    boolean readPanels(
            FlatBuffer from,
            long index,
            long stride,
            int depth,
            int panels,
            float[] to,
            int toOffset,
            int panelSize) {
        if (from.type() != DType.FP32 || spent[PACK_ALONG] < scalarNanos) {
            return false;
        }
        VectorProducts.readPanels(
                from.segment(), index * 4, stride * 4, depth, panels, to, toOffset, panelSize);
        return true;
    }

    @Override
    boolean readStrip(
            FlatBuffer from, long index, long stride, int depth, float[] to, int toOffset) {
        if (from.type() != DType.FP32
                || !VectorProducts.readsStrips(depth)
                || spent[PACK_ACROSS] < scalarNanos) {
            return false;
        }
        VectorProducts.readStrip(from.segment(), index * 4, stride * 4, depth, to, toOffset);
        return true;
    }

    @Override
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
        if (scalarNanos > 0 && !WarmUp.over()) {
            super.multiplyTiles(
                    a,
                    ao,
                    rows,
                    b,
                    bo,
                    panelSize,
                    columns,
                    depth,
                    c,
                    co,
                    stride,
                    addend,
                    addendAt,
                    addendStride);
            return;
        }
        VectorProducts.multiplyTiles(
                a,
                ao,
                rows,
                b,
                bo,
                panelSize,
                columns,
                depth,
                c,
                co,
                stride,
                addend,
                addendAt,
                addendStride);
    }
}
