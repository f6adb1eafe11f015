package ds.testkit;

import static ds.testkit.Formulas.gradient;
import static ds.testkit.KernelsRig.assertClose;
import static ds.testkit.KernelsRig.doubles;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import ds.core.FlatBuffer;
import ds.kernels.Kernels;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.function.ToDoubleFunction;

/** What losses promise, and their gradients. */
final class LossChecks {
    private final KernelsRig rig;
    private final Kernels kernels;

    LossChecks(KernelsRig rig) {
        this.rig = rig;
        this.kernels = rig.kernels();
    }

    void crossEntropyAndItsGradient() {
        int rows = 6;
        int classes = 37;
        FlatBuffer logits = rig.normal(rows * classes, 1);
        int[] targets = {3, 36, Kernels.IGNORED_TARGET, 0, 17, 5};
        MemorySegment segment = MemorySegment.ofArray(targets);
        FlatBuffer max = rig.zeros(rows);
        FlatBuffer sums = rig.zeros(rows);
        FlatBuffer terms = rig.zeros(rows);
        ToDoubleFunction<double[]> loss =
                x -> {
                    double sum = 0;
                    for (int i = 0; i < rows; i++) {
                        if (targets[i] >= 0) {
                            double exps = 0;
                            for (int j = 0; j < classes; j++) {
                                exps += Math.exp(x[i * classes + j]);
                            }
                            sum += Math.log(exps) - x[i * classes + targets[i]];
                        }
                    }
                    return sum / 5;
                };
        double[] x = doubles(logits);
        int used = kernels.softmaxCrossEntropy(logits, segment, 0, rows, classes, max, sums, terms);
        assertEquals(5, used);
        assertEquals(0, terms.get(2), 0);
        assertEquals(loss.applyAsDouble(x), Arrays.stream(doubles(terms)).sum() / 5, 1e-6);
        FlatBuffer dLogits = rig.zeros(rows * classes);
        kernels.softmaxCrossEntropyBackward(
                logits, segment, rows, 0, classes, max, sums, 2f / 5, dLogits);
        assertClose(gradient(x, p -> 2 * loss.applyAsDouble(p)), dLogits, 1e-6);
    }

    void crossEntropyNamesTheRowOfAWrongTarget() {
        MemorySegment targets = MemorySegment.ofArray(new int[] {0, 1, 2, 5});
        var wrong =
                assertThrows(
                        IllegalArgumentException.class,
                        () ->
                                kernels.softmaxCrossEntropy(
                                        rig.normal(10, 1),
                                        targets,
                                        2,
                                        2,
                                        5,
                                        rig.zeros(4),
                                        rig.zeros(4),
                                        rig.zeros(4)));
        assertEquals(
                "Target 5 at row 3 is outside the 5 classes; -100 is ignored.", wrong.getMessage());
    }

    void tilesOfLogitsGiveTheBitsOfTheWhole() {
        int rows = 7;
        int classes = 600;
        FlatBuffer logits = rig.normal(rows * classes, 1);
        MemorySegment targets = MemorySegment.ofArray(new int[] {3, 599, -100, 255, 256, 511, 0});
        FlatBuffer[] whole = {rig.zeros(rows), rig.zeros(rows), rig.zeros(rows)};
        FlatBuffer[] tiled = {rig.zeros(rows), rig.zeros(rows), rig.zeros(rows)};
        kernels.softmaxCrossEntropy(
                logits, targets, 0, rows, classes, whole[0], whole[1], whole[2]);
        for (int first = 0; first < rows; first += 3) {
            int count = Math.min(3, rows - first);
            kernels.softmaxCrossEntropy(
                    logits.slice((long) first * classes, (long) count * classes),
                    targets,
                    first,
                    count,
                    classes,
                    tiled[0],
                    tiled[1],
                    tiled[2]);
        }
        for (int i = 0; i < 3; i++) {
            assertArrayEquals(whole[i].toFloats(), tiled[i].toFloats());
        }
        FlatBuffer slope = rig.zeros(rows * classes);
        kernels.softmaxCrossEntropyBackward(
                logits, targets, rows, 0, classes, whole[0], whole[1], 0.3f, slope);
        for (int first = 0; first < classes; first += 256) {
            int count = Math.min(256, classes - first);
            FlatBuffer tile = rig.zeros(rows * count);
            kernels.copyBlock(logits, first, classes, tile, 0, count, rows, count, false);
            kernels.softmaxCrossEntropyBackward(
                    tile, targets, rows, first, count, whole[0], whole[1], 0.3f, tile);
            FlatBuffer expected = rig.zeros(rows * count);
            kernels.copyBlock(slope, first, classes, expected, 0, count, rows, count, false);
            assertArrayEquals(expected.toFloats(), tile.toFloats());
        }
    }

    void withoutTargetsTheLossAndItsGradientAreZero() {
        FlatBuffer logits = rig.normal(10, 1);
        MemorySegment targets =
                MemorySegment.ofArray(new int[] {Kernels.IGNORED_TARGET, Kernels.IGNORED_TARGET});
        FlatBuffer max = rig.zeros(2);
        FlatBuffer sums = rig.zeros(2);
        FlatBuffer terms = rig.zeros(2);
        assertEquals(0, kernels.softmaxCrossEntropy(logits, targets, 0, 2, 5, max, sums, terms));
        assertClose(new double[2], terms, 0);
        kernels.softmaxCrossEntropyBackward(logits, targets, 2, 0, 5, max, sums, 1f, logits);
        assertClose(new double[10], logits, 0);
    }

    void squaredErrorAndItsGradient() {
        FlatBuffer prediction = rig.normal(101, 1);
        FlatBuffer target = rig.normal(101, 2);
        double[] t = doubles(target);
        ToDoubleFunction<double[]> loss =
                p -> {
                    double sum = 0;
                    for (int i = 0; i < p.length; i++) {
                        sum += (p[i] - t[i]) * (p[i] - t[i]) / p.length;
                    }
                    return sum;
                };
        double[] p = doubles(prediction);
        assertEquals(loss.applyAsDouble(p), kernels.meanSquaredError(prediction, target), 1e-6);
        FlatBuffer slope = rig.zeros(101);
        kernels.meanSquaredErrorBackward(prediction, target, 0.5f, slope);
        assertClose(gradient(p, q -> 0.5 * loss.applyAsDouble(q)), slope, 1e-6);
    }
}
