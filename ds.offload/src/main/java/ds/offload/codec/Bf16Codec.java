package ds.offload.codec;

import ds.core.FlatBuffer;
import ds.offload.spi.StateCodec;
import java.lang.foreign.MemorySegment;

/** The upper half of every fp32, up or down by {@link Dither}. This scalar code defines the bits. */
class Bf16Codec implements StateCodec {
    static final String NAME = "bf16";
    static final int HALF_BITS = 16;
    static final int MAGNITUDE = 0x7fffffff;
    static final int INFINITY = 0x7f800000;
    static final int QUIET = 0x40;

    /** Returns the fastest that can run here. */
    static StateCodec best() {
        return VectorModule.isReadable() ? new VectorBf16Codec() : new Bf16Codec();
    }

    @Override
    public final String name() {
        return NAME;
    }

    @Override
    public final int granuleBytes() {
        return GRANULE_ELEMENTS * Short.BYTES;
    }

    @Override
    public void encode(MemorySegment values, MemorySegment encoded, Values kind) {
        long count = values.byteSize() / Float.BYTES;
        for (long i = 0; i < count; i++) {
            int bits = Float.floatToRawIntBits(values.get(FlatBuffer.FLOAT, i * Float.BYTES));
            encoded.set(
                    FlatBuffer.SHORT, i * Short.BYTES, rounded(bits, (int) (i % GRANULE_ELEMENTS)));
        }
    }

    private static short rounded(int bits, int place) {
        if ((bits & MAGNITUDE) > INFINITY) {
            return (short) (bits >>> HALF_BITS | QUIET);
        }
        return (short) (bits + (Dither.hash(bits, place) >>> HALF_BITS) >>> HALF_BITS);
    }

    @Override
    public void decode(MemorySegment encoded, MemorySegment values, Values kind) {
        long count = values.byteSize() / Float.BYTES;
        for (long i = 0; i < count; i++) {
            int bits = encoded.get(FlatBuffer.SHORT, i * Short.BYTES) << HALF_BITS;
            values.set(FlatBuffer.FLOAT, i * Float.BYTES, Float.intBitsToFloat(bits));
        }
    }
}
