package ds.kernels.host;

import ds.core.FlatBuffer;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Optional;

/** Tables of rows that are looked up by number, and their gradients. */
final class Embeddings {
    private static final ValueLayout.OfInt ID =
            ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final Team team;
    private int[] numbers = new int[0];
    private int[] starts = new int[0];
    private int[] order = new int[0];

    Embeddings(Team team) {
        this.team = team;
    }

    /** Reads and checks {@code rows} numbers below {@code limit}. */
    private int[] read(MemorySegment ids, int rows, long limit) {
        if (numbers.length < rows) {
            numbers = new int[rows];
        }
        MemorySegment.copy(ids, ID, 0, numbers, 0, rows);
        for (int i = 0; i < rows; i++) {
            if (numbers[i] < 0 || numbers[i] >= limit) {
                throw new IllegalArgumentException(
                        "Id %,d at position %,d is outside the table of %,d rows."
                                .formatted(numbers[i], i, limit));
            }
        }
        return numbers;
    }

    void forward(
            MemorySegment ids,
            int rows,
            int width,
            FlatBuffer table,
            Optional<FlatBuffer> positions,
            int period,
            FlatBuffer out) {
        int[] id = read(ids, rows, table.lengthElements() / width);
        team.rows(
                rows,
                width,
                (own, first, end) -> {
                    float[] row = own.slot(0, width);
                    float[] position = own.slot(1, width);
                    for (int i = first; i < end; i++) {
                        own.load(table, (long) id[i] * width, row, 0, width);
                        if (positions.isPresent()) {
                            long at = (long) (i % period) * width;
                            own.load(positions.get(), at, position, 0, width);
                            own.lanes.add(row, 0, position, 0, row, 0, width);
                        }
                        own.store(out, (long) i * width, row, 0, width);
                    }
                });
    }

    void backward(
            MemorySegment ids,
            int rows,
            int width,
            FlatBuffer dOut,
            FlatBuffer dTable,
            boolean accumulate) {
        int tableRows = Math.toIntExact(dTable.lengthElements() / width);
        int[] id = read(ids, rows, tableRows);
        if (starts.length < tableRows + 1) {
            starts = new int[tableRows + 1];
        }
        if (order.length < rows) {
            order = new int[rows];
        }
        // A counting sort keeps the order of positions inside each id.
        int[] start = starts;
        int[] sorted = order;
        Arrays.fill(start, 0, tableRows + 1, 0);
        for (int i = 0; i < rows; i++) {
            start[id[i]]++;
        }
        int total = 0;
        for (int t = 0; t <= tableRows; t++) {
            int count = start[t];
            start[t] = total;
            total += count;
        }
        for (int i = 0; i < rows; i++) {
            sorted[start[id[i]]++] = i;
        }
        // Now start[t] is the end of row t, which is the start of row t + 1.
        team.rows(
                tableRows,
                width,
                (own, first, end) -> {
                    float[] sum = own.slot(0, width);
                    float[] next = own.slot(1, width);
                    for (int t = first; t < end; t++) {
                        int from = t == 0 ? 0 : start[t - 1];
                        if (from == start[t] && accumulate) {
                            continue;
                        }
                        Arrays.fill(sum, 0, width, 0f);
                        for (int s = from; s < start[t]; s++) {
                            own.load(dOut, (long) sorted[s] * width, next, 0, width);
                            own.lanes.add(sum, 0, next, 0, sum, 0, width);
                        }
                        own.store(dTable, (long) t * width, sum, 0, width, accumulate);
                    }
                });
    }

    void positionsBackward(
            FlatBuffer dOut,
            int rows,
            int width,
            int period,
            FlatBuffer dPositions,
            boolean accumulate) {
        int tableRows = Math.toIntExact(dPositions.lengthElements() / width);
        team.rows(
                tableRows,
                width,
                (own, first, end) -> {
                    float[] sum = own.slot(0, width);
                    float[] next = own.slot(1, width);
                    for (int t = first; t < end; t++) {
                        if (accumulate && (t >= period || t >= rows)) {
                            continue;
                        }
                        Arrays.fill(sum, 0, width, 0f);
                        for (long i = t; t < period && i < rows; i += period) {
                            own.load(dOut, i * width, next, 0, width);
                            own.lanes.add(sum, 0, next, 0, sum, 0, width);
                        }
                        own.store(dPositions, (long) t * width, sum, 0, width, accumulate);
                    }
                });
    }
}
