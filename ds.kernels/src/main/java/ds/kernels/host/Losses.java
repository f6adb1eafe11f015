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
    private float[] terms = new float[0];

    Losses(Team team) {
        this.team = team;
    }

    /** Reads and checks the targets; returns how many are not ignored. */
    private int read(MemorySegment targets, int rows, int classes) {
        if (numbers.length < rows) {
            numbers = new int[rows];
            terms = new float[rows];
        }
        MemorySegment.copy(targets, TARGET, 0, numbers, 0, rows);
        int count = 0;
        for (int i = 0; i < rows; i++) {
            int target = numbers[i];
            if (target != Kernels.IGNORED_TARGET) {
                if (target < 0 || target >= classes) {
                    throw new IllegalArgumentException(
                            "Target %,d at row %,d is outside the %,d classes; %d is ignored."
                                    .formatted(target, i, classes, Kernels.IGNORED_TARGET));
                }
                count++;
            }
        }
        return count;
    }

    double crossEntropy(
            FlatBuffer logits, MemorySegment targets, int rows, int classes, FlatBuffer logSumExp) {
        int count = read(targets, rows, classes);
        int[] target = numbers;
        float[] term = terms;
        team.rows(
                rows,
                classes,
                (own, first, end) -> {
                    float[] row = own.slot(0, classes);
                    for (int i = first; i < end; i++) {
                        own.load(logits, (long) i * classes, row, 0, classes);
                        boolean used = target[i] != Kernels.IGNORED_TARGET;
                        float logit = used ? row[target[i]] : 0f;
                        float max = own.lanes.max(row, 0, classes);
                        float sum = own.lanes.expSum(1f, max, row, 0, classes);
                        float log = FloatMath.log(sum);
                        logSumExp.set(i, max + log);
                        // (max - logit) first: it is exact where the loss is small.
                        term[i] = used ? max - logit + log : 0f;
                    }
                });
        double sum = 0;
        for (int i = 0; i < rows; i++) {
            if (target[i] != Kernels.IGNORED_TARGET) {
                sum += term[i];
            }
        }
        return count == 0 ? 0 : sum / count;
    }

    void crossEntropyBackward(
            FlatBuffer logits,
            MemorySegment targets,
            int rows,
            int classes,
            float seed,
            FlatBuffer dLogits) {
        int count = read(targets, rows, classes);
        int[] target = numbers;
        float factor = count == 0 ? 0f : (float) ((double) seed / count);
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
                            // Not from logSumExp: with large logits it has lost the digits.
                            float max = own.lanes.max(row, 0, classes);
                            float sum = own.lanes.expSum(1f, max, row, 0, classes);
                            own.lanes.scale(1f / sum, row, 0, row, 0, classes);
                            row[target[i]] -= 1f;
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
