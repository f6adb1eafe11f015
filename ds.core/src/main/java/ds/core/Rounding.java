package ds.core;

/**
 * Conversions between binary32 and the 16-bit types, round to nearest even; overflow gives an
 * infinity, subnormals are kept, a NaN stays a (quiet) NaN. These are the scalar definitions: every
 * vector kernel has the same bits.
 */
public final class Rounding {
    private static final int BF16_SHIFT = 16;
    private static final int BF16_QUIET_BIT = 0x40;

    private Rounding() {}

    /** Rounds {@code value} to bfloat16 and returns its bits. */
    public static short toBf16(float value) {
        int bits = Float.floatToRawIntBits(value);
        if ((bits & 0x7fffffff) > 0x7f800000) {
            return (short) (bits >>> BF16_SHIFT | BF16_QUIET_BIT);
        }
        return (short) (bits + 0x7fff + (bits >>> BF16_SHIFT & 1) >>> BF16_SHIFT);
    }

    /** Widens bfloat16 bits exactly. */
    public static float fromBf16(short bits) {
        return Float.intBitsToFloat(bits << BF16_SHIFT);
    }

    /** Rounds {@code value} to binary16 and returns its bits. */
    public static short toFp16(float value) {
        return Float.floatToFloat16(value);
    }

    /** Widens binary16 bits exactly. */
    public static float fromFp16(short bits) {
        return Float.float16ToFloat(bits);
    }

    /** Returns {@code value} as it reads back after being stored as {@code type}. */
    public static float stored(float value, DType type) {
        return switch (type) {
            case FP32 -> value;
            case FP16 -> fromFp16(toFp16(value));
            case BF16 -> fromBf16(toBf16(value));
        };
    }
}
