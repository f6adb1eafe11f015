package ds.optim.builtin;

import ds.core.FlatBuffer;
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
 * The roundings of {@link ds.core.Rounding} by vectors; owned by one thread. Ranges are elements and
 * hold whole vectors only. A NaN must be quiet, as every operation leaves it.
 */
final class VectorRounding {
    private static final VectorSpecies<Float> FLOATS = FloatVector.SPECIES_PREFERRED;
    private static final VectorSpecies<Integer> INTS = IntVector.SPECIES_PREFERRED;
    private static final VectorSpecies<Short> SHORTS =
            VectorShape.forBitSize(INTS.vectorBitSize() / 2).withLanes(short.class);
    private static final ByteOrder ORDER = ByteOrder.LITTLE_ENDIAN;

    private static final int STRIDE = FLOATS.length();

    private static final int HALVES = 16;
    private static final int BF16_HALF = 0x7fff;

    private final float[] floats;
    private final short[] halves;

    /** Allocates for ranges of at most {@code most} elements. */
    VectorRounding(int most) {
        floats = new float[most];
        halves = new short[most];
    }

    /** Rounds {@code values} to bfloat16. */
    void toBf16(MemorySegment values, MemorySegment copy, long from, long end) {
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

    /**
     * Rounds {@code values} to binary16, through arrays: over these the compiler takes the machine's
     * own instruction, which the Vector API does not have.
     */
    void toFp16(MemorySegment values, MemorySegment copy, long from, long end) {
        int count = (int) (end - from);
        MemorySegment.copy(values, FlatBuffer.FLOAT, from * Float.BYTES, floats, 0, count);
        round(count);
        MemorySegment.copy(halves, 0, copy, FlatBuffer.SHORT, from * Short.BYTES, count);
    }

    private void round(int count) {
        for (int i = 0; i < count; i++) {
            halves[i] = Float.floatToFloat16(floats[i]);
        }
    }
}
