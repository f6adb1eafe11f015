package ds.kernels.host;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import ds.kernels.Kernels.Activation;
import java.util.Arrays;
import java.util.function.DoubleUnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * The elementary functions are accurate, and scalar code and vector lanes agree on them. Inputs are
 * every 4,099th bit pattern and the edges; with {@code -Dds.exhaustive=true} all patterns, which
 * takes a quarter of an hour on one core, and with {@code -Dds.exhaustive.part=3/8} besides, the
 * third of eight equal parts of them.
 */
class FloatMathTest {
    private static final int STRIDE = Boolean.getBoolean("ds.exhaustive") ? 1 : 4_099;
    private static final String[] PART =
            System.getProperty("ds.exhaustive.part", "1/1").split("/", 2);
    private static final long FIRST = start(Integer.parseInt(PART[0]) - 1);
    private static final long END = start(Integer.parseInt(PART[0]));
    private static final int BLOCK = 4_096;
    private static final float[] EDGES = {
        0f,
        -0f,
        1f,
        -1f,
        Float.MIN_VALUE,
        -Float.MIN_VALUE,
        Float.MIN_NORMAL,
        Float.MAX_VALUE,
        -Float.MAX_VALUE,
        Float.POSITIVE_INFINITY,
        Float.NEGATIVE_INFINITY,
        Float.NaN,
        88.72283f,
        88.72284f,
        89f,
        -87.33654f,
        -103.97207f,
        -103.97208f,
        -105f,
        7.9053f,
        7.9054f,
        9f,
        0.0004f,
        0.00039999f,
        16f,
        -16f,
        0.70710677f,
        0.70710678f,
        1.4142135f
    };

    @FunctionalInterface
    private interface FloatFunction {
        float apply(float x);
    }

    @FunctionalInterface
    private interface BlockCheck {
        void check(float[] x, int count);
    }

    private static long start(int part) {
        int parts = Integer.parseInt(PART[1]);
        if (part < 0 || part > parts) {
            throw new IllegalArgumentException("ds.exhaustive.part is 1/n to n/n");
        }
        return (1L << 32) / parts * part + (part == parts ? (1L << 32) % parts : 0);
    }

    private static void sweep(BlockCheck check) {
        check.check(EDGES, EDGES.length);
        float[] x = new float[BLOCK];
        int filled = 0;
        for (long bits = FIRST; bits < END; bits += STRIDE) {
            x[filled++] = Float.intBitsToFloat((int) bits);
            if (filled == BLOCK) {
                check.check(x, filled);
                filled = 0;
            }
        }
        check.check(x, filled);
    }

    private static double worstUlp(FloatFunction f, DoubleUnaryOperator exact) {
        double[] worst = new double[1];
        sweep(
                (x, count) -> {
                    for (int i = 0; i < count; i++) {
                        double expected = exact.applyAsDouble(x[i]);
                        float rounded = (float) expected;
                        float actual = f.apply(x[i]);
                        if (Float.isFinite(rounded)) {
                            double error = Math.abs(actual - expected) / Math.ulp(rounded);
                            if (!(error <= worst[0])) { // a NaN must not pass for small
                                worst[0] = error;
                            }
                        } else if (Float.compare(rounded, actual) != 0) {
                            fail("at " + x[i] + " expected " + rounded + " was " + actual);
                        }
                    }
                });
        return worst[0];
    }

    @Test
    void expIsWithinTwoUlp() {
        double worst = worstUlp(FloatMath::exp, StrictMath::exp);
        assertTrue(worst <= 2, "worst " + worst);
    }

    @Test
    void logIsWithinTwoUlp() {
        double worst = worstUlp(FloatMath::log, StrictMath::log);
        assertTrue(worst <= 2, "worst " + worst);
    }

    @Test
    void tanhIsWithinFourUlp() {
        double worst = worstUlp(FloatMath::tanh, StrictMath::tanh);
        assertTrue(worst <= 4, "worst " + worst);
    }

    @Test
    void edgesAreExact() {
        assertEquals(0f, FloatMath.exp(Float.NEGATIVE_INFINITY));
        assertEquals(Float.POSITIVE_INFINITY, FloatMath.exp(Float.POSITIVE_INFINITY));
        assertEquals(1f, FloatMath.exp(0f));
        assertTrue(Float.isNaN(FloatMath.exp(Float.NaN)));
        assertEquals(-0f, FloatMath.tanh(-0f));
        assertTrue(Float.isNaN(FloatMath.tanh(Float.NaN)));
        assertEquals(Float.NEGATIVE_INFINITY, FloatMath.log(0f));
        assertTrue(Float.isNaN(FloatMath.log(-1f)));
    }

    private static void assertTwins(String name, float[] x, float[] scalar, float[] vector, int n) {
        int i = Arrays.mismatch(scalar, 0, n, vector, 0, n); // NaN of any payload is NaN
        if (i >= 0) {
            fail(name + " of " + x[i] + " is " + scalar[i] + " and " + vector[i]);
        }
    }

    @Test
    void vectorAndScalarAgreeOnExp() {
        Lanes scalar = new Lanes();
        Lanes vector = new VectorLanes(0);
        float[] s = new float[BLOCK];
        float[] v = new float[BLOCK];
        sweep(
                (x, count) -> {
                    scalar.exp(x, 0, s, 0, count);
                    vector.exp(x, 0, v, 0, count);
                    assertTwins("exp", x, s, v, count);
                });
    }

    @ParameterizedTest
    @EnumSource
    void vectorAndScalarAgreeOnAnActivation(Activation f) {
        Lanes scalar = new Lanes();
        Lanes vector = new VectorLanes(0);
        float[] s = new float[BLOCK];
        float[] v = new float[BLOCK];
        sweep(
                (x, count) -> {
                    scalar.activation(f, x, s, count);
                    vector.activation(f, x, v, count);
                    assertTwins(f + "", x, s, v, count);
                });
    }

    @ParameterizedTest
    @EnumSource
    void vectorAndScalarAgreeOnASlope(Activation f) {
        Lanes scalar = new Lanes();
        Lanes vector = new VectorLanes(0);
        float[] ones = new float[BLOCK];
        Arrays.fill(ones, 1f);
        float[] s = new float[BLOCK];
        float[] v = new float[BLOCK];
        sweep(
                (x, count) -> {
                    scalar.activationSlope(f, x, ones, s, count);
                    vector.activationSlope(f, x, ones, v, count);
                    assertTwins(f + " slope", x, s, v, count);
                });
    }

    @Test
    void vectorAndScalarAgreeOnNarrowing() {
        Lanes scalar = new Lanes();
        Lanes vector = new VectorLanes(0);
        short[] s = new short[BLOCK];
        short[] v = new short[BLOCK];
        sweep(
                (x, count) -> {
                    scalar.narrowBf16(x, 0, s, 0, count);
                    vector.narrowBf16(x, 0, v, 0, count);
                    int i = Arrays.mismatch(s, 0, count, v, 0, count);
                    if (i >= 0) {
                        fail("bf16 of " + x[i] + " is " + s[i] + " and " + v[i]);
                    }
                });
    }
}
