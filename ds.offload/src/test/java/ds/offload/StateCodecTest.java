package ds.offload;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ds.core.DType;
import ds.core.FlatBuffer;
import ds.core.ProviderException;
import ds.offload.spi.StateCodec;
import ds.offload.spi.StateCodec.Values;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** The codecs that are always there: small errors, no bias, and bytes that stay what they are. */
class StateCodecTest {
    private static final int GRANULE = StateCodec.GRANULE_ELEMENTS;
    private static final long SEED = 20_261_126L;

    private static StateCodec codec(String name) {
        return StateCodecs.named(ModuleLayer.boot(), name).orElseThrow();
    }

    private static List<StateCodec> codecs() {
        return List.of(codec("bf16"), codec("int8_block"));
    }

    private static MemorySegment encoded(StateCodec codec, float[] values, Values kind) {
        int granules = values.length / GRANULE;
        MemorySegment bytes = MemorySegment.ofArray(new byte[granules * codec.granuleBytes()]);
        codec.encode(FlatBuffer.ofFloats(values).segment(), bytes, kind);
        return bytes;
    }

    private static float[] decoded(StateCodec codec, MemorySegment bytes, Values kind) {
        int granules = (int) (bytes.byteSize() / codec.granuleBytes());
        FlatBuffer values = FlatBuffer.ofFloats(new float[granules * GRANULE]);
        codec.decode(bytes, values.segment(), kind);
        return values.toFloats();
    }

    private static float[] roundTrip(StateCodec codec, float[] values, Values kind) {
        return decoded(codec, encoded(codec, values, kind), kind);
    }

    /** Values of one block are within some powers of ten of one another, as moments are. */
    private static float[] random(Random random, int granules, Values kind) {
        float[] values = new float[granules * GRANULE];
        for (int i = 0; i < values.length; i++) {
            float value = (float) (random.nextGaussian() * Math.pow(10, -3 * random.nextFloat()));
            values[i] = kind == Values.SIGNED ? value * 1e-3f : value * value * 1e-6f;
        }
        return values;
    }

    @Test
    void areFoundByName() {
        assertEquals(List.of("fp32", "bf16", "int8_block"), StateCodecs.names(ModuleLayer.boot()));
        assertTrue(StateCodecs.named(ModuleLayer.boot(), "fp32").isEmpty());
        assertEquals(2048, codec("bf16").granuleBytes());
        assertEquals(1040, codec("int8_block").granuleBytes());
        ProviderException unknown =
                assertThrows(
                        ProviderException.class,
                        () -> StateCodecs.named(ModuleLayer.boot(), "int4"));
        assertEquals(
                "No state codec provider is named 'int4'; this runtime has [bf16, int8_block]. Add its module to the module path.",
                unknown.getMessage());
    }

    @Test
    void whatWasDecodedIsEncodedToTheSameBytes() {
        Random random = new Random(SEED);
        for (StateCodec codec : codecs()) {
            for (Values kind : Values.values()) {
                MemorySegment bytes = encoded(codec, random(random, 64, kind), kind);
                MemorySegment again = encoded(codec, decoded(codec, bytes, kind), kind);
                assertEquals(-1, bytes.mismatch(again), codec.name() + " " + kind);
            }
        }
    }

    @Test
    void zerosAreZeroBytesAndAZeroByteIsZero() {
        for (StateCodec codec : codecs()) {
            for (Values kind : Values.values()) {
                MemorySegment bytes = encoded(codec, new float[GRANULE], kind);
                MemorySegment zeros = MemorySegment.ofArray(new byte[codec.granuleBytes()]);
                assertEquals(-1, bytes.mismatch(zeros));
                for (float value : decoded(codec, zeros, kind)) {
                    assertEquals(0f, value);
                }
            }
        }
    }

    @Test
    void bf16IsOneOfTheTwoNeighbours() {
        float[] values = random(new Random(SEED), 16, Values.SIGNED);
        float[] back = roundTrip(codec("bf16"), values, Values.SIGNED);
        for (int i = 0; i < values.length; i++) {
            int below = Float.floatToRawIntBits(values[i]) & 0xffff0000;
            int bits = Float.floatToRawIntBits(back[i]);
            assertTrue(bits == below || bits == below + 0x10000, values[i] + " to " + back[i]);
        }
    }

    @Test
    void int8IsNextToTheValueInItsOwnScale() {
        Random random = new Random(SEED);
        for (Values kind : Values.values()) {
            double codes = kind == Values.SIGNED ? 127 : 255;
            double power = kind == Values.SIGNED ? 0.5 : 0.25;
            float[] values = random(random, 16, kind);
            float[] back = roundTrip(codec("int8_block"), values, kind);
            for (int block = 0; block < values.length; block += 256) {
                float largest = 0;
                for (int i = block; i < block + 256; i++) {
                    largest = Math.max(largest, Math.abs(values[i]));
                }
                for (int i = block; i < block + 256; i++) {
                    double exact = Math.pow(Math.abs(values[i]) / largest, power) * codes;
                    double code = Math.pow(Math.abs(back[i]) / largest, power) * codes;
                    assertTrue(Math.abs(exact - code) < 1.001, exact + " became " + code);
                    assertTrue(back[i] == 0 || Math.signum(values[i]) == Math.signum(back[i]));
                    assertTrue(
                            kind == Values.SIGNED || back[i] > 0 == values[i] > 0,
                            "a mean square is zero only if it was");
                }
            }
        }
    }

    @Test
    void oneLargeValueLeavesMeanSquaresOfItsBlockAboveZero() {
        float[] values = new float[GRANULE];
        java.util.Arrays.fill(values, 1e-14f);
        values[7] = 1f;
        float[] back = roundTrip(codec("int8_block"), values, Values.NON_NEGATIVE);
        assertEquals(1f, back[7]);
        assertEquals((float) Math.pow(255, -4), back[8], 1e-13f);
        assertEquals(1e-14f, back[256], 1e-20f); // another block
    }

    @Test
    void theMeanErrorIsNone() {
        Random random = new Random(SEED);
        for (StateCodec codec : codecs()) {
            for (Values kind : Values.values()) {
                float[] values = new float[512 * GRANULE];
                for (int i = 0; i < values.length; i++) {
                    values[i] = i % 256 == 0 ? 1 : 0.3f + 0.001f * random.nextFloat();
                }
                float[] back = roundTrip(codec, values, kind);
                double error = 0;
                for (int i = 0; i < values.length; i++) {
                    error += back[i] - values[i];
                }
                assertEquals(0, error / values.length, 2e-5, codec.name() + " " + kind);
            }
        }
    }

    /**
     * To nearest, a 16-bit mean square would stay at 1: 0.1 % is less than half a unit. It falls a few
     * percent late, since gradients far smaller than it leave few values to draw from.
     */
    @Test
    void aMeanSquareFallsAsItShould() {
        Random random = new Random(SEED);
        for (StateCodec codec : codecs()) {
            float[] encoded = new float[GRANULE];
            java.util.Arrays.fill(encoded, 1f);
            double exact = 1;
            for (int step = 0; step < 2000; step++) {
                exact = 0.999 * exact + 0.001 * 0.01;
                for (int i = 0; i < GRANULE; i++) {
                    float gradient = (float) random.nextGaussian() * 0.1f;
                    encoded[i] = 0.999f * encoded[i] + 0.001f * gradient * gradient;
                }
                encoded = roundTrip(codec, encoded, Values.NON_NEGATIVE);
            }
            double mean = 0;
            for (float value : encoded) {
                mean += value / GRANULE;
            }
            assertEquals(1, mean / exact, 0.06, codec.name());
        }
    }

    @Test
    void whatIsNotFiniteStaysSo() {
        for (StateCodec codec : codecs()) {
            for (Values kind : Values.values()) {
                for (float bad : new float[] {Float.NaN, Float.POSITIVE_INFINITY}) {
                    float[] values = random(new Random(SEED), 1, kind);
                    values[300] = bad;
                    float[] back = roundTrip(codec, values, kind);
                    assertTrue(!Float.isFinite(back[300]), codec.name() + " " + kind + " " + bad);
                    assertTrue(Float.isFinite(back[0]), "the other blocks are as they were");
                }
            }
        }
    }

    @Test
    void aLayoutEncodesFp32Only() {
        StateCoding coding =
                StateCoding.of(codec("bf16"), List.of(java.util.Optional.of(Values.SIGNED)));
        IllegalArgumentException refused =
                assertThrows(
                        IllegalArgumentException.class,
                        () ->
                                new StateLayout(
                                        List.of("exp_avg"),
                                        List.of(1024L),
                                        DType.BF16,
                                        List.of(),
                                        coding));
        assertTrue(
                refused.getMessage().startsWith("A codec encodes some of the fp32 arrays"),
                refused.getMessage());
    }
}
