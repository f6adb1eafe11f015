package ds.kernels.host;

import ds.core.FlatBuffer;
import java.util.Arrays;

/**
 * Sums over rows that give one row: biases and norm parameters. Rows are added in order inside
 * groups of {@value #GROUP} rows, groups in order, so any number of workers gives the same bits.
 */
final class RowSums {
    /** Rows of a group. */
    static final int GROUP = 32;

    private final Team team;
    private float[] partial = new float[0];

    RowSums(Team team) {
        this.team = team;
    }

    static int groups(int rows) {
        return (rows + GROUP - 1) / GROUP;
    }

    /** Returns zeroed partial rows: {@code sums} for each group, each {@code width} wide. */
    float[] begin(int rows, int width, int sums) {
        int needed = Math.multiplyExact(Math.multiplyExact(groups(rows), width), sums);
        if (partial.length < needed) {
            partial = new float[needed];
        }
        Arrays.fill(partial, 0, needed, 0f);
        return partial;
    }

    /** Adds the groups' partial rows number {@code index} of {@code sums} and stores the total. */
    void finish(int rows, int width, int sums, int index, FlatBuffer out, boolean accumulate) {
        float[] from = partial;
        int groups = groups(rows);
        team.tiles(
                width,
                (own, first, count) -> {
                    Arrays.fill(own.a, 0, count, 0f);
                    for (int g = 0; g < groups; g++) {
                        int at = (g * sums + index) * width + (int) first;
                        own.lanes.add(own.a, 0, from, at, own.a, 0, count);
                    }
                    own.store(out, first, own.a, 0, count, accumulate);
                });
    }

    void sum(FlatBuffer x, int rows, int width, FlatBuffer out, boolean accumulate) {
        float[] sums = begin(rows, width, 1);
        team.parts(
                groups(rows),
                (own, group) -> {
                    float[] row = own.slot(0, width);
                    int end = Math.min(rows, (group + 1) * GROUP);
                    for (int i = group * GROUP; i < end; i++) {
                        own.load(x, (long) i * width, row, 0, width);
                        own.lanes.add(sums, group * width, row, 0, sums, group * width, width);
                    }
                });
        finish(rows, width, 1, 0, out, accumulate);
    }
}
