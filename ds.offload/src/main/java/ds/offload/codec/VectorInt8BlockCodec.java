package ds.offload.codec;

import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/** {@link Int8BlockCodec}, a hardware vector of at least eight floats at a time. */
final class VectorInt8BlockCodec extends Int8BlockCodec {
    private static final int LANES_MIN = 8;
    private static final VectorSpecies<Float> FLOATS = FloatVector.SPECIES_PREFERRED;
    private static final VectorSpecies<Integer> INTS = IntVector.SPECIES_PREFERRED;
    private static final int STRIDE = FLOATS.length();

    /** Whether the codes of a hardware vector fill a vector of bytes. */
    static final boolean FITS = STRIDE >= LANES_MIN;

    private static final VectorSpecies<Byte> BYTES =
            VectorShape.forBitSize(Math.max(STRIDE, LANES_MIN) * Byte.SIZE).withLanes(byte.class);
    private static final IntVector PLACES =
            IntVector.zero(INTS).addIndex(1).mul(Dither.PLACE_FACTOR);
    private static final ByteOrder ORDER = ByteOrder.LITTLE_ENDIAN;

    @Override
    float largest(MemorySegment values, long at) {
        IntVector most = IntVector.zero(INTS);
        for (int i = 0; i < BLOCK_ELEMENTS; i += STRIDE) {
            most = most.max(bits(values, at, i).and(MAGNITUDE));
        }
        return Float.intBitsToFloat(most.reduceLanes(VectorOperators.MAX));
    }

    private static IntVector bits(MemorySegment values, long at, int index) {
        return IntVector.fromMemorySegment(INTS, values, at + (long) index * Float.BYTES, ORDER);
    }

    @Override
    void encodeSigned(
            MemorySegment values, long from, MemorySegment encoded, long to, float scale) {
        for (int i = 0; i < BLOCK_ELEMENTS; i += STRIDE) {
            IntVector bits = bits(values, from, i);
            FloatVector size = bits.and(MAGNITUDE).reinterpretAsFloats();
            IntVector lower = whole(size.div(scale).lanewise(VectorOperators.SQRT).mul(SIGNED_MAX));
            FloatVector below = square(real(lower).mul(SIGNED_UNIT)).mul(scale);
            FloatVector above = square(real(lower.add(1)).mul(SIGNED_UNIT)).mul(scale);
            IntVector code = lower.add(1, up(unit(bits, i), size, below, above)).min(SIGNED_MAX);
            store(
                    code.lanewise(VectorOperators.NEG, bits.compare(VectorOperators.LT, 0)),
                    encoded,
                    to + i);
        }
    }

    @Override
    void encodeNonNegative(
            MemorySegment values, long from, MemorySegment encoded, long to, float scale) {
        for (int i = 0; i < BLOCK_ELEMENTS; i += STRIDE) {
            IntVector bits = bits(values, from, i);
            IntVector magnitude = bits.and(MAGNITUDE);
            FloatVector size = magnitude.reinterpretAsFloats();
            IntVector lower =
                    whole(
                            size.div(scale)
                                    .lanewise(VectorOperators.SQRT)
                                    .lanewise(VectorOperators.SQRT)
                                    .mul(NON_NEGATIVE_MAX));
            FloatVector below = square(square(real(lower).mul(NON_NEGATIVE_UNIT))).mul(scale);
            FloatVector above =
                    square(square(real(lower.add(1)).mul(NON_NEGATIVE_UNIT))).mul(scale);
            IntVector code = lower.add(1, up(unit(bits, i), size, below, above));
            IntVector least =
                    IntVector.zero(INTS).blend(1, size.compare(VectorOperators.GT, 0).cast(INTS));
            store(code.max(least).min(NON_NEGATIVE_MAX), encoded, to + i);
        }
    }

    private static IntVector whole(FloatVector value) {
        return (IntVector) value.convertShape(VectorOperators.F2I, INTS, 0);
    }

    private static FloatVector real(IntVector value) {
        return (FloatVector) value.convertShape(VectorOperators.I2F, FLOATS, 0);
    }

    private static FloatVector square(FloatVector value) {
        return value.mul(value);
    }

    private static FloatVector unit(IntVector bits, int place) {
        IntVector mixed =
                bits.add(PLACES).add(place * Dither.PLACE_FACTOR).mul(Dither.FIRST_FACTOR);
        IntVector hash =
                mixed.lanewise(
                                VectorOperators.XOR,
                                mixed.lanewise(VectorOperators.LSHR, Dither.FIRST_SHIFT))
                        .mul(Dither.SECOND_FACTOR);
        return real(hash.lanewise(VectorOperators.LSHR, Dither.UNIT_SHIFT)).mul(Dither.UNIT);
    }

    private static VectorMask<Integer> up(
            FloatVector unit, FloatVector size, FloatVector below, FloatVector above) {
        return unit.mul(above.sub(below)).compare(VectorOperators.LT, size.sub(below)).cast(INTS);
    }

    private static void store(IntVector codes, MemorySegment encoded, long at) {
        ((ByteVector) codes.convertShape(VectorOperators.I2B, BYTES, 0))
                .intoMemorySegment(encoded, at, ORDER);
    }

    @Override
    void decodeSigned(
            MemorySegment encoded, long from, MemorySegment values, long to, float scale) {
        for (int i = 0; i < BLOCK_ELEMENTS; i += STRIDE) {
            ByteVector codes = ByteVector.fromMemorySegment(BYTES, encoded, from + i, ORDER);
            IntVector whole = (IntVector) codes.convertShape(VectorOperators.B2I, INTS, 0);
            FloatVector root = real(whole).mul(SIGNED_UNIT);
            root.mul(root.abs())
                    .mul(scale)
                    .intoMemorySegment(values, to + (long) i * Float.BYTES, ORDER);
        }
    }

    @Override
    void decodeNonNegative(
            MemorySegment encoded, long from, MemorySegment values, long to, float scale) {
        for (int i = 0; i < BLOCK_ELEMENTS; i += STRIDE) {
            ByteVector codes = ByteVector.fromMemorySegment(BYTES, encoded, from + i, ORDER);
            IntVector whole =
                    (IntVector) codes.convertShape(VectorOperators.ZERO_EXTEND_B2I, INTS, 0);
            square(square(real(whole).mul(NON_NEGATIVE_UNIT)))
                    .mul(scale)
                    .intoMemorySegment(values, to + (long) i * Float.BYTES, ORDER);
        }
    }
}
