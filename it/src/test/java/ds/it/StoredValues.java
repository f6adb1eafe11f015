package ds.it;

import ds.core.DType;
import ds.core.Rounding;
import ds.testkit.Golden;
import java.util.Map;
import java.util.Optional;
import java.util.function.IntToDoubleFunction;

/**
 * The rule by which results are held against recorded ones: in 16 bits by the distance between stored
 * values and by how many have other bits at all, so that a value that was not rounded or was rounded
 * twice fails; in fp32 by a relative difference.
 */
final class StoredValues {
    private static final int FP16_SIGN = 0x8000;
    private static final int MAGNITUDE = 0x7fff;

    private StoredValues() {}

    /** Returns what is wrong, or nothing. */
    static Optional<String> compare(
            Golden golden, Map<String, Object> output, DType type, float[] actual) {
        String name = (String) output.get("tensor");
        float[] expected = golden.floats(name);
        Map<String, Object> tolerance = Golden.object(output.get("tol"));
        if (expected.length != actual.length) {
            return Optional.of(
                    "%s has %d elements, not %d".formatted(name, actual.length, expected.length));
        }
        return golden.type(name).equals("f32")
                ? wide(name, tolerance, expected, actual)
                : narrow(
                        name,
                        type,
                        tolerance,
                        allowance(golden, tolerance, type),
                        expected,
                        actual);
    }

    private static IntToDoubleFunction allowance(
            Golden golden, Map<String, Object> tolerance, DType type) {
        Object named = tolerance.get("abs_elem");
        Object rule = tolerance.get("abs_rule");
        if (named != null) {
            float[] each = golden.floats((String) named);
            return i -> each[i];
        }
        if (rule != null) {
            return byPattern((String) rule, type);
        }
        double all = number(tolerance.get("abs"));
        return _ -> all;
    }

    /** The two rules that the manifest has in words, for inputs that are the patterns in order. */
    private static IntToDoubleFunction byPattern(String rule, DType type) {
        return switch (rule) {
            case "2^-22 min(|x|,16) where |x| <= 40, else 0" ->
                    i -> {
                        double x = Math.abs(value(i, type));
                        return x <= 40 ? 0x1p-22 * Math.min(x, 16) : 0;
                    };
            case "4e-36 where x < -80, else 0" -> i -> value(i, type) < -80 ? 4e-36 : 0;
            default -> throw new IllegalArgumentException("allowance " + rule);
        };
    }

    private static float value(int pattern, DType type) {
        return type == DType.BF16
                ? Rounding.fromBf16((short) pattern)
                : Rounding.fromFp16((short) pattern);
    }

    private static Optional<String> wide(
            String name, Map<String, Object> tolerance, float[] expected, float[] actual) {
        double relative = number(tolerance.get("rel"));
        double absolute = number(tolerance.get("abs"));
        for (int i = 0; i < expected.length; i++) {
            double difference = Math.abs((double) actual[i] - expected[i]);
            boolean close = difference <= relative * Math.abs((double) expected[i]) + absolute;
            if (Float.compare(actual[i], expected[i]) != 0 && !close) {
                return Optional.of(
                        "%s[%d] is %s, not %s".formatted(name, i, actual[i], expected[i]));
            }
        }
        return Optional.empty();
    }

    /** As the manifests say: each within ulps or the allowance, and few outside it that differ. */
    static Optional<String> narrow(
            String name,
            DType type,
            Map<String, Object> tolerance,
            IntToDoubleFunction allowance,
            float[] expected,
            float[] actual) {
        int ulps = (int) number(tolerance.get("ulp"));
        double fraction = number(tolerance.get("differ"));
        int different = 0;
        for (int i = 0; i < expected.length; i++) {
            if (Float.isNaN(expected[i]) && Float.isNaN(actual[i])) {
                continue;
            }
            if (Float.compare(Rounding.stored(actual[i], type), actual[i]) != 0) {
                return Optional.of(
                        "%s[%d] is %s, which is no %s".formatted(name, i, actual[i], type));
            }
            int distance = Math.abs(ordinal(actual[i], type) - ordinal(expected[i], type));
            double difference = Math.abs((double) actual[i] - expected[i]);
            if (distance == 0 || difference <= allowance.applyAsDouble(i)) {
                continue;
            }
            different++;
            if (distance > ulps) {
                return Optional.of(
                        "%s[%d] is %s, not %s: %d steps of %s away"
                                .formatted(name, i, actual[i], expected[i], distance, type));
            }
        }
        return different <= fraction * expected.length
                ? Optional.empty()
                : Optional.of(
                        "%s differs at %d of %d places, of which %s may"
                                .formatted(name, different, expected.length, fraction));
    }

    /** Numbers the values of a 16-bit type in ascending order; both zeros are 0. */
    private static int ordinal(float value, DType type) {
        int bits = type == DType.BF16 ? Rounding.toBf16(value) : Rounding.toFp16(value);
        int magnitude = bits & MAGNITUDE;
        return (bits & FP16_SIGN) == 0 ? magnitude : -magnitude;
    }

    private static double number(Object value) {
        return value instanceof Number number
                ? number.doubleValue()
                : Double.POSITIVE_INFINITY; // "inf"
    }
}
