package ds.optim.builtin;

import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/**
 * The roundings of {@link ds.core.Rounding}, a hardware vector at a time. Ranges are elements and hold
 * whole vectors only. A NaN must be quiet, as every operation leaves it, and keeps its sign.
 */
final class VectorRounding {
    private static final VectorSpecies<Float> FLOATS = FloatVector.SPECIES_PREFERRED;
    private static final VectorSpecies<Integer> INTS = IntVector.SPECIES_PREFERRED;
    private static final VectorSpecies<Short> SHORTS =
            VectorShape.forBitSize(FLOATS.vectorBitSize() / 2).withLanes(short.class);
    private static final ByteOrder ORDER = ByteOrder.LITTLE_ENDIAN;
    private static final int STRIDE = FLOATS.length();

    private static final int MAGNITUDE = 0x7fffffff;
    private static final int INFINITY = 0x7f800000;
    private static final int HALVES = 16;
    private static final int BF16_HALF = 0x7fff;
    private static final int FP16_SHIFT = 13;
    private static final int FP16_HALF = 0xfff;
    private static final int FP16_REBIAS = (127 - 15) << 23;
    private static final int FP16_SMALLEST_NORMAL = 0x38800000;
    private static final int FP16_OVERFLOW = 0x47800000;
    private static final int FP16_INFINITY = 0x7c00;
    private static final int FP16_QUIET = 0x7e00;
    private static final int FP16_PAYLOAD = 0x3ff;
    private static final float FP16_UNIT = 0.5f; // its ulp is fp16's smallest step, 2^-24
    private static final int FP16_UNIT_BITS = 0x3f000000;

    private VectorRounding() {}

    /** Rounds {@code values} to bfloat16. */
    static void toBf16(MemorySegment values, MemorySegment copy, long from, long end) {
        for (long i = from; i < end; i += STRIDE) {
            FloatVector value =
                    FloatVector.fromMemorySegment(FLOATS, values, i * Float.BYTES, ORDER);
            IntVector bits = value.reinterpretAsInts();
            IntVector half = bits.lanewise(VectorOperators.LSHR, HALVES).and(1).add(BF16_HALF);
            // A NaN, quiet already, is only cut off.
            VectorMask<Integer> isNumber = value.compare(VectorOperators.EQ, value).cast(INTS);
            IntVector rounded = bits.add(half, isNumber).lanewise(VectorOperators.LSHR, HALVES);
            ((ShortVector) rounded.convertShape(VectorOperators.I2S, SHORTS, 0))
                    .intoMemorySegment(copy, i * Short.BYTES, ORDER);
        }
    }

    /** Rounds {@code values} to binary16. */
    static void toFp16(MemorySegment values, MemorySegment copy, long from, long end) {
        for (long i = from; i < end; i += STRIDE) {
            IntVector bits =
                    FloatVector.fromMemorySegment(FLOATS, values, i * Float.BYTES, ORDER)
                            .reinterpretAsInts();
            IntVector magnitude = bits.and(MAGNITUDE);
            IntVector shifted = magnitude.lanewise(VectorOperators.LSHR, FP16_SHIFT);
            IntVector normal =
                    magnitude
                            .sub(FP16_REBIAS - FP16_HALF)
                            .add(shifted.and(1))
                            .lanewise(VectorOperators.LSHR, FP16_SHIFT);
            IntVector subnormal =
                    magnitude
                            .reinterpretAsFloats()
                            .add(FP16_UNIT)
                            .reinterpretAsInts()
                            .sub(FP16_UNIT_BITS);
            VectorMask<Integer> isSubnormal =
                    magnitude.compare(VectorOperators.LT, FP16_SMALLEST_NORMAL);
            VectorMask<Integer> isOver = magnitude.compare(VectorOperators.GE, FP16_OVERFLOW);
            VectorMask<Integer> isNan = magnitude.compare(VectorOperators.GT, INFINITY);
            IntVector result =
                    normal.blend(subnormal, isSubnormal)
                            .blend(FP16_INFINITY, isOver)
                            .blend(shifted.and(FP16_PAYLOAD).or(FP16_QUIET), isNan)
                            .or(bits.and(~MAGNITUDE).lanewise(VectorOperators.LSHR, HALVES));
            ((ShortVector) result.convertShape(VectorOperators.I2S, SHORTS, 0))
                    .intoMemorySegment(copy, i * Short.BYTES, ORDER);
        }
    }
}
