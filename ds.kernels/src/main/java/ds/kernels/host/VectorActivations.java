package ds.kernels.host;

import ds.kernels.Kernels.Activation;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * Activations and their slopes by the Vector API, with the bits of {@link FloatMath}. A method for
 * each loop: one under a switch is compiled with what the first caller chose, and stays slow for the
 * others. Loops call the Vector API alone, as {@link VectorLanes} says.
 */
final class VectorActivations {
    private static final VectorSpecies<Float> S = VectorLanes.S;
    private static final int L = VectorLanes.L;
    private static final int L2 = VectorLanes.L2;

    private final float[] exponential = new float[Scratch.TILE];
    private final float[] tail = new float[Scratch.TILE];

    /** y = f(x) for a multiple of two vectors, at most a tile; they may be the same. */
    void run(Activation f, float[] x, float[] y, int end) {
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
            case GELU_ERF -> {
                upperTail(x, end);
                geluErfLoop(x, tail, y, end);
            }
        }
    }

    /** y = dy f'(x) for a multiple of two vectors, at most a tile; y may be dy. */
    void slope(Activation f, float[] x, float[] dy, float[] y, int end) {
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
            case GELU_ERF -> {
                upperTail(x, end);
                densityExponentLoop(x, exponential, end);
                expLoop(exponential, 0, exponential, 0, end);
                geluErfSlopeLoop(x, dy, tail, exponential, y, end);
            }
        }
    }

    /** tail = the part of the normal distribution beyond |x|. */
    private void upperTail(float[] x, int end) {
        tailLoop(x, tail, exponential, end);
        expLoop(exponential, 0, exponential, 0, end);
        productLoop(tail, exponential, end);
    }

    /**
     * y = exp(x), for a multiple of two vectors. Written out twice, so that it is above the 325
     * bytecodes that the compiler inlines: large callers keep their inlining budget.
     */
    static void expLoop(float[] x, int xo, float[] y, int yo, int end) {
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

    // What sigmoid, tanh or the normal distribution takes the exponential of.

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

    private static void densityExponentLoop(float[] x, float[] t, int end) {
        for (int i = 0; i < end; i += L) {
            FloatVector v = FloatVector.fromArray(S, x, i);
            v.mul(-0.5f).mul(v).intoArray(t, i);
        }
    }

    /** upperTail(x) = h exp(e). */
    private static void tailLoop(float[] x, float[] h, float[] e, int end) {
        FloatVector one = FloatVector.broadcast(S, 1f);
        for (int i = 0; i < end; i += L) {
            FloatVector a = FloatVector.fromArray(S, x, i).abs();
            FloatVector t = one.div(a.fma(FloatVector.broadcast(S, FloatMath.HALF_ROOT_HALF), one));
            FloatVector p =
                    t.fma(
                            FloatVector.broadcast(S, FloatMath.TAIL_9),
                            FloatVector.broadcast(S, FloatMath.TAIL_8));
            p = p.fma(t, FloatVector.broadcast(S, FloatMath.TAIL_7));
            p = p.fma(t, FloatVector.broadcast(S, FloatMath.TAIL_6));
            p = p.fma(t, FloatVector.broadcast(S, FloatMath.TAIL_5));
            p = p.fma(t, FloatVector.broadcast(S, FloatMath.TAIL_4));
            p = p.fma(t, FloatVector.broadcast(S, FloatMath.TAIL_3));
            p = p.fma(t, FloatVector.broadcast(S, FloatMath.TAIL_2));
            p = p.fma(t, FloatVector.broadcast(S, FloatMath.TAIL_1));
            p = p.fma(t, FloatVector.broadcast(S, FloatMath.TAIL_0));
            t.mul(0.5f).intoArray(h, i);
            a.mul(-0.5f).fma(a, p).intoArray(e, i);
        }
    }

    private static void productLoop(float[] x, float[] y, int end) {
        for (int i = 0; i < end; i += L) {
            FloatVector.fromArray(S, x, i).mul(FloatVector.fromArray(S, y, i)).intoArray(x, i);
        }
    }

    private static void geluErfLoop(float[] x, float[] tail, float[] y, int end) {
        for (int i = 0; i < end; i += L) {
            FloatVector v = FloatVector.fromArray(S, x, i);
            FloatVector t = FloatVector.fromArray(S, tail, i);
            v.neg()
                    .fma(t, v)
                    .blend(v.mul(t), v.compare(VectorOperators.LT, 0f))
                    .blend(v.max(0f), t.compare(VectorOperators.EQ, 0f))
                    .intoArray(y, i);
        }
    }

    /** y = dy (Φ(x) + x φ(x)), where tail = 1 − Φ(|x|) and e = exp(−x² / 2). */
    private static void geluErfSlopeLoop(
            float[] x, float[] dy, float[] tail, float[] e, float[] y, int end) {
        FloatVector one = FloatVector.broadcast(S, 1f);
        for (int i = 0; i < end; i += L) {
            FloatVector v = FloatVector.fromArray(S, x, i);
            FloatVector t = FloatVector.fromArray(S, tail, i);
            FloatVector density = FloatVector.fromArray(S, e, i).mul(FloatMath.ROOT_2_PI_INVERSE);
            FloatVector below = one.sub(t).blend(t, v.compare(VectorOperators.LT, 0f));
            v.fma(density, below)
                    .blend(below, density.compare(VectorOperators.EQ, 0f))
                    .mul(FloatVector.fromArray(S, dy, i))
                    .intoArray(y, i);
        }
    }
}
