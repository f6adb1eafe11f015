package ds.kernels.host;

import ds.core.FlatBuffer;
import ds.kernels.Kernels;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Arrays;

/** Loss functions and their gradients. */
final class Losses {
    private static final ValueLayout.OfInt TARGET =
            ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final Team team;
    private int[] numbers = new int[0];

    Losses(Team team) {
        this.team = team;
    }

    private int[] read(MemorySegment targets, int first, int rows) {
        if (numbers.length < rows) {
            numbers = new int[rows];
        }
        MemorySegment.copy(targets, TARGET, 4L * first, numbers, 0, rows);
        return numbers;
    }

    /** Checks the targets; returns how many are not ignored. */
    private static int check(int[] targets, int first, int rows, int classes) {
        int count = 0;
        for (int i = 0; i < rows; i++) {
            int target = targets[i];
            if (target != Kernels.IGNORED_TARGET) {
                if (target < 0 || target >= classes) {
                    throw new IllegalArgumentException(
                            "Target %,d at row %,d is outside the %,d classes; %d is ignored."
                                    .formatted(target, first + i, classes, Kernels.IGNORED_TARGET));
                }
                count++;
            }
        }
        return count;
    }

    int crossEntropy(
            FlatBuffer logits,
            MemorySegment targets,
            int firstRow,
            int rows,
            int classes,
            FlatBuffer max,
            FlatBuffer sum,
            FlatBuffer terms) {
        int[] target = read(targets, firstRow, rows);
        int count = check(target, firstRow, rows, classes);
        team.rows(
                rows,
                classes,
                (own, first, end) -> {
                    float[] row = own.slot(0, classes);
                    for (int i = first; i < end; i++) {
                        own.load(logits, (long) i * classes, row, 0, classes);
                        boolean used = target[i] != Kernels.IGNORED_TARGET;
                        float logit = used ? row[target[i]] : 0f;
                        float greatest = own.lanes.max(row, 0, classes);
                        float exps = own.lanes.expSum(1f, greatest, row, 0, classes);
                        max.set(firstRow + i, greatest);
                        sum.set(firstRow + i, exps);
                        // (max - logit) first: it is exact where the loss is small.
                        float term = used ? greatest - logit + FloatMath.log(exps) : 0f;
                        terms.set(firstRow + i, term);
                    }
                });
        return count;
    }

    void crossEntropyBackward(
            FlatBuffer logits,
            MemorySegment targets,
            int rows,
            int firstClass,
            int classes,
            FlatBuffer max,
            FlatBuffer sum,
            float factor,
            FlatBuffer dLogits) {
        int[] target = read(targets, 0, rows);
        team.rows(
                rows,
                classes,
                (own, first, end) -> {
                    float[] row = own.slot(0, classes);
                    for (int i = first; i < end; i++) {
                        if (target[i] == Kernels.IGNORED_TARGET) {
                            Arrays.fill(row, 0, classes, 0f);
                        } else {
                            own.load(logits, (long) i * classes, row, 0, classes);
                            own.lanes.shift(1f, max.get(i), row, 0, classes);
                            own.lanes.exp(row, 0, row, 0, classes);
                            own.lanes.scale(1f / sum.get(i), row, 0, row, 0, classes);
                            int hit = target[i] - firstClass;
                            if (hit >= 0 && hit < classes) {
                                row[hit] -= 1f;
                            }
                            own.lanes.scale(factor, row, 0, row, 0, classes);
                        }
                        own.store(dLogits, (long) i * classes, row, 0, classes);
                    }
                });
    }

    double meanSquaredError(FlatBuffer prediction, FlatBuffer target) {
        Scratch own = team.scratch(0);
        long count = prediction.lengthElements();
        double sum = 0;
        for (long i = 0; i < count; i += Scratch.TILE) {
            int part = (int) Math.min(Scratch.TILE, count - i);
            own.load(prediction, i, own.a, 0, part);
            own.load(target, i, own.b, 0, part);
            for (int j = 0; j < part; j++) {
                float d = own.a[j] - own.b[j];
                sum += d * d;
            }
        }
        return count == 0 ? 0 : sum / count;
    }

    void meanSquaredErrorBackward(
            FlatBuffer prediction, FlatBuffer target, float seed, FlatBuffer dPrediction) {
        long count = prediction.lengthElements();
        float factor = (float) (2.0 * seed / Math.max(count, 1));
        team.tiles(
                count,
                (own, first, part) -> {
                    own.load(prediction, first, own.a, 0, part);
                    own.load(target, first, own.b, 0, part);
                    own.lanes.addScaled(-1f, own.b, 0, own.a, 0, part);
                    own.lanes.scale(factor, own.a, 0, own.a, 0, part);
                    own.store(dPrediction, first, own.a, 0, part);
                });
    }
}
