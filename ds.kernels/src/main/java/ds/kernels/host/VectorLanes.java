package ds.kernels.host;

import ds.kernels.Kernels.Activation;
import jdk.incubator.vector.DoubleVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorShuffle;
import jdk.incubator.vector.VectorSpecies;

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
    private static final VectorSpecies<Float> S = VectorSpecies.of(float.class, SHAPE);
    private static final VectorSpecies<Integer> I = VectorSpecies.of(int.class, SHAPE);
    private static final VectorSpecies<Short> H = VectorSpecies.of(short.class, HALF_SHAPE);
    private static final VectorSpecies<Float> R = VectorSpecies.of(float.class, SUM_SHAPE);
    private static final VectorSpecies<Double> D = VectorSpecies.of(double.class, SUM_SHAPE);
    private static final VectorSpecies<Float> F = VectorSpecies.of(float.class, half(SUM_SHAPE));
    private static final VectorSpecies<Float> QUAD = FloatVector.SPECIES_128;
    private static final int L = S.length();
    private static final int L2 = 2 * L;
    private static final int RL = R.length();
    private static final int RL2 = 2 * RL;
    private static final int DL = D.length();

    /** One vector is a row of a panel, and there are 32 registers. */
    private static final boolean WIDE = L == TILE_COLUMNS;

    private static VectorShape widest(VectorShape most) {
        int bits = Math.clamp(FloatVector.SPECIES_PREFERRED.vectorBitSize(), 128, 512);
        return VectorShape.forBitSize(Math.min(Integer.highestOneBit(bits), most.vectorBitSize()));
    }

    private static VectorShape half(VectorShape shape) {
        return VectorShape.forBitSize(shape.vectorBitSize() / 2);
    }

    // What cold() counts, one for each loop; the first four are the activations.
    private static final int SLOPES = 4;
    private static final int EXP = 8;
    private static final int SHIFT = 9;
    private static final int PRODUCT = 10;
    private static final int PACK_ALONG = 11;
    private static final int PACK_ACROSS = 12;
    private static final int SIMPLE = 13;
    private static final int LOOPS = 32;

    /** Scalar nanoseconds of one element of exp and its like. */
    private static final int TRANSCENDENTAL = 6;

    /** Scalar nanoseconds of one step of a product tile. */
    private static final int PRODUCT_NANOS = 16;

    /** Scalar nanoseconds after which a loop changes to vectors, about what their warm-up costs. */
    private static final long SCALAR_NANOS = 200_000_000L;

    private final long scalarNanos;
    private final long[] spent = new long[LOOPS];
    private final float[] exponential = new float[Scratch.TILE];

    /** Creates lanes that begin by scalar code. */
    VectorLanes() {
        this(SCALAR_NANOS);
    }

    /**
     * Creates lanes whose loops run as scalar code until each has spent about {@code scalarNanos}:
     * the interpreter runs vectors a thousand times slower than compiled code, so short runs are
     * better off without. The bits are the same.
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
        super.add(a, ao + end, b, bo + end, y, yo + end, count - end);
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

    /**
     * y = exp(x), for a multiple of two vectors. Written out twice, so that it is above the 325
     * bytecodes that the compiler inlines: large callers keep their inlining budget.
     */
    private static void expLoop(float[] x, int xo, float[] y, int yo, int end) {
        for (int i = 0; i < end; i += L2) {
            FloatVector v = FloatVector.fromArray(S, x, xo + i);
            FloatVector c =
                    v.blend(FloatMath.EXP_HIGH, v.compare(VectorOperators.GT, FloatMath.EXP_HIGH));
            c = c.blend(FloatMath.EXP_LOW, c.compare(VectorOperators.LT, FloatMath.EXP_LOW));
            FloatVector shifted =
                    c.fma(
                            FloatVector.broadcast(S, FloatMath.LOG2_E),
                            FloatVector.broadcast(S, FloatMath.ROUND));
            FloatVector n = shifted.sub(FloatMath.ROUND);
            IntVector whole = shifted.reinterpretAsInts().sub(FloatMath.ROUND_BITS);
            FloatVector r =
                    n.fma(
                            FloatVector.broadcast(S, -FloatMath.LN2_LOW),
                            n.fma(FloatVector.broadcast(S, -FloatMath.LN2_HIGH), c));
            FloatVector p =
                    FloatVector.broadcast(S, FloatMath.EXP_5)
                            .fma(r, FloatVector.broadcast(S, FloatMath.EXP_4));
            p = p.fma(r, FloatVector.broadcast(S, FloatMath.EXP_3));
            p = p.fma(r, FloatVector.broadcast(S, FloatMath.EXP_2));
            p = p.fma(r, FloatVector.broadcast(S, FloatMath.EXP_1));
            p = p.fma(r, FloatVector.broadcast(S, FloatMath.EXP_0));
            p = p.fma(r.mul(r), r).add(1f);
            IntVector half = whole.lanewise(VectorOperators.ASHR, 1);
            FloatVector low =
                    half.add(127).lanewise(VectorOperators.LSHL, 23).reinterpretAsFloats();
            FloatVector high =
                    whole.sub(half)
                            .add(127)
                            .lanewise(VectorOperators.LSHL, 23)
                            .reinterpretAsFloats();
            p.mul(low).mul(high).intoArray(y, yo + i);
            FloatVector v2 = FloatVector.fromArray(S, x, xo + i + L);
            FloatVector c2 =
                    v2.blend(
                            FloatMath.EXP_HIGH, v2.compare(VectorOperators.GT, FloatMath.EXP_HIGH));
            c2 = c2.blend(FloatMath.EXP_LOW, c2.compare(VectorOperators.LT, FloatMath.EXP_LOW));
            FloatVector shifted2 =
                    c2.fma(
                            FloatVector.broadcast(S, FloatMath.LOG2_E),
                            FloatVector.broadcast(S, FloatMath.ROUND));
            FloatVector n2 = shifted2.sub(FloatMath.ROUND);
            IntVector whole2 = shifted2.reinterpretAsInts().sub(FloatMath.ROUND_BITS);
            FloatVector r2 =
                    n2.fma(
                            FloatVector.broadcast(S, -FloatMath.LN2_LOW),
                            n2.fma(FloatVector.broadcast(S, -FloatMath.LN2_HIGH), c2));
            FloatVector p2 =
                    FloatVector.broadcast(S, FloatMath.EXP_5)
                            .fma(r2, FloatVector.broadcast(S, FloatMath.EXP_4));
            p2 = p2.fma(r2, FloatVector.broadcast(S, FloatMath.EXP_3));
            p2 = p2.fma(r2, FloatVector.broadcast(S, FloatMath.EXP_2));
            p2 = p2.fma(r2, FloatVector.broadcast(S, FloatMath.EXP_1));
            p2 = p2.fma(r2, FloatVector.broadcast(S, FloatMath.EXP_0));
            p2 = p2.fma(r2.mul(r2), r2).add(1f);
            IntVector half2 = whole2.lanewise(VectorOperators.ASHR, 1);
            FloatVector low2 =
                    half2.add(127).lanewise(VectorOperators.LSHL, 23).reinterpretAsFloats();
            FloatVector high2 =
                    whole2.sub(half2)
                            .add(127)
                            .lanewise(VectorOperators.LSHL, 23)
                            .reinterpretAsFloats();
            p2.mul(low2).mul(high2).intoArray(y, yo + i + L);
        }
    }

    @Override
    void exp(float[] x, int xo, float[] y, int yo, int count) {
        if (cold(EXP, TRANSCENDENTAL * count)) {
            super.exp(x, xo, y, yo, count);
            return;
        }
        int end = count & -L2;
        expLoop(x, xo, y, yo, end);
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

    // What sigmoid or tanh takes the exponential of. A method for each: a loop under a switch
    // is compiled with what the first caller chose, and stays slow for the others.

    private static void geluExponentLoop(float[] x, float[] t, int end) {
        for (int i = 0; i < end; i += L) {
            FloatVector v = FloatVector.fromArray(S, x, i);
            v.mul(
                            v.mul(v)
                                    .fma(
                                            FloatVector.broadcast(S, FloatMath.GELU_2),
                                            FloatVector.broadcast(S, FloatMath.GELU_0)))
                    .neg()
                    .intoArray(t, i);
        }
    }

    private static void siluExponentLoop(float[] x, float[] t, int end) {
        for (int i = 0; i < end; i += L) {
            FloatVector.fromArray(S, x, i).neg().intoArray(t, i);
        }
    }

    private static void tanhExponentLoop(float[] x, float[] t, int end) {
        for (int i = 0; i < end; i += L) {
            FloatVector c = FloatVector.fromArray(S, x, i).abs();
            c.add(c).intoArray(t, i);
        }
    }

    @Override
    void activation(Activation f, float[] x, float[] y, int count) {
        if (f == Activation.GELU_ERF
                || count > Scratch.TILE
                || cold(f.ordinal(), TRANSCENDENTAL * count)) {
            super.activation(f, x, y, count);
            return;
        }
        int end = count & -L2;
        switch (f) {
            case GELU -> {
                geluExponentLoop(x, exponential, end);
                expLoop(exponential, 0, exponential, 0, end);
                quotientLoop(x, exponential, y, end);
            }
            case SILU -> {
                siluExponentLoop(x, exponential, end);
                expLoop(exponential, 0, exponential, 0, end);
                quotientLoop(x, exponential, y, end);
            }
            case RELU -> reluLoop(x, y, end);
            case TANH -> {
                tanhExponentLoop(x, exponential, end);
                expLoop(exponential, 0, exponential, 0, end);
                tanhLoop(x, exponential, y, end);
            }
            case GELU_ERF -> throw new AssertionError("has no vector loop");
        }
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

    /** y = x / (1 + e). */
    private static void quotientLoop(float[] x, float[] e, float[] y, int end) {
        for (int i = 0; i < end; i += L) {
            FloatVector.fromArray(S, x, i)
                    .div(FloatVector.fromArray(S, e, i).add(1f))
                    .intoArray(y, i);
        }
    }

    private static void reluLoop(float[] x, float[] y, int end) {
        for (int i = 0; i < end; i += L) {
            FloatVector v = FloatVector.fromArray(S, x, i);
            v.blend(0f, v.compare(VectorOperators.LE, 0f)).intoArray(y, i);
        }
    }

    /** y = tanh(x), where e = exp(2 |x|). */
    private static void tanhLoop(float[] x, float[] e, float[] y, int end) {
        for (int i = 0; i < end; i += L) {
            FloatVector v = FloatVector.fromArray(S, x, i);
            FloatVector c = v.abs();
            FloatVector s = c.mul(c);
            FloatVector p =
                    FloatVector.broadcast(S, FloatMath.TANH_4)
                            .fma(s, FloatVector.broadcast(S, FloatMath.TANH_3));
            p = p.fma(s, FloatVector.broadcast(S, FloatMath.TANH_2));
            p = p.fma(s, FloatVector.broadcast(S, FloatMath.TANH_1));
            p = p.fma(s, FloatVector.broadcast(S, FloatMath.TANH_0));
            p = p.mul(s).fma(c, c);
            FloatVector.broadcast(S, 1f)
                    .sub(FloatVector.broadcast(S, 2f).div(FloatVector.fromArray(S, e, i).add(1f)))
                    .blend(p, c.compare(VectorOperators.LT, FloatMath.TANH_SMALL))
                    .reinterpretAsInts()
                    .or(v.reinterpretAsInts().and(FloatMath.SIGN))
                    .reinterpretAsFloats()
                    .intoArray(y, i);
        }
    }

    @Override
    void activationSlope(Activation f, float[] x, float[] dy, float[] y, int count) {
        if (f == Activation.GELU_ERF
                || count > Scratch.TILE
                || cold(SLOPES + f.ordinal(), TRANSCENDENTAL * count)) {
            super.activationSlope(f, x, dy, y, count);
            return;
        }
        int end = count & -L2;
        switch (f) {
            case GELU -> {
                geluExponentLoop(x, exponential, end);
                expLoop(exponential, 0, exponential, 0, end);
                geluSlopeLoop(x, dy, exponential, y, end);
            }
            case RELU -> reluSlopeLoop(x, dy, y, end);
            case SILU -> {
                siluExponentLoop(x, exponential, end);
                expLoop(exponential, 0, exponential, 0, end);
                siluSlopeLoop(x, dy, exponential, y, end);
            }
            case TANH -> {
                tanhExponentLoop(x, exponential, end);
                expLoop(exponential, 0, exponential, 0, end);
                tanhLoop(x, exponential, exponential, end);
                tanhSlopeLoop(exponential, dy, y, end);
            }
            case GELU_ERF -> throw new AssertionError("has no vector loop");
        }
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

    private static void geluSlopeLoop(float[] x, float[] dy, float[] e, float[] y, int end) {
        FloatVector one = FloatVector.broadcast(S, 1f);
        for (int i = 0; i < end; i += L) {
            FloatVector v = FloatVector.fromArray(S, x, i);
            FloatVector s = one.div(FloatVector.fromArray(S, e, i).add(1f));
            FloatVector t = s.mul(one.sub(s));
            FloatVector slope =
                    v.mul(
                            v.mul(v)
                                    .fma(
                                            FloatVector.broadcast(S, FloatMath.GELU_2_TIMES_3),
                                            FloatVector.broadcast(S, FloatMath.GELU_0)));
            slope.fma(t, s)
                    .blend(s, t.compare(VectorOperators.EQ, 0f))
                    .mul(FloatVector.fromArray(S, dy, i))
                    .intoArray(y, i);
        }
    }

    private static void reluSlopeLoop(float[] x, float[] dy, float[] y, int end) {
        for (int i = 0; i < end; i += L) {
            FloatVector.fromArray(S, dy, i)
                    .blend(0f, FloatVector.fromArray(S, x, i).compare(VectorOperators.LE, 0f))
                    .intoArray(y, i);
        }
    }

    private static void siluSlopeLoop(float[] x, float[] dy, float[] e, float[] y, int end) {
        FloatVector one = FloatVector.broadcast(S, 1f);
        for (int i = 0; i < end; i += L) {
            FloatVector s = one.div(FloatVector.fromArray(S, e, i).add(1f));
            s.mul(FloatVector.fromArray(S, x, i).fma(one.sub(s), one))
                    .mul(FloatVector.fromArray(S, dy, i))
                    .intoArray(y, i);
        }
    }

    /** y = dy (1 - t^2), where t = tanh(x). */
    private static void tanhSlopeLoop(float[] t, float[] dy, float[] y, int end) {
        for (int i = 0; i < end; i += L) {
            FloatVector v = FloatVector.fromArray(S, t, i);
            v.neg()
                    .fma(v, FloatVector.broadcast(S, 1f))
                    .mul(FloatVector.fromArray(S, dy, i))
                    .intoArray(y, i);
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
            float[] x, int xo, float mean, float reciprocal, float[] y, int yo, int count) {
        if (cold(SIMPLE + 9, count)) {
            super.standardize(x, xo, mean, reciprocal, y, yo, count);
            return;
        }
        int end = whole(count);
        for (int i = 0; i < end; i += L) {
            FloatVector.fromArray(S, x, xo + i).sub(mean).mul(reciprocal).intoArray(y, yo + i);
        }
        super.standardize(x, xo + end, mean, reciprocal, y, yo + end, count - end);
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
    void packAlong(
            float[] from,
            int fromOffset,
            int stride,
            int count,
            int depth,
            float[] to,
            int toOffset,
            int width) {
        if (count < width || cold(PACK_ALONG, (long) depth * width)) {
            super.packAlong(from, fromOffset, stride, count, depth, to, toOffset, width);
        } else if (width == TILE_ROWS) {
            for (int k = 0; k < depth; k++) {
                FloatVector.fromArray(QUAD, from, fromOffset + k * stride)
                        .intoArray(to, toOffset + k * TILE_ROWS);
            }
        } else {
            for (int k = 0; k < depth; k++) {
                int source = fromOffset + k * stride;
                int target = toOffset + k * TILE_COLUMNS;
                for (int j = 0; j < TILE_COLUMNS; j += L) {
                    FloatVector.fromArray(S, from, source + j).intoArray(to, target + j);
                }
            }
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
        if (cold(PACK_ACROSS, (long) depth * width)) {
            super.packAcross(from, fromOffset, stride, count, depth, to, toOffset, width);
            return;
        }
        if (WIDE && width == TILE_ROWS && count >= TILE_ROWS) {
            int end = depth & -L;
            packAcrossWide(from, fromOffset, stride, end, to, toOffset);
            packAcrossPart(from, fromOffset, stride, count, end, depth, to, toOffset, width, 0);
            return;
        }
        int done = depth & -2 * TILE_ROWS;
        for (int j = 0; j < width; j += TILE_ROWS) {
            if (j + TILE_ROWS > count) {
                packAcrossPart(from, fromOffset, stride, count, 0, depth, to, toOffset, width, j);
            } else {
                packAcross4(from, fromOffset + j * stride, stride, done, to, toOffset + j, width);
                packAcrossPart(
                        from, fromOffset, stride, count, done, depth, to, toOffset, width, j);
            }
        }
    }

    private static void packAcrossPart(
            float[] from,
            int fromOffset,
            int stride,
            int count,
            int firstDepth,
            int depth,
            float[] to,
            int toOffset,
            int width,
            int firstRow) {
        for (int j = firstRow; j < firstRow + TILE_ROWS; j++) {
            int source = fromOffset + j * stride;
            for (int k = firstDepth; k < depth; k++) {
                to[toOffset + k * width + j] = j < count ? from[source + k] : 0f;
            }
        }
    }

    private static final VectorShuffle<Float> SWAP_1 =
            VectorShuffle.fromArray(QUAD, new int[] {1, 0, 3, 2}, 0);
    private static final VectorShuffle<Float> SWAP_2 =
            VectorShuffle.fromArray(QUAD, new int[] {2, 3, 0, 1}, 0);
    private static final VectorMask<Float> ODD = VectorMask.fromLong(QUAD, 0b1010);
    private static final VectorMask<Float> EVEN = VectorMask.fromLong(QUAD, 0b0101);
    private static final VectorMask<Float> HIGH = VectorMask.fromLong(QUAD, 0b1100);
    private static final VectorMask<Float> LOW = VectorMask.fromLong(QUAD, 0b0011);

    // Places of a 4 x 16 transposition: pairs of rows are interleaved, then pairs of pairs.
    private static final VectorShuffle<Float> PAIR_LOW = pairs(0);
    private static final VectorShuffle<Float> PAIR_HIGH = pairs(L / 2);
    private static final VectorShuffle<Float> TWICE_LOW = twos(0);
    private static final VectorShuffle<Float> TWICE_HIGH = twos(L / 2);
    private static final VectorMask<Float> SECOND = VectorMask.fromLong(S, 0xaaaa_aaaa_aaaa_aaaaL);
    private static final VectorMask<Float> SECOND_TWO =
            VectorMask.fromLong(S, 0xcccc_cccc_cccc_ccccL);

    /** Every element of one half, twice. */
    private static VectorShuffle<Float> pairs(int first) {
        return VectorShuffle.fromOp(S, i -> first + i / 2);
    }

    /** Every two neighbours of one half, twice. */
    private static VectorShuffle<Float> twos(int first) {
        return VectorShuffle.fromOp(S, i -> first + i / 4 * 2 + i % 2);
    }

    /** Transposes 4 rows of {@code depth} neighbours, 16 at once. */
    private static void packAcrossWide(
            float[] from, int source, int stride, int depth, float[] to, int target) {
        for (int k = 0; k < depth; k += L) {
            FloatVector r0 = FloatVector.fromArray(S, from, source + k);
            FloatVector r1 = FloatVector.fromArray(S, from, source + stride + k);
            FloatVector r2 = FloatVector.fromArray(S, from, source + 2 * stride + k);
            FloatVector r3 = FloatVector.fromArray(S, from, source + 3 * stride + k);
            FloatVector low01 = r0.rearrange(PAIR_LOW).blend(r1.rearrange(PAIR_LOW), SECOND);
            FloatVector low23 = r2.rearrange(PAIR_LOW).blend(r3.rearrange(PAIR_LOW), SECOND);
            FloatVector high01 = r0.rearrange(PAIR_HIGH).blend(r1.rearrange(PAIR_HIGH), SECOND);
            FloatVector high23 = r2.rearrange(PAIR_HIGH).blend(r3.rearrange(PAIR_HIGH), SECOND);
            int t = target + k * TILE_ROWS;
            low01.rearrange(TWICE_LOW)
                    .blend(low23.rearrange(TWICE_LOW), SECOND_TWO)
                    .intoArray(to, t);
            low01.rearrange(TWICE_HIGH)
                    .blend(low23.rearrange(TWICE_HIGH), SECOND_TWO)
                    .intoArray(to, t + L);
            high01.rearrange(TWICE_LOW)
                    .blend(high23.rearrange(TWICE_LOW), SECOND_TWO)
                    .intoArray(to, t + 2 * L);
            high01.rearrange(TWICE_HIGH)
                    .blend(high23.rearrange(TWICE_HIGH), SECOND_TWO)
                    .intoArray(to, t + 3 * L);
        }
    }

    /** Transposes 4 rows of {@code depth} neighbours, 4 by 4 in registers; twice, as exp. */
    private static void packAcross4(
            float[] from, int source, int stride, int depth, float[] to, int target, int width) {
        for (int k = 0; k < depth; k += 2 * TILE_ROWS) {
            FloatVector r0 = FloatVector.fromArray(QUAD, from, source + k);
            FloatVector r1 = FloatVector.fromArray(QUAD, from, source + stride + k);
            FloatVector r2 = FloatVector.fromArray(QUAD, from, source + 2 * stride + k);
            FloatVector r3 = FloatVector.fromArray(QUAD, from, source + 3 * stride + k);
            FloatVector s0 = r0.blend(r1.rearrange(SWAP_1), ODD);
            FloatVector s1 = r1.blend(r0.rearrange(SWAP_1), EVEN);
            FloatVector s2 = r2.blend(r3.rearrange(SWAP_1), ODD);
            FloatVector s3 = r3.blend(r2.rearrange(SWAP_1), EVEN);
            int t = target + k * width;
            s0.blend(s2.rearrange(SWAP_2), HIGH).intoArray(to, t);
            s1.blend(s3.rearrange(SWAP_2), HIGH).intoArray(to, t + width);
            s2.blend(s0.rearrange(SWAP_2), LOW).intoArray(to, t + 2 * width);
            s3.blend(s1.rearrange(SWAP_2), LOW).intoArray(to, t + 3 * width);
            FloatVector r0b = FloatVector.fromArray(QUAD, from, source + k + TILE_ROWS);
            FloatVector r1b = FloatVector.fromArray(QUAD, from, source + stride + k + TILE_ROWS);
            FloatVector r2b =
                    FloatVector.fromArray(QUAD, from, source + 2 * stride + k + TILE_ROWS);
            FloatVector r3b =
                    FloatVector.fromArray(QUAD, from, source + 3 * stride + k + TILE_ROWS);
            FloatVector s0b = r0b.blend(r1b.rearrange(SWAP_1), ODD);
            FloatVector s1b = r1b.blend(r0b.rearrange(SWAP_1), EVEN);
            FloatVector s2b = r2b.blend(r3b.rearrange(SWAP_1), ODD);
            FloatVector s3b = r3b.blend(r2b.rearrange(SWAP_1), EVEN);
            int tb = target + (k + TILE_ROWS) * width;
            s0b.blend(s2b.rearrange(SWAP_2), HIGH).intoArray(to, tb);
            s1b.blend(s3b.rearrange(SWAP_2), HIGH).intoArray(to, tb + width);
            s2b.blend(s0b.rearrange(SWAP_2), LOW).intoArray(to, tb + 2 * width);
            s3b.blend(s1b.rearrange(SWAP_2), LOW).intoArray(to, tb + 3 * width);
        }
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
            boolean add) {
        long tiles = (long) ((rows + 3) / TILE_ROWS) * ((columns + 15) / TILE_COLUMNS);
        if (cold(PRODUCT, tiles * PRODUCT_NANOS * depth)) {
            super.multiplyTiles(a, ao, rows, b, bo, panelSize, columns, depth, c, co, stride, add);
            return;
        }
        int width;
        for (int j = 0; j < columns; j += width) {
            boolean pair = WIDE && columns - j > TILE_COLUMNS;
            width = pair ? 2 * TILE_COLUMNS : TILE_COLUMNS;
            int panel = bo + j / TILE_COLUMNS * panelSize;
            int height;
            for (int i = 0; i < rows; i += height) {
                boolean wide = pair && rows - i > TILE_ROWS;
                height = wide ? 2 * TILE_ROWS : TILE_ROWS;
                int strip = ao + i * depth;
                int at = co + i * stride + j;
                if (wide) {
                    multiplyWide(a, strip, b, panel, panelSize, depth, c, at, stride, add);
                    continue;
                }
                multiplyTile(a, strip, b, panel, depth, c, at, stride, add);
                if (pair) {
                    int next = panel + panelSize;
                    multiplyTile(a, strip, b, next, depth, c, at + TILE_COLUMNS, stride, add);
                }
            }
        }
    }

    private static void multiplyTile(
            float[] a,
            int ao,
            float[] b,
            int bo,
            int depth,
            float[] c,
            int co,
            int stride,
            boolean add) {
        for (int h = 0; h < TILE_COLUMNS; h += RL2) {
            multiplyHalf(a, ao, b, bo + h, depth, c, co + h, stride, add);
        }
    }

    /**
     * 8 rows by 32 columns, two strips by two panels: 16 accumulators of 512 bits, enough chains to
     * hide the latency of fma. Hardware with such vectors has 32 of them.
     */
    private static void multiplyWide(
            float[] a,
            int ao,
            float[] b,
            int bo,
            int panelSize,
            int depth,
            float[] c,
            int co,
            int stride,
            boolean add) {
        FloatVector c00 = FloatVector.zero(S);
        FloatVector c01 = c00;
        FloatVector c10 = c00;
        FloatVector c11 = c00;
        FloatVector c20 = c00;
        FloatVector c21 = c00;
        FloatVector c30 = c00;
        FloatVector c31 = c00;
        FloatVector c40 = c00;
        FloatVector c41 = c00;
        FloatVector c50 = c00;
        FloatVector c51 = c00;
        FloatVector c60 = c00;
        FloatVector c61 = c00;
        FloatVector c70 = c00;
        FloatVector c71 = c00;
        int lower = ao + depth * TILE_ROWS;
        int right = bo + panelSize;
        for (int k = 0; k < depth; k++) {
            FloatVector b0 = FloatVector.fromArray(S, b, bo + k * TILE_COLUMNS);
            FloatVector b1 = FloatVector.fromArray(S, b, right + k * TILE_COLUMNS);
            int x = ao + k * TILE_ROWS;
            int y = lower + k * TILE_ROWS;
            FloatVector f = FloatVector.broadcast(S, a[x]);
            c00 = f.fma(b0, c00);
            c01 = f.fma(b1, c01);
            f = FloatVector.broadcast(S, a[x + 1]);
            c10 = f.fma(b0, c10);
            c11 = f.fma(b1, c11);
            f = FloatVector.broadcast(S, a[x + 2]);
            c20 = f.fma(b0, c20);
            c21 = f.fma(b1, c21);
            f = FloatVector.broadcast(S, a[x + 3]);
            c30 = f.fma(b0, c30);
            c31 = f.fma(b1, c31);
            f = FloatVector.broadcast(S, a[y]);
            c40 = f.fma(b0, c40);
            c41 = f.fma(b1, c41);
            f = FloatVector.broadcast(S, a[y + 1]);
            c50 = f.fma(b0, c50);
            c51 = f.fma(b1, c51);
            f = FloatVector.broadcast(S, a[y + 2]);
            c60 = f.fma(b0, c60);
            c61 = f.fma(b1, c61);
            f = FloatVector.broadcast(S, a[y + 3]);
            c70 = f.fma(b0, c70);
            c71 = f.fma(b1, c71);
        }
        int row1 = co + stride;
        int row2 = row1 + stride;
        int row3 = row2 + stride;
        int row4 = row3 + stride;
        int row5 = row4 + stride;
        int row6 = row5 + stride;
        int row7 = row6 + stride;
        if (add) {
            c00 = FloatVector.fromArray(S, c, co).add(c00);
            c01 = FloatVector.fromArray(S, c, co + L).add(c01);
            c10 = FloatVector.fromArray(S, c, row1).add(c10);
            c11 = FloatVector.fromArray(S, c, row1 + L).add(c11);
            c20 = FloatVector.fromArray(S, c, row2).add(c20);
            c21 = FloatVector.fromArray(S, c, row2 + L).add(c21);
            c30 = FloatVector.fromArray(S, c, row3).add(c30);
            c31 = FloatVector.fromArray(S, c, row3 + L).add(c31);
            c40 = FloatVector.fromArray(S, c, row4).add(c40);
            c41 = FloatVector.fromArray(S, c, row4 + L).add(c41);
            c50 = FloatVector.fromArray(S, c, row5).add(c50);
            c51 = FloatVector.fromArray(S, c, row5 + L).add(c51);
            c60 = FloatVector.fromArray(S, c, row6).add(c60);
            c61 = FloatVector.fromArray(S, c, row6 + L).add(c61);
            c70 = FloatVector.fromArray(S, c, row7).add(c70);
            c71 = FloatVector.fromArray(S, c, row7 + L).add(c71);
        }
        c00.intoArray(c, co);
        c01.intoArray(c, co + L);
        c10.intoArray(c, row1);
        c11.intoArray(c, row1 + L);
        c20.intoArray(c, row2);
        c21.intoArray(c, row2 + L);
        c30.intoArray(c, row3);
        c31.intoArray(c, row3 + L);
        c40.intoArray(c, row4);
        c41.intoArray(c, row4 + L);
        c50.intoArray(c, row5);
        c51.intoArray(c, row5 + L);
        c60.intoArray(c, row6);
        c61.intoArray(c, row6 + L);
        c70.intoArray(c, row7);
        c71.intoArray(c, row7 + L);
    }

    /** 4 rows by two vectors: 8 accumulators; with 16 registers more spill. */
    private static void multiplyHalf(
            float[] a,
            int ao,
            float[] b,
            int bo,
            int depth,
            float[] c,
            int co,
            int stride,
            boolean add) {
        FloatVector c00 = FloatVector.zero(R);
        FloatVector c01 = c00;
        FloatVector c10 = c00;
        FloatVector c11 = c00;
        FloatVector c20 = c00;
        FloatVector c21 = c00;
        FloatVector c30 = c00;
        FloatVector c31 = c00;
        for (int k = 0; k < depth; k++) {
            FloatVector b0 = FloatVector.fromArray(R, b, bo + k * TILE_COLUMNS);
            FloatVector b1 = FloatVector.fromArray(R, b, bo + k * TILE_COLUMNS + RL);
            int x = ao + k * TILE_ROWS;
            FloatVector f = FloatVector.broadcast(R, a[x]);
            c00 = f.fma(b0, c00);
            c01 = f.fma(b1, c01);
            f = FloatVector.broadcast(R, a[x + 1]);
            c10 = f.fma(b0, c10);
            c11 = f.fma(b1, c11);
            f = FloatVector.broadcast(R, a[x + 2]);
            c20 = f.fma(b0, c20);
            c21 = f.fma(b1, c21);
            f = FloatVector.broadcast(R, a[x + 3]);
            c30 = f.fma(b0, c30);
            c31 = f.fma(b1, c31);
        }
        int row1 = co + stride;
        int row2 = row1 + stride;
        int row3 = row2 + stride;
        // Written out: vectors passed to a method that is not inlined are boxed.
        if (add) {
            c00 = FloatVector.fromArray(R, c, co).add(c00);
            c01 = FloatVector.fromArray(R, c, co + RL).add(c01);
            c10 = FloatVector.fromArray(R, c, row1).add(c10);
            c11 = FloatVector.fromArray(R, c, row1 + RL).add(c11);
            c20 = FloatVector.fromArray(R, c, row2).add(c20);
            c21 = FloatVector.fromArray(R, c, row2 + RL).add(c21);
            c30 = FloatVector.fromArray(R, c, row3).add(c30);
            c31 = FloatVector.fromArray(R, c, row3 + RL).add(c31);
        }
        c00.intoArray(c, co);
        c01.intoArray(c, co + RL);
        c10.intoArray(c, row1);
        c11.intoArray(c, row1 + RL);
        c20.intoArray(c, row2);
        c21.intoArray(c, row2 + RL);
        c30.intoArray(c, row3);
        c31.intoArray(c, row3 + RL);
    }
}
