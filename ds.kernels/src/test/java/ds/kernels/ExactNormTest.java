package ds.kernels;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** The exact sum is exact, whatever the order and the partition of its parts. */
class ExactNormTest {
    private static List<Double> values(long seed, int count) {
        Random random = new Random(seed);
        List<Double> values = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            values.add(Math.scalb(random.nextDouble(), random.nextInt(600) - 300));
        }
        values.add(0.0);
        values.add(Double.MIN_VALUE);
        values.add(Double.MIN_NORMAL);
        values.add(1.0);
        return values;
    }

    private static long[] limbs(ExactNorm norm) {
        long[] limbs = new long[ExactNorm.LONGS];
        norm.copyTo(limbs, 0);
        return limbs;
    }

    @Test
    void anyOrderAndPartitionGivesTheSameLimbs() {
        List<Double> values = values(7, 2000);
        ExactNorm whole = new ExactNorm();
        values.forEach(whole::add);
        for (int parts = 2; parts <= 5; parts++) {
            Collections.shuffle(values, new Random(parts));
            long[] total = new long[ExactNorm.LONGS];
            for (int part = 0; part < parts; part++) {
                ExactNorm norm = new ExactNorm();
                for (int i = part; i < values.size(); i += parts) {
                    norm.add(values.get(i));
                }
                long[] limbs = limbs(norm);
                for (int i = 0; i < total.length; i++) {
                    total[i] += limbs[i];
                }
            }
            ExactNorm merged = new ExactNorm();
            merged.setFrom(total, 0);
            assertArrayEquals(limbs(whole), limbs(merged));
            assertEquals(whole.norm(), merged.norm());
        }
    }

    @Test
    void theSumIsThatOfUnlimitedPrecision() {
        for (long seed = 1; seed <= 5; seed++) {
            List<Double> values = values(seed, 500);
            ExactNorm norm = new ExactNorm();
            BigDecimal exact = BigDecimal.ZERO;
            for (double value : values) {
                norm.add(value);
                exact = exact.add(new BigDecimal(value));
            }
            double expected = exact.doubleValue();
            assertEquals(expected, norm.sum(), 2 * Math.ulp(expected), "seed " + seed);
            assertEquals(Math.sqrt(expected), norm.norm(), 2 * Math.ulp(Math.sqrt(expected)));
        }
    }

    @Test
    void addingAccumulatorsIsAddingTheirParts() {
        ExactNorm left = new ExactNorm();
        ExactNorm right = new ExactNorm();
        ExactNorm both = new ExactNorm();
        for (double value : values(3, 100)) {
            left.add(value);
            both.add(value);
        }
        for (double value : values(4, 100)) {
            right.add(value);
            both.add(value);
        }
        left.add(right);
        assertArrayEquals(limbs(both), limbs(left));
    }

    @Test
    void nonFiniteBlocksAreCounted() {
        ExactNorm norm = new ExactNorm();
        norm.add(4.0);
        assertEquals(2.0, norm.norm());
        norm.add(Double.NaN);
        norm.add(Double.POSITIVE_INFINITY);
        assertEquals(2, norm.nonFiniteBlocks());
        assertTrue(Double.isInfinite(norm.norm()));
        norm.clear();
        assertEquals(0, norm.nonFiniteBlocks());
        assertEquals(0.0, norm.norm());
    }

    @Test
    void theLargestValuesFit() {
        ExactNorm norm = new ExactNorm();
        norm.add(Double.MAX_VALUE / 4);
        norm.add(Double.MAX_VALUE / 4);
        assertEquals(Double.MAX_VALUE / 2, norm.sum());
    }
}
