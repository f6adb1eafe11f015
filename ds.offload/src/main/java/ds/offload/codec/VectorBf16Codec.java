package ds.offload.codec;

import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/** {@link Bf16Codec}, a hardware vector at a time. */
final class VectorBf16Codec extends Bf16Codec {
    private static final VectorSpecies<Integer> INTS = IntVector.SPECIES_PREFERRED;
    private static final VectorSpecies<Short> SHORTS =
            VectorShape.forBitSize(INTS.vectorBitSize() / 2).withLanes(short.class);
    private static final ByteOrder ORDER = ByteOrder.LITTLE_ENDIAN;
    private static final int STRIDE = INTS.length();
    private static final IntVector PLACES =
            IntVector.zero(INTS).addIndex(1).mul(Dither.PLACE_FACTOR);

    @Override
    public void encode(MemorySegment values, MemorySegment encoded, Values kind) {
        long count = values.byteSize() / Float.BYTES;
        for (long i = 0; i < count; i += STRIDE) {
            IntVector bits = IntVector.fromMemorySegment(INTS, values, i * Float.BYTES, ORDER);
            int place = (int) (i % GRANULE_ELEMENTS) * Dither.PLACE_FACTOR;
            IntVector mixed = bits.add(PLACES).add(place).mul(Dither.FIRST_FACTOR);
            IntVector noise =
                    mixed.lanewise(
                                    VectorOperators.XOR,
                                    mixed.lanewise(VectorOperators.LSHR, Dither.FIRST_SHIFT))
                            .mul(Dither.SECOND_FACTOR)
                            .lanewise(VectorOperators.LSHR, HALF_BITS);
            IntVector rounded = bits.add(noise).lanewise(VectorOperators.LSHR, HALF_BITS);
            IntVector quiet = bits.lanewise(VectorOperators.LSHR, HALF_BITS).or(QUIET);
            VectorMask<Integer> nan = bits.and(MAGNITUDE).compare(VectorOperators.GT, INFINITY);
            ((ShortVector) rounded.blend(quiet, nan).convertShape(VectorOperators.I2S, SHORTS, 0))
                    .intoMemorySegment(encoded, i * Short.BYTES, ORDER);
        }
    }

    @Override
    public void decode(MemorySegment encoded, MemorySegment values, Values kind) {
        long count = values.byteSize() / Float.BYTES;
        for (long i = 0; i < count; i += STRIDE) {
            ShortVector half =
                    ShortVector.fromMemorySegment(SHORTS, encoded, i * Short.BYTES, ORDER);
            ((IntVector) half.convertShape(VectorOperators.ZERO_EXTEND_S2I, INTS, 0))
                    .lanewise(VectorOperators.LSHL, HALF_BITS)
                    .intoMemorySegment(values, i * Float.BYTES, ORDER);
        }
    }
}
