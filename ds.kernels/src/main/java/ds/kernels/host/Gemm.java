package ds.kernels.host;

import ds.core.FlatBuffer;
import ds.kernels.Kernels.Activation;
import ds.kernels.Kernels.Transpose;
import java.util.Arrays;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Matrix products on packed panels: B is packed once per call by all workers, each worker packs the
 * rows of A that it multiplies. Packing reads either order and widens, so all layouts and types run
 * the same tiles. Blocking over rows and columns never changes a sum.
 */
final class Gemm {
    /** Depth of a block: one fma chain; block sums are added in order. */
    static final int BLOCK_DEPTH = 256;

    private static final int ROWS = Lanes.TILE_ROWS;
    private static final int COLUMNS = Lanes.TILE_COLUMNS;

    /** Rows and columns of the widest tile: two strips by two panels. */
    private static final int GROUP_ROWS = 2 * ROWS;

    private static final int GROUP_COLUMNS = 2 * COLUMNS;
    private static final int PART_ROWS = 256;
    private static final int LEAST_ROWS = 64;
    private static final int CHUNK_COLUMNS = 256;
    private static final int PACK_COLUMNS = 128;
    private static final int STAGE_ROWS = 32;

    /** Elements that wait to be packed: few enough to stay near. */
    private static final int STAGE_LENGTH = STAGE_ROWS * PART_ROWS;

    private static final long PANEL_LIMIT = 1L << 22;
    private static final long STRIP_LIMIT = 1L << 20;
    private static final long SMALL = 1L << 15;

    /** Slots of {@link Scratch}. */
    private static final int STAGE = 0;

    private static final int STRIPS = 1;
    private static final int PRODUCT = 2;

    private final Team team;
    private float[] panels = new float[0];
    private float[] biasRow = new float[0];

    Gemm(Team team) {
        this.team = team;
    }

    private record Call(
            boolean transposeA,
            boolean transposeB,
            int m,
            int n,
            int k,
            FlatBuffer a,
            FlatBuffer b,
            float @Nullable [] bias,
            FlatBuffer c,
            @Nullable FlatBuffer addend,
            @Nullable Then then) {}

    /** What becomes of a product. */
    sealed interface Then {}

    /** C is stored, and {@code y = f(C as stored)}. */
    record Activated(Activation f, FlatBuffer y) implements Then {}

    /** The product as C would store it is multiplied by {@code f'(x)}, and that is stored as C. */
    record Sloped(Activation f, FlatBuffer x) implements Then {}

    /** C = (addend +) op(A) op(B) (+ bias), and what becomes of it; the addend may be C. */
    void run(
            Transpose transposeA,
            Transpose transposeB,
            int m,
            int n,
            int k,
            FlatBuffer a,
            FlatBuffer b,
            Optional<FlatBuffer> bias,
            FlatBuffer c,
            @Nullable FlatBuffer addend,
            @Nullable Then then) {
        if (m == 0 || n == 0) {
            return;
        }
        float @Nullable [] row = null;
        if (bias.isPresent()) {
            if (biasRow.length < up(n, COLUMNS)) {
                biasRow = new float[up(n, COLUMNS)]; // whole tiles are read
            }
            row = biasRow;
            team.scratch(0).load(bias.get(), 0, row, 0, n);
        }
        Call call =
                new Call(
                        transposeA == Transpose.YES,
                        transposeB == Transpose.YES,
                        m,
                        n,
                        k,
                        a,
                        b,
                        row,
                        c,
                        addend,
                        then);
        long limit = Math.max(COLUMNS, PANEL_LIMIT / Math.max(k, 1) / COLUMNS * COLUMNS);
        int width = (int) Math.min(limit, up(n, COLUMNS));
        for (int first = 0; first < n; first += width) {
            pass(call, first, Math.min(width, n - first));
        }
    }

    private static int up(int count, int unit) {
        return (count + unit - 1) / unit * unit;
    }

    private static int parts(int count, int unit) {
        return (count + unit - 1) / unit;
    }

    /** Multiplies all of A with {@code width} columns of B. */
    private void pass(Call call, int first, int width) {
        boolean small = (long) call.m * width * call.k < SMALL;
        int padded = up(width, COLUMNS);
        int needed = Math.multiplyExact(padded, Math.max(call.k, 1));
        if (panels.length < needed) {
            panels = new float[needed];
        }
        int blocks = parts(call.k, BLOCK_DEPTH);
        int groups = parts(width, PACK_COLUMNS);
        if (small) {
            for (int i = 0; i < blocks * groups; i++) {
                packPanels(call, first, width, team.scratch(0), i / groups, i % groups);
            }
        } else {
            team.parts(
                    blocks * groups,
                    (own, i) -> packPanels(call, first, width, own, i / groups, i % groups));
        }
        int wanted = small ? 1 : team.workers().count();
        // Many rows use a panel often once it is near; two parts for each worker even out delays.
        int share = wanted == 1 ? PART_ROWS : Math.max(LEAST_ROWS, parts(call.m, 2 * wanted));
        int stripRows =
                Math.clamp(
                        STRIP_LIMIT / Math.max(call.k, 1) / GROUP_ROWS * GROUP_ROWS,
                        GROUP_ROWS,
                        Math.min(share, PART_ROWS));
        int rowParts = parts(call.m, stripRows);
        if (rowParts > wanted && rowParts % wanted != 0) {
            rowParts += wanted - rowParts % wanted;
        }
        int rows = up(parts(call.m, rowParts), GROUP_ROWS);
        int finalRowParts = parts(call.m, rows);
        int columnParts =
                Math.min(
                        wanted == 1 ? 1 : parts(2 * wanted, finalRowParts),
                        parts(padded, GROUP_COLUMNS));
        int columns = up(parts(padded, columnParts), GROUP_COLUMNS);
        int finalColumnParts = parts(padded, columns);
        if (small) {
            for (int i = 0; i < finalRowParts * finalColumnParts; i++) {
                multiply(call, first, width, team.scratch(0), i, rows, columns, finalColumnParts);
            }
        } else {
            team.parts(
                    finalRowParts * finalColumnParts,
                    (own, i) ->
                            multiply(call, first, width, own, i, rows, columns, finalColumnParts));
        }
    }

    /** Packs {@value #PACK_COLUMNS} columns of one block of B. */
    private void packPanels(Call call, int first, int width, Scratch own, int block, int group) {
        int k0 = block * BLOCK_DEPTH;
        int depth = Math.min(BLOCK_DEPTH, call.k - k0);
        int j0 = group * PACK_COLUMNS;
        int count = Math.min(PACK_COLUMNS, width - j0);
        int base = k0 * up(width, COLUMNS) + j0 * depth;
        float[] stage = own.slot(STAGE, STAGE_LENGTH);
        if (call.transposeB) {
            for (int j = 0; j < count; j += COLUMNS) {
                int present = Math.min(COLUMNS, count - j);
                for (int column = 0; column < present; column++) {
                    long source = (long) (first + j0 + j + column) * call.k + k0;
                    own.load(call.b, source, stage, column * depth, depth);
                }
                own.lanes.packAcross(
                        stage, 0, depth, present, depth, panels, base + j * depth, COLUMNS);
            }
            return;
        }
        long begin = (long) k0 * call.n + first + j0;
        int whole = count / COLUMNS;
        if (count % COLUMNS == 0
                && own.lanes.readPanels(
                        call.b, begin, call.n, depth, whole, panels, base, depth * COLUMNS)) {
            return;
        }
        for (int k = 0; k < depth; k += STAGE_ROWS) {
            int steps = Math.min(STAGE_ROWS, depth - k);
            for (int step = 0; step < steps; step++) {
                long source = begin + (long) (k + step) * call.n;
                own.load(call.b, source, stage, step * count, count);
            }
            for (int j = 0; j < count; j += COLUMNS) {
                int present = Math.min(COLUMNS, count - j);
                int target = base + j * depth + k * COLUMNS;
                own.lanes.packAlong(stage, j, count, present, steps, panels, target, COLUMNS);
            }
        }
    }

    private void multiply(
            Call call,
            int first,
            int width,
            Scratch own,
            int part,
            int partRows,
            int partColumns,
            int columnParts) {
        int i0 = part / columnParts * partRows;
        int rows = Math.min(partRows, call.m - i0);
        int from = part % columnParts * partColumns;
        int to = Math.min(from + partColumns, width);
        int paddedRows = up(rows, ROWS);
        int last = Math.max(0, (call.k - 1) / BLOCK_DEPTH * BLOCK_DEPTH);
        int chunk = Math.min(CHUNK_COLUMNS, up(to - from, COLUMNS));
        // Where no other columns need them, strips of one block at a time, which stay near.
        boolean once = to - from <= chunk;
        int kept = once ? Math.min(call.k, BLOCK_DEPTH) : call.k;
        float[] strips = own.slot(STRIPS, paddedRows * Math.max(kept, 1));
        for (int k0 = 0; k0 < call.k && !once; k0 += BLOCK_DEPTH) {
            packStrips(call, own, i0, rows, k0, strips, k0 * paddedRows);
        }
        float[] product = own.slot(PRODUCT, (last > 0 ? paddedRows : GROUP_ROWS) * chunk);
        int paddedWidth = up(width, COLUMNS);
        for (int j = from; j < to; j += chunk) {
            int columns = Math.min(chunk, to - j);
            int stride = up(columns, COLUMNS);
            for (int k0 = 0; k0 < last; k0 += BLOCK_DEPTH) {
                if (once) {
                    packStrips(call, own, i0, rows, k0, strips, 0);
                }
                multiplyBlock(
                        own,
                        strips,
                        once ? 0 : k0 * paddedRows,
                        paddedRows,
                        k0,
                        BLOCK_DEPTH,
                        paddedWidth,
                        j,
                        columns,
                        product,
                        0,
                        null,
                        0);
            }
            // The last block by few rows: they are stored while they are near.
            int depth = call.k - last;
            if (once) {
                packStrips(call, own, i0, rows, last, strips, 0);
            }
            float @Nullable [] bias = last == 0 && depth > 0 ? call.bias : null;
            for (int i = 0; i < rows; i += GROUP_ROWS) {
                int group = Math.min(GROUP_ROWS, paddedRows - i);
                int at = last > 0 ? i * stride : 0;
                multiplyBlock(
                        own,
                        strips,
                        (once ? 0 : last * paddedRows) + i * depth,
                        group,
                        last,
                        depth,
                        paddedWidth,
                        j,
                        columns,
                        product,
                        at,
                        bias,
                        first + j);
                storeRows(
                        call,
                        own,
                        i0 + i,
                        Math.min(group, rows - i),
                        first + j,
                        columns,
                        product,
                        at,
                        stride,
                        bias == null ? call.bias : null);
            }
        }
    }

    /**
     * Adds one block of depth to {@code rows} rows of the product; the first to {@code bias}, or to
     * nothing.
     */
    private void multiplyBlock(
            Scratch own,
            float[] strips,
            int strip,
            int rows,
            int k0,
            int depth,
            int paddedWidth,
            int j0,
            int columns,
            float[] product,
            int at,
            float @Nullable [] bias,
            int biasAt) {
        int stride = up(columns, COLUMNS);
        if (depth == 0) {
            Arrays.fill(product, at, at + rows * stride, 0f);
            return;
        }
        own.lanes.multiplyTiles(
                strips,
                strip,
                rows,
                panels,
                k0 * paddedWidth + j0 * depth,
                COLUMNS * depth,
                columns,
                depth,
                product,
                at,
                stride,
                k0 > 0 ? product : bias,
                k0 > 0 ? at : biasAt,
                k0 > 0 ? stride : 0);
    }

    /** Adds a bias to rows of the product, and stores them, or what becomes of them. */
    private static void storeRows(
            Call call,
            Scratch own,
            int i0,
            int rows,
            int j0,
            int columns,
            float[] product,
            int at,
            int stride,
            float @Nullable [] bias) {
        for (int i = 0; i < rows; i++) {
            int row = at + i * stride;
            if (bias != null) {
                own.lanes.add(product, row, bias, j0, product, row, columns);
            }
            if (!(call.then instanceof Sloped)) {
                own.store(call.c, place(call, i0 + i, j0), product, row, columns, call.addend);
            }
            if (call.then != null) {
                System.arraycopy(product, row, own.a, i * columns, columns);
            }
        }
        int count = rows * columns;
        switch (call.then) {
            case null -> {
                return;
            }
            case Activated then -> {
                own.round(call.c.type(), own.a, count);
                own.lanes.activation(then.f, own.a, own.a, count);
                for (int i = 0; i < rows; i++) {
                    own.store(then.y, place(call, i0 + i, j0), own.a, i * columns, columns);
                }
            }
            case Sloped then -> {
                own.round(call.c.type(), own.a, count);
                for (int i = 0; i < rows; i++) {
                    own.load(then.x, place(call, i0 + i, j0), own.b, i * columns, columns);
                }
                own.lanes.activationSlope(then.f, own.b, own.a, own.a, count);
                for (int i = 0; i < rows; i++) {
                    own.store(call.c, place(call, i0 + i, j0), own.a, i * columns, columns);
                }
            }
        }
    }

    private static long place(Call call, int row, int column) {
        return (long) row * call.n + column;
    }

    /** Packs rows of one block of op(A) in strips of {@value Lanes#TILE_ROWS} rows. */
    private static void packStrips(
            Call call, Scratch own, int i0, int rows, int k0, float[] strips, int base) {
        float[] stage = own.slot(STAGE, STAGE_LENGTH);
        int depth = Math.min(BLOCK_DEPTH, call.k - k0);
        if (call.transposeA) {
            packColumnsOfA(call, own, i0, rows, k0, depth, stage, strips, base);
        } else {
            packRowsOfA(call, own, i0, rows, k0, depth, stage, strips, base);
        }
    }

    private static void packRowsOfA(
            Call call,
            Scratch own,
            int i0,
            int rows,
            int k0,
            int depth,
            float[] stage,
            float[] strips,
            int base) {
        for (int i = 0; i < rows; i += ROWS) {
            int present = Math.min(ROWS, rows - i);
            long begin = (long) (i0 + i) * call.k + k0;
            if (present == ROWS
                    && own.lanes.readStrip(
                            call.a, begin, call.k, depth, strips, base + i * depth)) {
                continue;
            }
            for (int row = 0; row < present; row++) {
                own.load(call.a, begin + (long) row * call.k, stage, row * depth, depth);
            }
            own.lanes.packAcross(stage, 0, depth, present, depth, strips, base + i * depth, ROWS);
        }
    }

    private static void packColumnsOfA(
            Call call,
            Scratch own,
            int i0,
            int rows,
            int k0,
            int depth,
            float[] stage,
            float[] strips,
            int base) {
        for (int k = 0; k < depth; k += STAGE_ROWS) {
            int steps = Math.min(STAGE_ROWS, depth - k);
            for (int step = 0; step < steps; step++) {
                long source = (long) (k0 + k + step) * call.m + i0;
                own.load(call.a, source, stage, step * rows, rows);
            }
            for (int i = 0; i < rows; i += ROWS) {
                int present = Math.min(ROWS, rows - i);
                int target = base + i * depth + k * ROWS;
                own.lanes.packAlong(stage, i, rows, present, steps, strips, target, ROWS);
            }
        }
    }
}
