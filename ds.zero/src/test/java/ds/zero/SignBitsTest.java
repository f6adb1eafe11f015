package ds.zero;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import ds.comm.Split;
import ds.core.DType;
import ds.core.FlatBuffer;
import ds.kernels.Workers;
import java.lang.foreign.MemorySegment;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Signs come back as they were, each at its place, whoever packed them. */
class SignBitsTest {
    private static final float SCALE = 0.75f;

    private static FlatBuffer words(long count) {
        return FlatBuffer.of(MemorySegment.ofArray(new byte[(int) (2 * count)]), DType.BF16);
    }

    private static float value(long index) {
        float magnitude = index % 5 == 0 ? 0 : index % 7 + 0.25f;
        return (index * 2_654_435_761L >> 13 & 1) == 0 ? magnitude : -magnitude;
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3})
    void signsAndWhatTheyLoseDoNotDependOnTheWorkers(int workers) {
        // Parts of several pieces, of none, and one that ends inside a word.
        Split parts = new Split(new long[] {0, 70_000, 70_000, 70_016, 70_029});
        Split words = SignBits.words(parts);
        assertEquals(70_000 / 16 + 1 + 1, words.total());
        FlatBuffer x = FlatBuffer.ofFloats(new float[70_029]);
        for (long i = 0; i < x.lengthElements(); i++) {
            x.set(i, value(i));
        }
        FlatBuffer signs = words(words.total());
        FlatBuffer error = FlatBuffer.ofFloats(new float[70_029]);
        FlatBuffer back = FlatBuffer.ofFloats(new float[70_029]);
        float[] expected = new float[70_029];
        float[] lost = new float[70_029];
        for (int i = 0; i < expected.length; i++) {
            boolean positive = Float.floatToRawIntBits(value(i)) >= 0;
            expected[i] = positive ? SCALE : -SCALE;
            lost[i] = value(i) - expected[i];
        }
        try (Workers pool = new Workers("test", workers)) {
            SignBits.pack(pool, x, parts, SCALE, signs, words, error);
            for (int part = 0; part < parts.size(); part++) {
                SignBits.unpack(
                        pool,
                        signs,
                        words.start(part),
                        SCALE,
                        back,
                        parts.start(part),
                        parts.length(part));
            }
            assertArrayEquals(expected, back.toFloats());
            assertArrayEquals(lost, error.toFloats());
            assertMean(pool, x);
        }
    }

    /** Two senders: the signs of x, and all negative. */
    private static void assertMean(Workers pool, FlatBuffer x) {
        Split whole = new Split(new long[] {0, x.lengthElements()});
        long length = SignBits.words(whole).total();
        FlatBuffer both = words(2 * length);
        FlatBuffer unused = FlatBuffer.ofFloats(new float[(int) x.lengthElements()]);
        SignBits.pack(pool, x, whole, SCALE, both.slice(0, length), SignBits.words(whole), unused);
        FlatBuffer carried = FlatBuffer.ofFloats(new float[(int) x.lengthElements()]);
        carried.set(3, 10);
        FlatBuffer mean = FlatBuffer.ofFloats(new float[(int) x.lengthElements()]);
        FlatBuffer scales = FlatBuffer.ofFloats(2, 6);
        SignBits.mean(pool, both, length, scales, carried, mean);
        for (int i = 0; i < mean.lengthElements(); i++) {
            boolean positive = Float.floatToRawIntBits(value(i)) >= 0;
            assertEquals((positive ? 1 : -1) - 3 + (i == 3 ? 10 : 0), mean.get(i), "element " + i);
        }
    }
}
