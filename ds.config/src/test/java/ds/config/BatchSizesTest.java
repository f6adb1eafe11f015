package ds.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** Any of the three batch numbers give the rest, or the arithmetic is spelled out. */
class BatchSizesTest {
    @Test
    void missingNumbersAreDerived() {
        assertEquals(resolved(32, 4, 4, 2), sizes(32, 0, 4).resolve(2));
        assertEquals(resolved(32, 4, 4, 2), sizes(32, 4, 0).resolve(2));
        assertEquals(resolved(32, 4, 4, 2), sizes(0, 4, 4).resolve(2));
        assertEquals(resolved(32, 16, 1, 2), sizes(32, 0, 0).resolve(2));
        assertEquals(resolved(8, 4, 1, 2), sizes(0, 4, 0).resolve(2));
        assertEquals(resolved(32, 4, 4, 2), sizes(32, 4, 4).resolve(2));
    }

    @Test
    void numbersThatDoNotFitSayWhatWould() {
        assertEquals(
                "/train_batch_size: train_batch_size 33 is not 16 (micro) x 1 (accumulation) x 2"
                        + " (ranks). 32 would fit, or drop one of the three.",
                problem(sizes(33, 16, 1), 2));
        assertEquals(
                "/train_batch_size: train_batch_size 33 is not a multiple of 16 (micro) x 2"
                        + " (ranks). 32 or 64 would fit, or drop one of them.",
                problem(sizes(33, 16, 0), 2));
        assertEquals(
                "/train_batch_size: train_batch_size 3 is not a multiple of 4 (ranks). 4 would"
                        + " fit, or 1 or 3 ranks (--world-size).",
                problem(sizes(3, 0, 0), 4));
        assertEquals(
                "/train_batch_size: train_batch_size 32 is not a multiple of 2 (micro) x 3 (ranks)."
                        + " 30 or 36 would fit, or 1, 2, 4 or 8 ranks (--world-size), or drop one of"
                        + " them.",
                problem(sizes(32, 2, 0), 3));
        assertEquals(
                "/train_batch_size: train_batch_size 32 is not 4 (micro) x 4 (accumulation) x 1"
                        + " (rank). 16 would fit, or 2 ranks (--world-size), or drop one of the"
                        + " three.",
                problem(sizes(32, 4, 4), 1));
        assertEquals(
                "document: None of train_batch_size and train_micro_batch_size_per_gpu is given."
                        + " Give one of them, such as \"train_batch_size\": 32.",
                problem(sizes(0, 0, 4), 1));
        assertThrows(ConfigException.class, () -> sizes(33, 16, 1).resolve(2));
    }

    @Test
    void whatFitsNoNumberOfRanksIsFoundWithoutOne() {
        assertEquals(1, sizes(33, 4, 0).checkAnyWorld().size());
        assertEquals(0, sizes(32, 4, 0).checkAnyWorld().size());
    }

    @Test
    void productsBeyond64BitsAreMismatchesAndNoOverflow() {
        long huge = 1L << 40;
        assertEquals(1, sizes(8, huge, huge).check(2).size());
        assertEquals(1, sizes(8, 1L << 62, 2).check(1).size());
    }

    private static BatchSizes sizes(long train, long micro, long accumulation) {
        return new BatchSizes(
                some(train), some(micro), some(accumulation), Set.of(), Optional.empty());
    }

    private static OptionalLong some(long value) {
        return value == 0 ? OptionalLong.empty() : OptionalLong.of(value);
    }

    private static BatchSizes.Resolved resolved(long t, long m, long g, int ranks) {
        return new BatchSizes.Resolved(t, m, g, ranks);
    }

    private static String problem(BatchSizes sizes, int ranks) {
        return sizes.check(ranks).getFirst().toString();
    }
}
