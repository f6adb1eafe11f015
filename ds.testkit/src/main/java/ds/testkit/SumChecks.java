package ds.testkit;

import static ds.testkit.KernelsRig.assertClose;
import static ds.testkit.KernelsRig.doubles;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ds.core.DType;
import ds.core.FlatBuffer;
import ds.core.Rounding;
import ds.kernels.ExactNorm;
import ds.kernels.Kernels;
import ds.kernels.Philox;
import java.util.List;
import java.util.Optional;

/** What copies, sums and roundings of buffers promise. */
final class SumChecks {
    private final KernelsRig rig;
    private final Kernels kernels;

    SumChecks(KernelsRig rig) {
        this.rig = rig;
        this.kernels = rig.kernels();
    }

    void blocksAreCopiedAndMatricesTransposed() {
        FlatBuffer x = rig.normal(50 * 70, 1);
        FlatBuffer y = rig.zeros(50 * 70);
        kernels.transpose(x, 50, 70, y);
        for (int i = 0; i < 50; i++) {
            for (int j = 0; j < 70; j++) {
                assertEquals(x.get(i * 70 + j), y.get(j * 50 + i));
            }
        }
        FlatBuffer z = rig.normal(40, 2);
        double[] before = doubles(z);
        kernels.copyBlock(x, 7, 70, z, 2, 10, 3, 5, true);
        for (int i = 0; i < 3; i++) {
            for (int j = 0; j < 5; j++) {
                before[2 + i * 10 + j] += x.get(7 + i * 70 + j);
            }
        }
        assertClose(before, z, 1e-6);
    }

    void rowsAreSummed() {
        FlatBuffer x = rig.normal(100 * 33, 1);
        FlatBuffer out = rig.zeros(33);
        kernels.sumRows(x, 100, 33, out, false);
        double[] expected = new double[33];
        for (int i = 0; i < 3300; i++) {
            expected[i % 33] += x.get(i);
        }
        assertClose(expected, out, 1e-5);
    }

    void aFoldAddsInOrderAndMeasures() {
        FlatBuffer accumulator = rig.normal(3000, 1);
        FlatBuffer first = rig.normal(3000, 2);
        FlatBuffer second = rig.normal(3000, 3);
        float[] before = accumulator.toFloats();
        ExactNorm norm = new ExactNorm();
        kernels.fold(accumulator, List.of(first, second), false, Optional.of(norm));
        double square = 0;
        for (int i = 0; i < 3000; i++) {
            float expected = before[i] + first.get(i) + second.get(i);
            assertEquals(expected, accumulator.get(i));
            square += (double) expected * expected;
        }
        assertEquals(Math.sqrt(square), norm.norm(), 1e-9);
        kernels.fold(accumulator, List.of(second, first), true, Optional.empty());
        assertEquals(second.get(7) + first.get(7), accumulator.get(7));
        accumulator.set(2999, Float.NaN);
        kernels.addSquares(accumulator, norm);
        assertEquals(1, norm.nonFiniteBlocks());
        assertEquals(false, kernels.allBelow(accumulator, Float.POSITIVE_INFINITY));
        assertTrue(kernels.allBelow(first, Float.POSITIVE_INFINITY));
        first.set(2998, -65_520f);
        assertTrue(kernels.allBelow(first, Math.nextUp(65_520f)));
        assertEquals(false, kernels.allBelow(first, 65_520f));
    }

    void aSumIn16BitsIsRoundedAfterEachContributionHoweverManyComeAtOnce() {
        for (DType type : List.of(DType.BF16, DType.FP16)) {
            List<FlatBuffer> parts =
                    List.of(
                            rig.normal(DType.FP32, 3000, 1),
                            rig.normal(type, 3000, 2),
                            rig.normal(type, 3000, 3));
            FlatBuffer atOnce = rig.zeros(type, 3000);
            kernels.fold(atOnce, parts, true, Optional.empty());
            FlatBuffer oneByOne = rig.zeros(type, 3000);
            for (int i = 0; i < parts.size(); i++) {
                kernels.fold(oneByOne, parts.subList(i, i + 1), i == 0, Optional.empty());
            }
            for (int i = 0; i < 3000; i++) {
                float sum = Rounding.stored(parts.get(0).get(i), type);
                sum = Rounding.stored(sum + parts.get(1).get(i), type);
                sum = Rounding.stored(sum + parts.get(2).get(i), type);
                assertEquals(sum, atOnce.get(i));
                assertEquals(sum, oneByOne.get(i));
            }
        }
    }

    void stochasticRoundingKeepsTheMeanAndWhatNeedsNone() {
        int count = 100_000;
        Philox random = new Philox(7, Philox.ROUNDING);
        FlatBuffer x = rig.zeros(count);
        float step = Math.ulp(1f) * (1 << 16);
        for (int i = 0; i < count; i++) {
            x.set(i, 1 + step / 4);
        }
        x.set(0, 1.5f);
        x.set(1, Float.NEGATIVE_INFINITY);
        x.set(2, Float.NaN);
        x.set(3, -0f);
        FlatBuffer y = rig.zeros(DType.BF16, count);
        kernels.roundStochastically(x, random, 3, 0, y);
        assertEquals(1.5f, y.get(0));
        assertEquals(Float.NEGATIVE_INFINITY, y.get(1));
        assertTrue(Float.isNaN(y.get(2)));
        assertEquals(-0f, y.get(3));
        int up = 0;
        for (int i = 4; i < count; i++) {
            assertTrue(y.get(i) == 1 || y.get(i) == 1 + step, "one of the two neighbours");
            up += y.get(i) > 1 ? 1 : 0;
        }
        assertEquals(0.25, (double) up / count, 0.01);
        // A part gives what the whole gave there; another step gives something else.
        FlatBuffer part = rig.zeros(DType.BF16, 5001);
        kernels.roundStochastically(x.slice(4999, 5001), random, 3, 4999, part);
        FlatBuffer other = rig.zeros(DType.BF16, 5001);
        kernels.roundStochastically(x.slice(4999, 5001), random, 4, 4999, other);
        boolean differs = false;
        for (int i = 0; i < 5001; i++) {
            assertEquals(y.get(4999 + i), part.get(i));
            differs |= other.get(i) != part.get(i);
        }
        assertTrue(differs);
    }
}
