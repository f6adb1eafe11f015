package ds.offload.codec;

import ds.core.FlatBuffer;
import ds.offload.spi.StateCodec;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Eight bits for every element and an fp32 scale for every {@value #BLOCK_ELEMENTS}: the largest
 * magnitude m of the block. A granule is its four scales, then its codes. Codes are not evenly
 * spaced, since the ratio of a momentum to the root of a mean square is what moves a weight:
 *
 * <ul>
 *   <li>signed: code c from −127 to 127 is sign(c)·(c/127)²·m;
 *   <li>non-negative: code c from 0 to 255 is (c/255)⁴·m, and 0 stands for zero alone: a small mean
 *       square read as zero would make a step without bound.
 * </ul>
 *
 * <p>Between two codes {@link Dither} chooses. A block with a value that is not finite is not finite
 * afterwards. This scalar code defines the bits.
 */
class Int8BlockCodec implements StateCodec {
    static final String NAME = "int8_block";
    static final int BLOCK_ELEMENTS = 256;
    static final int BLOCKS = GRANULE_ELEMENTS / BLOCK_ELEMENTS;
    static final int HEADER_BYTES = BLOCKS * Float.BYTES;
    static final int MAGNITUDE = 0x7fffffff;
    static final int SIGNED_MAX = 127;
    static final int NON_NEGATIVE_MAX = 255;
    static final float SIGNED_UNIT = 1f / SIGNED_MAX;
    static final float NON_NEGATIVE_UNIT = 1f / NON_NEGATIVE_MAX;

    /** Returns the fastest that can run here. */
    static StateCodec best() {
        return VectorModule.isReadable() && VectorInt8BlockCodec.FITS
                ? new VectorInt8BlockCodec()
                : new Int8BlockCodec();
    }

    @Override
    public final String name() {
        return NAME;
    }

    @Override
    public final int granuleBytes() {
        return HEADER_BYTES + GRANULE_ELEMENTS;
    }

    @Override
    public final void encode(MemorySegment values, MemorySegment encoded, Values kind) {
        long granules = values.byteSize() / ((long) GRANULE_ELEMENTS * Float.BYTES);
        for (long granule = 0; granule < granules; granule++) {
            long header = granule * granuleBytes();
            for (int block = 0; block < BLOCKS; block++) {
                long from = granule * GRANULE_ELEMENTS + (long) block * BLOCK_ELEMENTS;
                long to = header + HEADER_BYTES + (long) block * BLOCK_ELEMENTS;
                float scale = largest(values, from * Float.BYTES);
                encoded.set(FlatBuffer.FLOAT, header + (long) block * Float.BYTES, scale);
                switch (kind) {
                    case SIGNED -> encodeSigned(values, from * Float.BYTES, encoded, to, scale);
                    case NON_NEGATIVE ->
                            encodeNonNegative(values, from * Float.BYTES, encoded, to, scale);
                }
            }
        }
    }

    @Override
    public final void decode(MemorySegment encoded, MemorySegment values, Values kind) {
        long granules = values.byteSize() / ((long) GRANULE_ELEMENTS * Float.BYTES);
        for (long granule = 0; granule < granules; granule++) {
            long header = granule * granuleBytes();
            for (int block = 0; block < BLOCKS; block++) {
                long from = header + HEADER_BYTES + (long) block * BLOCK_ELEMENTS;
                long to = granule * GRANULE_ELEMENTS + (long) block * BLOCK_ELEMENTS;
                float scale = encoded.get(FlatBuffer.FLOAT, header + (long) block * Float.BYTES);
                switch (kind) {
                    case SIGNED -> decodeSigned(encoded, from, values, to * Float.BYTES, scale);
                    case NON_NEGATIVE ->
                            decodeNonNegative(encoded, from, values, to * Float.BYTES, scale);
                }
            }
        }
    }

    /** Returns the largest magnitude of a block; one that is not finite is the largest. */
    float largest(MemorySegment values, long at) {
        int most = 0;
        for (int i = 0; i < BLOCK_ELEMENTS; i++) {
            most = Math.max(most, bits(values, at, i) & MAGNITUDE);
        }
        return Float.intBitsToFloat(most);
    }

    private static int bits(MemorySegment values, long at, int index) {
        return Float.floatToRawIntBits(
                values.get(FlatBuffer.FLOAT, at + (long) index * Float.BYTES));
    }

    void encodeSigned(
            MemorySegment values, long from, MemorySegment encoded, long to, float scale) {
        for (int i = 0; i < BLOCK_ELEMENTS; i++) {
            int bits = bits(values, from, i);
            float size = Float.intBitsToFloat(bits & MAGNITUDE);
            int lower = (int) ((float) Math.sqrt(size / scale) * SIGNED_MAX);
            float below = square(lower * SIGNED_UNIT) * scale;
            float above = square((lower + 1) * SIGNED_UNIT) * scale;
            int code = isUp(Dither.unit(bits, i), size, below, above) ? lower + 1 : lower;
            code = Math.min(code, SIGNED_MAX);
            encoded.set(ValueLayout.JAVA_BYTE, to + i, (byte) (bits < 0 ? -code : code));
        }
    }

    void encodeNonNegative(
            MemorySegment values, long from, MemorySegment encoded, long to, float scale) {
        for (int i = 0; i < BLOCK_ELEMENTS; i++) {
            int bits = bits(values, from, i);
            float size = Float.intBitsToFloat(bits & MAGNITUDE);
            float root = (float) Math.sqrt((float) Math.sqrt(size / scale));
            int lower = (int) (root * NON_NEGATIVE_MAX);
            float below = square(square(lower * NON_NEGATIVE_UNIT)) * scale;
            float above = square(square((lower + 1) * NON_NEGATIVE_UNIT)) * scale;
            int code = isUp(Dither.unit(bits, i), size, below, above) ? lower + 1 : lower;
            code = Math.min(Math.max(code, size > 0 ? 1 : 0), NON_NEGATIVE_MAX);
            encoded.set(ValueLayout.JAVA_BYTE, to + i, (byte) code);
        }
    }

    private static boolean isUp(float unit, float size, float below, float above) {
        return unit * (above - below) < size - below;
    }

    private static float square(float value) {
        return value * value;
    }

    void decodeSigned(
            MemorySegment encoded, long from, MemorySegment values, long to, float scale) {
        for (int i = 0; i < BLOCK_ELEMENTS; i++) {
            int code = encoded.get(ValueLayout.JAVA_BYTE, from + i);
            float root = code * SIGNED_UNIT;
            values.set(
                    FlatBuffer.FLOAT, to + (long) i * Float.BYTES, root * Math.abs(root) * scale);
        }
    }

    void decodeNonNegative(
            MemorySegment encoded, long from, MemorySegment values, long to, float scale) {
        for (int i = 0; i < BLOCK_ELEMENTS; i++) {
            int code = encoded.get(ValueLayout.JAVA_BYTE, from + i) & NON_NEGATIVE_MAX;
            float value = square(square(code * NON_NEGATIVE_UNIT)) * scale;
            values.set(FlatBuffer.FLOAT, to + (long) i * Float.BYTES, value);
        }
    }
}
