package ds.kernels.host;

/**
 * Elementary functions by {@link Math#fma} alone, so that the interpreter, the compilers and the
 * vector lanes give the same bits. The library's own functions change bits when the JIT is warm.
 */
final class FloatMath {
    /** Beyond this exp overflows whatever the rounding; 2 more than needed. */
    static final float EXP_HIGH = 89f;

    /** Below this exp is zero. */
    static final float EXP_LOW = -105f;

    static final float LOG2_E = 1.44269504088896341f;

    /** 1.5 · 2^23: adding it leaves the nearest integer in the low bits. */
    static final float ROUND = 12582912f;

    static final int ROUND_BITS = 0x4B400000;
    static final float LN2_HIGH = 0.693359375f;
    static final float LN2_LOW = -2.12194440e-4f;

    // Coefficients of Cephes' expf (S. Moshier): e^r = 1 + r + r^2 P(r) for |r| <= ln(2)/2.
    static final float EXP_5 = 1.9875691500E-4f;
    static final float EXP_4 = 1.3981999507E-3f;
    static final float EXP_3 = 8.3334519073E-3f;
    static final float EXP_2 = 4.1665795894E-2f;
    static final float EXP_1 = 1.6666665459E-1f;
    static final float EXP_0 = 5.0000001201E-1f;

    /** Below this tanh is a polynomial, above it 1 - 2 / (exp(2x) + 1). */
    static final float TANH_SMALL = 0.625f;

    // Coefficients of Cephes' tanhf: tanh(x) = x + x^3 P(x^2).
    static final float TANH_4 = -5.70498872745E-3f;
    static final float TANH_3 = 2.06390887954E-2f;
    static final float TANH_2 = -5.37397155531E-2f;
    static final float TANH_1 = 1.33314422036E-1f;
    static final float TANH_0 = -3.33332819422E-1f;
    static final int SIGN = 0x80000000;

    /** 2 sqrt(2/pi): gelu(x) = x / (1 + exp(-x (GELU_0 + GELU_2 x^2))). */
    static final float GELU_0 = 1.5957691216057308f;

    static final float GELU_2 = 0.071354816272600248f;
    static final float GELU_2_TIMES_3 = 0.21406444881780074f;

    static final float ROOT_2_PI_INVERSE = 0.3989422804014327f;
    static final float HALF_ROOT_HALF = 0.35355339059327373f;

    // Coefficients of Numerical Recipes' erfcc (Chebyshev fit, in t = 1 / (1 + z / 2)).
    static final float TAIL_9 = 0.17087277f;
    static final float TAIL_8 = -0.82215223f;
    static final float TAIL_7 = 1.48851587f;
    static final float TAIL_6 = -1.13520398f;
    static final float TAIL_5 = 0.27886807f;
    static final float TAIL_4 = -0.18628806f;
    static final float TAIL_3 = 0.09678418f;
    static final float TAIL_2 = 0.37409196f;
    static final float TAIL_1 = 1.00002368f;
    static final float TAIL_0 = -1.26551223f;

    private static final int EXPONENT_BIAS = 127;
    private static final int MANTISSA_BITS = 23;
    private static final int SQRT_HALF_BITS = 0x3f3504f3;
    private static final int MANTISSA_MASK = 0x7fffff;
    private static final float TWO_TO_23 = 0x1p23f;

    private FloatMath() {}

    /** Returns e^x within 2 ulp; 0 at -inf, inf at inf, NaN at NaN. */
    static float exp(float x) {
        float clamped = x > EXP_HIGH ? EXP_HIGH : x;
        clamped = clamped < EXP_LOW ? EXP_LOW : clamped;
        float shifted = Math.fma(clamped, LOG2_E, ROUND);
        float n = shifted - ROUND;
        int whole = Float.floatToRawIntBits(shifted) - ROUND_BITS;
        float r = Math.fma(n, -LN2_LOW, Math.fma(n, -LN2_HIGH, clamped));
        float p = Math.fma(EXP_5, r, EXP_4);
        p = Math.fma(p, r, EXP_3);
        p = Math.fma(p, r, EXP_2);
        p = Math.fma(p, r, EXP_1);
        p = Math.fma(p, r, EXP_0);
        p = Math.fma(p, r * r, r) + 1f;
        // Two factors, so that subnormal results are rounded once and 2^128 can be said.
        int half = whole >> 1;
        return p * power(half) * power(whole - half);
    }

    private static float power(int exponent) {
        return Float.intBitsToFloat(exponent + EXPONENT_BIAS << MANTISSA_BITS);
    }

    /** Returns tanh(x) within 4 ulp. */
    static float tanh(float x) {
        float c = Math.abs(x);
        float y;
        if (c < TANH_SMALL) {
            float s = c * c;
            float p = Math.fma(TANH_4, s, TANH_3);
            p = Math.fma(p, s, TANH_2);
            p = Math.fma(p, s, TANH_1);
            p = Math.fma(p, s, TANH_0);
            y = Math.fma(p * s, c, c);
        } else {
            y = 1f - 2f / (exp(c + c) + 1f);
        }
        return Float.intBitsToFloat(Float.floatToRawIntBits(y) | Float.floatToRawIntBits(x) & SIGN);
    }

    /** Returns the natural logarithm within 2 ulp; -inf at 0, NaN below 0. */
    static float log(float x) {
        if (!(x > 0) || x == Float.POSITIVE_INFINITY) {
            return x == 0 ? Float.NEGATIVE_INFINITY : x < 0 ? Float.NaN : x;
        }
        int extra = 0;
        float scaled = x;
        if (x < Float.MIN_NORMAL) {
            scaled = x * TWO_TO_23;
            extra = -MANTISSA_BITS;
        }
        // scaled = m · 2^e with m in [sqrt(1/2), sqrt(2)).
        int offset = Float.floatToRawIntBits(scaled) - SQRT_HALF_BITS;
        int e = (offset >> MANTISSA_BITS) + extra;
        float m = Float.intBitsToFloat((offset & MANTISSA_MASK) + SQRT_HALF_BITS);
        float r = m - 1f;
        float s = r * r;
        // Cephes' logf.
        float p = Math.fma(7.0376836292E-2f, r, -1.1514610310E-1f);
        p = Math.fma(p, r, 1.1676998740E-1f);
        p = Math.fma(p, r, -1.2420140846E-1f);
        p = Math.fma(p, r, 1.4249322787E-1f);
        p = Math.fma(p, r, -1.6668057665E-1f);
        p = Math.fma(p, r, 2.0000714765E-1f);
        p = Math.fma(p, r, -2.4999993993E-1f);
        p = Math.fma(p, r, 3.3333331174E-1f);
        float y = Math.fma(p * s, r, e * LN2_LOW);
        y = Math.fma(-0.5f, s, y);
        return Math.fma(e, LN2_HIGH, r + y);
    }

    static float gelu(float x) {
        float z = x * Math.fma(x * x, GELU_2, GELU_0);
        return x / (1f + exp(-z));
    }

    static float geluSlope(float x) {
        float square = x * x;
        float z = x * Math.fma(square, GELU_2, GELU_0);
        float s = 1f / (1f + exp(-z));
        float t = s * (1f - s);
        float slope = x * Math.fma(square, GELU_2_TIMES_3, GELU_0);
        // Where t is 0 the slope may have overflowed.
        return t == 0f ? s : Math.fma(slope, t, s);
    }

    static float geluErf(float x) {
        float tail = upperTail(x);
        return tail == 0f ? Math.max(x, 0f) : x < 0f ? x * tail : Math.fma(-x, tail, x);
    }

    static float geluErfSlope(float x) {
        float tail = upperTail(x);
        float below = x < 0f ? tail : 1f - tail; // the normal distribution up to x
        float density = ROOT_2_PI_INVERSE * exp(-0.5f * x * x);
        // Where the density is 0, x may be infinite.
        return density == 0f ? below : Math.fma(x, density, below);
    }

    /**
     * Returns the part of the normal distribution beyond |x|, half of erfc(|x| / sqrt(2)): Numerical
     * Recipes' erfcc, within 2e-7 of the value where the exponent is small. The square is exact in
     * the fma, so that the exponent is rounded once.
     */
    private static float upperTail(float x) {
        float a = Math.abs(x);
        float t = 1f / Math.fma(HALF_ROOT_HALF, a, 1f);
        float p = Math.fma(TAIL_9, t, TAIL_8);
        p = Math.fma(p, t, TAIL_7);
        p = Math.fma(p, t, TAIL_6);
        p = Math.fma(p, t, TAIL_5);
        p = Math.fma(p, t, TAIL_4);
        p = Math.fma(p, t, TAIL_3);
        p = Math.fma(p, t, TAIL_2);
        p = Math.fma(p, t, TAIL_1);
        p = Math.fma(p, t, TAIL_0);
        return 0.5f * t * exp(Math.fma(-0.5f * a, a, p));
    }

    static float silu(float x) {
        return x / (1f + exp(-x));
    }

    static float siluSlope(float x) {
        float s = 1f / (1f + exp(-x));
        return s * Math.fma(x, 1f - s, 1f);
    }

    static float tanhSlope(float x) {
        float t = tanh(x);
        return Math.fma(-t, t, 1f);
    }
}
