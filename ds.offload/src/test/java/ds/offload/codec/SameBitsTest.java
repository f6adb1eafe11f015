package ds.offload.codec;

import static org.junit.jupiter.api.Assertions.assertEquals;

import ds.core.FlatBuffer;
import ds.offload.spi.StateCodec;
import ds.offload.spi.StateCodec.Values;
import java.lang.foreign.MemorySegment;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Vector codecs give the bits of the scalar ones, for any bits whatever. */
class SameBitsTest {
    private static final int GRANULES = 2_000;
    private static final int ELEMENTS = GRANULES * StateCodec.GRANULE_ELEMENTS;
    private static final long SEED = 20_261_126L;

    private static MemorySegment bytes(long size) {
        return MemorySegment.ofArray(new byte[Math.toIntExact(size)]);
    }

    private static MemorySegment anyBits() {
        Random random = new Random(SEED);
        float[] values = new float[ELEMENTS];
        for (int i = 0; i < ELEMENTS; i++) {
            float moment = (float) (random.nextGaussian() * Math.exp(4 * random.nextGaussian()));
            boolean wild = i / 256 % 3 == 0 && random.nextInt(64) == 0;
            values[i] = wild ? Float.intBitsToFloat(random.nextInt()) : moment;
        }
        return FlatBuffer.ofFloats(values).segment();
    }

    private static void assertSame(StateCodec scalar, StateCodec vector) {
        MemorySegment values = anyBits();
        for (Values kind : Values.values()) {
            MemorySegment expected = bytes((long) GRANULES * scalar.granuleBytes());
            MemorySegment actual = bytes(expected.byteSize());
            scalar.encode(values, expected, kind);
            vector.encode(values, actual, kind);
            assertEquals(-1, expected.mismatch(actual), "encoded " + kind);
            float[] expectedBack = back(scalar, expected, kind);
            float[] actualBack = back(vector, expected, kind);
            for (int i = 0; i < ELEMENTS; i++) {
                assertEquals(expectedBack[i], actualBack[i], "decoded " + kind + " at " + i);
            }
        }
    }

    private static float[] back(StateCodec codec, MemorySegment encoded, Values kind) {
        FlatBuffer values = FlatBuffer.ofFloats(new float[ELEMENTS]);
        codec.decode(encoded, values.segment(), kind);
        return values.toFloats();
    }

    @Test
    void ofBf16() {
        assertSame(new Bf16Codec(), new VectorBf16Codec());
    }

    @Test
    void ofInt8Block() {
        org.junit.jupiter.api.Assumptions.assumeTrue(
                VectorInt8BlockCodec.FITS, "vectors of fewer than 8 floats are not used");
        assertSame(new Int8BlockCodec(), new VectorInt8BlockCodec());
    }
}
