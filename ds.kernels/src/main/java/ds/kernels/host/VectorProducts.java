package ds.kernels.host;

import static ds.kernels.host.Lanes.TILE_COLUMNS;
import static ds.kernels.host.Lanes.TILE_ROWS;
import static ds.kernels.host.VectorLanes.L;
import static ds.kernels.host.VectorLanes.R;
import static ds.kernels.host.VectorLanes.RL;
import static ds.kernels.host.VectorLanes.RL2;
import static ds.kernels.host.VectorLanes.S;

import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorShuffle;
import jdk.incubator.vector.VectorSpecies;
import org.jspecify.annotations.Nullable;

/**
 * The loops of a matrix product by the Vector API: packing, and the tiles. The rules of {@link
 * VectorLanes} hold here too.
 */
final class VectorProducts {
    private static final VectorSpecies<Float> QUAD = FloatVector.SPECIES_128;

    private static final ByteOrder ORDER = ByteOrder.nativeOrder();

    /** One vector is a row of a panel, and there are 32 registers. */
    private static final boolean WIDE = L == TILE_COLUMNS;

    private VectorProducts() {}

    static void packAlong(
            float[] from,
            int fromOffset,
            int stride,
            int depth,
            float[] to,
            int toOffset,
            int width) {
        if (width == TILE_ROWS) {
            for (int k = 0; k < depth; k++) {
                FloatVector.fromArray(QUAD, from, fromOffset + k * stride)
                        .intoArray(to, toOffset + k * TILE_ROWS);
            }
        } else {
            for (int k = 0; k < depth; k++) {
                int source = fromOffset + k * stride;
                int target = toOffset + k * TILE_COLUMNS;
                for (int j = 0; j < TILE_COLUMNS; j += L) {
                    FloatVector.fromArray(S, from, source + j).intoArray(to, target + j);
                }
            }
        }
    }

    /** Reads {@code depth} rows of neighbouring panels. */
    static void readPanels(
            MemorySegment from,
            long source,
            long rowBytes,
            int depth,
            int panels,
            float[] to,
            int toOffset,
            int panelSize) {
        for (int k = 0; k < depth; k++) {
            long row = source + k * rowBytes;
            int target = toOffset + k * TILE_COLUMNS;
            for (int panel = 0; panel < panels; panel++) {
                for (int j = 0; j < TILE_COLUMNS; j += L) {
                    long at = row + (panel * TILE_COLUMNS + j) * 4L;
                    FloatVector.fromMemorySegment(S, from, at, ORDER)
                            .intoArray(to, target + panel * panelSize + j);
                }
            }
        }
    }

    /** Reads rows of {@code width} neighbours, a multiple of the vector, one after the other. */
    static void readRows(
            MemorySegment from,
            long source,
            long rowBytes,
            int rows,
            int width,
            float[] to,
            int target) {
        for (int i = 0; i < rows; i++) {
            long at = source + i * rowBytes;
            for (int j = 0; j < width; j += L) {
                FloatVector.fromMemorySegment(S, from, at + j * 4L, ORDER)
                        .intoArray(to, target + i * width + j);
            }
        }
    }

    /** Writes rows of {@code width} neighbours, a multiple of the vector. */
    static void writeRows(
            float[] from,
            int source,
            int stride,
            MemorySegment to,
            long target,
            long rowBytes,
            int rows,
            int width) {
        for (int i = 0; i < rows; i++) {
            long at = target + i * rowBytes;
            for (int j = 0; j < width; j += L) {
                FloatVector.fromArray(S, from, source + i * stride + j)
                        .intoMemorySegment(to, at + j * 4L, ORDER);
            }
        }
    }

    static void packAcross(
            float[] from,
            int fromOffset,
            int stride,
            int count,
            int depth,
            float[] to,
            int toOffset,
            int width) {
        if (WIDE && width == TILE_ROWS && count >= TILE_ROWS) {
            int end = depth & -L;
            packAcrossWide(from, fromOffset, stride, end, to, toOffset);
            packAcrossPart(from, fromOffset, stride, count, end, depth, to, toOffset, width, 0);
            return;
        }
        int done = depth & -2 * TILE_ROWS;
        for (int j = 0; j < width; j += TILE_ROWS) {
            if (j + TILE_ROWS > count) {
                packAcrossPart(from, fromOffset, stride, count, 0, depth, to, toOffset, width, j);
            } else {
                packAcross4(from, fromOffset + j * stride, stride, done, to, toOffset + j, width);
                packAcrossPart(
                        from, fromOffset, stride, count, done, depth, to, toOffset, width, j);
            }
        }
    }

    private static void packAcrossPart(
            float[] from,
            int fromOffset,
            int stride,
            int count,
            int firstDepth,
            int depth,
            float[] to,
            int toOffset,
            int width,
            int firstRow) {
        for (int j = firstRow; j < firstRow + TILE_ROWS; j++) {
            int source = fromOffset + j * stride;
            for (int k = firstDepth; k < depth; k++) {
                to[toOffset + k * width + j] = j < count ? from[source + k] : 0f;
            }
        }
    }

    private static final VectorShuffle<Float> SWAP_1 =
            VectorShuffle.fromArray(QUAD, new int[] {1, 0, 3, 2}, 0);
    private static final VectorShuffle<Float> SWAP_2 =
            VectorShuffle.fromArray(QUAD, new int[] {2, 3, 0, 1}, 0);
    private static final VectorMask<Float> ODD = VectorMask.fromLong(QUAD, 0b1010);
    private static final VectorMask<Float> EVEN = VectorMask.fromLong(QUAD, 0b0101);
    private static final VectorMask<Float> HIGH = VectorMask.fromLong(QUAD, 0b1100);
    private static final VectorMask<Float> LOW = VectorMask.fromLong(QUAD, 0b0011);

    // Places of a 4 x 16 transposition: pairs of rows are interleaved, then pairs of pairs.
    private static final VectorShuffle<Float> PAIR_LOW = pairs(0);
    private static final VectorShuffle<Float> PAIR_HIGH = pairs(L / 2);
    private static final VectorShuffle<Float> TWICE_LOW = twos(0);
    private static final VectorShuffle<Float> TWICE_HIGH = twos(L / 2);
    private static final VectorMask<Float> SECOND = VectorMask.fromLong(S, 0xaaaa_aaaa_aaaa_aaaaL);
    private static final VectorMask<Float> SECOND_TWO =
            VectorMask.fromLong(S, 0xcccc_cccc_cccc_ccccL);

    /** Every element of one half, twice. */
    private static VectorShuffle<Float> pairs(int first) {
        return VectorShuffle.fromOp(S, i -> first + i / 2);
    }

    /** Every two neighbours of one half, twice. */
    private static VectorShuffle<Float> twos(int first) {
        return VectorShuffle.fromOp(S, i -> first + i / 4 * 2 + i % 2);
    }

    /** Returns whether {@link #readStrip} can run. */
    static boolean readsStrips(int depth) {
        return WIDE && depth % L == 0;
    }

    /** Reads 4 rows of {@code depth} neighbours and transposes them, 16 at once. */
    static void readStrip(
            MemorySegment from, long source, long rowBytes, int depth, float[] to, int target) {
        for (int k = 0; k < depth; k += L) {
            long at = source + k * 4L;
            FloatVector r0 = FloatVector.fromMemorySegment(S, from, at, ORDER);
            FloatVector r1 = FloatVector.fromMemorySegment(S, from, at + rowBytes, ORDER);
            FloatVector r2 = FloatVector.fromMemorySegment(S, from, at + 2 * rowBytes, ORDER);
            FloatVector r3 = FloatVector.fromMemorySegment(S, from, at + 3 * rowBytes, ORDER);
            FloatVector low01 = r0.rearrange(PAIR_LOW).blend(r1.rearrange(PAIR_LOW), SECOND);
            FloatVector low23 = r2.rearrange(PAIR_LOW).blend(r3.rearrange(PAIR_LOW), SECOND);
            FloatVector high01 = r0.rearrange(PAIR_HIGH).blend(r1.rearrange(PAIR_HIGH), SECOND);
            FloatVector high23 = r2.rearrange(PAIR_HIGH).blend(r3.rearrange(PAIR_HIGH), SECOND);
            int t = target + k * TILE_ROWS;
            low01.rearrange(TWICE_LOW)
                    .blend(low23.rearrange(TWICE_LOW), SECOND_TWO)
                    .intoArray(to, t);
            low01.rearrange(TWICE_HIGH)
                    .blend(low23.rearrange(TWICE_HIGH), SECOND_TWO)
                    .intoArray(to, t + L);
            high01.rearrange(TWICE_LOW)
                    .blend(high23.rearrange(TWICE_LOW), SECOND_TWO)
                    .intoArray(to, t + 2 * L);
            high01.rearrange(TWICE_HIGH)
                    .blend(high23.rearrange(TWICE_HIGH), SECOND_TWO)
                    .intoArray(to, t + 3 * L);
        }
    }

    /** Transposes 4 rows of {@code depth} neighbours, 16 at once. */
    private static void packAcrossWide(
            float[] from, int source, int stride, int depth, float[] to, int target) {
        for (int k = 0; k < depth; k += L) {
            FloatVector r0 = FloatVector.fromArray(S, from, source + k);
            FloatVector r1 = FloatVector.fromArray(S, from, source + stride + k);
            FloatVector r2 = FloatVector.fromArray(S, from, source + 2 * stride + k);
            FloatVector r3 = FloatVector.fromArray(S, from, source + 3 * stride + k);
            FloatVector low01 = r0.rearrange(PAIR_LOW).blend(r1.rearrange(PAIR_LOW), SECOND);
            FloatVector low23 = r2.rearrange(PAIR_LOW).blend(r3.rearrange(PAIR_LOW), SECOND);
            FloatVector high01 = r0.rearrange(PAIR_HIGH).blend(r1.rearrange(PAIR_HIGH), SECOND);
            FloatVector high23 = r2.rearrange(PAIR_HIGH).blend(r3.rearrange(PAIR_HIGH), SECOND);
            int t = target + k * TILE_ROWS;
            low01.rearrange(TWICE_LOW)
                    .blend(low23.rearrange(TWICE_LOW), SECOND_TWO)
                    .intoArray(to, t);
            low01.rearrange(TWICE_HIGH)
                    .blend(low23.rearrange(TWICE_HIGH), SECOND_TWO)
                    .intoArray(to, t + L);
            high01.rearrange(TWICE_LOW)
                    .blend(high23.rearrange(TWICE_LOW), SECOND_TWO)
                    .intoArray(to, t + 2 * L);
            high01.rearrange(TWICE_HIGH)
                    .blend(high23.rearrange(TWICE_HIGH), SECOND_TWO)
                    .intoArray(to, t + 3 * L);
        }
    }

    /** Transposes 4 rows of {@code depth} neighbours, 4 by 4 in registers; twice, as exp. */
    private static void packAcross4(
            float[] from, int source, int stride, int depth, float[] to, int target, int width) {
        for (int k = 0; k < depth; k += 2 * TILE_ROWS) {
            FloatVector r0 = FloatVector.fromArray(QUAD, from, source + k);
            FloatVector r1 = FloatVector.fromArray(QUAD, from, source + stride + k);
            FloatVector r2 = FloatVector.fromArray(QUAD, from, source + 2 * stride + k);
            FloatVector r3 = FloatVector.fromArray(QUAD, from, source + 3 * stride + k);
            FloatVector s0 = r0.blend(r1.rearrange(SWAP_1), ODD);
            FloatVector s1 = r1.blend(r0.rearrange(SWAP_1), EVEN);
            FloatVector s2 = r2.blend(r3.rearrange(SWAP_1), ODD);
            FloatVector s3 = r3.blend(r2.rearrange(SWAP_1), EVEN);
            int t = target + k * width;
            s0.blend(s2.rearrange(SWAP_2), HIGH).intoArray(to, t);
            s1.blend(s3.rearrange(SWAP_2), HIGH).intoArray(to, t + width);
            s2.blend(s0.rearrange(SWAP_2), LOW).intoArray(to, t + 2 * width);
            s3.blend(s1.rearrange(SWAP_2), LOW).intoArray(to, t + 3 * width);
            FloatVector r0b = FloatVector.fromArray(QUAD, from, source + k + TILE_ROWS);
            FloatVector r1b = FloatVector.fromArray(QUAD, from, source + stride + k + TILE_ROWS);
            FloatVector r2b =
                    FloatVector.fromArray(QUAD, from, source + 2 * stride + k + TILE_ROWS);
            FloatVector r3b =
                    FloatVector.fromArray(QUAD, from, source + 3 * stride + k + TILE_ROWS);
            FloatVector s0b = r0b.blend(r1b.rearrange(SWAP_1), ODD);
            FloatVector s1b = r1b.blend(r0b.rearrange(SWAP_1), EVEN);
            FloatVector s2b = r2b.blend(r3b.rearrange(SWAP_1), ODD);
            FloatVector s3b = r3b.blend(r2b.rearrange(SWAP_1), EVEN);
            int tb = target + (k + TILE_ROWS) * width;
            s0b.blend(s2b.rearrange(SWAP_2), HIGH).intoArray(to, tb);
            s1b.blend(s3b.rearrange(SWAP_2), HIGH).intoArray(to, tb + width);
            s2b.blend(s0b.rearrange(SWAP_2), LOW).intoArray(to, tb + 2 * width);
            s3b.blend(s1b.rearrange(SWAP_2), LOW).intoArray(to, tb + 3 * width);
        }
    }

    static void multiplyTiles(
            float[] a,
            int ao,
            int rows,
            float[] b,
            int bo,
            int panelSize,
            int columns,
            int depth,
            float[] c,
            int co,
            int stride,
            float @Nullable [] addend,
            int addendAt,
            int addendStride) {
        int width;
        for (int j = 0; j < columns; j += width) {
            boolean pair = WIDE && columns - j > TILE_COLUMNS;
            width = pair ? 2 * TILE_COLUMNS : TILE_COLUMNS;
            int panel = bo + j / TILE_COLUMNS * panelSize;
            int height;
            for (int i = 0; i < rows; i += height) {
                boolean wide = pair && rows - i > TILE_ROWS;
                height = wide ? 2 * TILE_ROWS : TILE_ROWS;
                int strip = ao + i * depth;
                int at = co + i * stride + j;
                int from = addendAt + i * addendStride + j;
                if (wide) {
                    multiplyWide(
                            a,
                            strip,
                            b,
                            panel,
                            panelSize,
                            depth,
                            c,
                            at,
                            stride,
                            addend,
                            from,
                            addendStride);
                    continue;
                }
                multiplyTile(a, strip, b, panel, depth, c, at, stride, addend, from, addendStride);
                if (pair) {
                    int next = panel + panelSize;
                    multiplyTile(
                            a,
                            strip,
                            b,
                            next,
                            depth,
                            c,
                            at + TILE_COLUMNS,
                            stride,
                            addend,
                            from + TILE_COLUMNS,
                            addendStride);
                }
            }
        }
    }

    private static void multiplyTile(
            float[] a,
            int ao,
            float[] b,
            int bo,
            int depth,
            float[] c,
            int co,
            int stride,
            float @Nullable [] addend,
            int from,
            int addendStride) {
        for (int h = 0; h < TILE_COLUMNS; h += RL2) {
            multiplyHalf(
                    a, ao, b, bo + h, depth, c, co + h, stride, addend, from + h, addendStride);
        }
    }

    /**
     * 8 rows by 32 columns, two strips by two panels: 16 accumulators of 512 bits, enough chains to
     * hide the latency of fma. Hardware with such vectors has 32 of them.
     */
    private static void multiplyWide(
            float[] a,
            int ao,
            float[] b,
            int bo,
            int panelSize,
            int depth,
            float[] c,
            int co,
            int stride,
            float @Nullable [] addend,
            int from,
            int addendStride) {
        FloatVector c00 = FloatVector.zero(S);
        FloatVector c01 = c00;
        FloatVector c10 = c00;
        FloatVector c11 = c00;
        FloatVector c20 = c00;
        FloatVector c21 = c00;
        FloatVector c30 = c00;
        FloatVector c31 = c00;
        FloatVector c40 = c00;
        FloatVector c41 = c00;
        FloatVector c50 = c00;
        FloatVector c51 = c00;
        FloatVector c60 = c00;
        FloatVector c61 = c00;
        FloatVector c70 = c00;
        FloatVector c71 = c00;
        int lower = ao + depth * TILE_ROWS;
        int right = bo + panelSize;
        for (int k = 0; k < depth; k++) {
            FloatVector b0 = FloatVector.fromArray(S, b, bo + k * TILE_COLUMNS);
            FloatVector b1 = FloatVector.fromArray(S, b, right + k * TILE_COLUMNS);
            int x = ao + k * TILE_ROWS;
            int y = lower + k * TILE_ROWS;
            FloatVector f = FloatVector.broadcast(S, a[x]);
            c00 = f.fma(b0, c00);
            c01 = f.fma(b1, c01);
            f = FloatVector.broadcast(S, a[x + 1]);
            c10 = f.fma(b0, c10);
            c11 = f.fma(b1, c11);
            f = FloatVector.broadcast(S, a[x + 2]);
            c20 = f.fma(b0, c20);
            c21 = f.fma(b1, c21);
            f = FloatVector.broadcast(S, a[x + 3]);
            c30 = f.fma(b0, c30);
            c31 = f.fma(b1, c31);
            f = FloatVector.broadcast(S, a[y]);
            c40 = f.fma(b0, c40);
            c41 = f.fma(b1, c41);
            f = FloatVector.broadcast(S, a[y + 1]);
            c50 = f.fma(b0, c50);
            c51 = f.fma(b1, c51);
            f = FloatVector.broadcast(S, a[y + 2]);
            c60 = f.fma(b0, c60);
            c61 = f.fma(b1, c61);
            f = FloatVector.broadcast(S, a[y + 3]);
            c70 = f.fma(b0, c70);
            c71 = f.fma(b1, c71);
        }
        int row1 = co + stride;
        int row2 = row1 + stride;
        int row3 = row2 + stride;
        int row4 = row3 + stride;
        int row5 = row4 + stride;
        int row6 = row5 + stride;
        int row7 = row6 + stride;
        if (addend != null) {
            int from1 = from + addendStride;
            int from2 = from1 + addendStride;
            int from3 = from2 + addendStride;
            int from4 = from3 + addendStride;
            int from5 = from4 + addendStride;
            int from6 = from5 + addendStride;
            int from7 = from6 + addendStride;
            c00 = FloatVector.fromArray(S, addend, from).add(c00);
            c01 = FloatVector.fromArray(S, addend, from + L).add(c01);
            c10 = FloatVector.fromArray(S, addend, from1).add(c10);
            c11 = FloatVector.fromArray(S, addend, from1 + L).add(c11);
            c20 = FloatVector.fromArray(S, addend, from2).add(c20);
            c21 = FloatVector.fromArray(S, addend, from2 + L).add(c21);
            c30 = FloatVector.fromArray(S, addend, from3).add(c30);
            c31 = FloatVector.fromArray(S, addend, from3 + L).add(c31);
            c40 = FloatVector.fromArray(S, addend, from4).add(c40);
            c41 = FloatVector.fromArray(S, addend, from4 + L).add(c41);
            c50 = FloatVector.fromArray(S, addend, from5).add(c50);
            c51 = FloatVector.fromArray(S, addend, from5 + L).add(c51);
            c60 = FloatVector.fromArray(S, addend, from6).add(c60);
            c61 = FloatVector.fromArray(S, addend, from6 + L).add(c61);
            c70 = FloatVector.fromArray(S, addend, from7).add(c70);
            c71 = FloatVector.fromArray(S, addend, from7 + L).add(c71);
        }
        c00.intoArray(c, co);
        c01.intoArray(c, co + L);
        c10.intoArray(c, row1);
        c11.intoArray(c, row1 + L);
        c20.intoArray(c, row2);
        c21.intoArray(c, row2 + L);
        c30.intoArray(c, row3);
        c31.intoArray(c, row3 + L);
        c40.intoArray(c, row4);
        c41.intoArray(c, row4 + L);
        c50.intoArray(c, row5);
        c51.intoArray(c, row5 + L);
        c60.intoArray(c, row6);
        c61.intoArray(c, row6 + L);
        c70.intoArray(c, row7);
        c71.intoArray(c, row7 + L);
    }

    /** 4 rows by two vectors: 8 accumulators; with 16 registers more spill. */
    private static void multiplyHalf(
            float[] a,
            int ao,
            float[] b,
            int bo,
            int depth,
            float[] c,
            int co,
            int stride,
            float @Nullable [] addend,
            int from,
            int addendStride) {
        FloatVector c00 = FloatVector.zero(R);
        FloatVector c01 = c00;
        FloatVector c10 = c00;
        FloatVector c11 = c00;
        FloatVector c20 = c00;
        FloatVector c21 = c00;
        FloatVector c30 = c00;
        FloatVector c31 = c00;
        for (int k = 0; k < depth; k++) {
            FloatVector b0 = FloatVector.fromArray(R, b, bo + k * TILE_COLUMNS);
            FloatVector b1 = FloatVector.fromArray(R, b, bo + k * TILE_COLUMNS + RL);
            int x = ao + k * TILE_ROWS;
            FloatVector f = FloatVector.broadcast(R, a[x]);
            c00 = f.fma(b0, c00);
            c01 = f.fma(b1, c01);
            f = FloatVector.broadcast(R, a[x + 1]);
            c10 = f.fma(b0, c10);
            c11 = f.fma(b1, c11);
            f = FloatVector.broadcast(R, a[x + 2]);
            c20 = f.fma(b0, c20);
            c21 = f.fma(b1, c21);
            f = FloatVector.broadcast(R, a[x + 3]);
            c30 = f.fma(b0, c30);
            c31 = f.fma(b1, c31);
        }
        int row1 = co + stride;
        int row2 = row1 + stride;
        int row3 = row2 + stride;
        // Written out: vectors passed to a method that is not inlined are boxed.
        if (addend != null) {
            int from1 = from + addendStride;
            int from2 = from1 + addendStride;
            int from3 = from2 + addendStride;
            c00 = FloatVector.fromArray(R, addend, from).add(c00);
            c01 = FloatVector.fromArray(R, addend, from + RL).add(c01);
            c10 = FloatVector.fromArray(R, addend, from1).add(c10);
            c11 = FloatVector.fromArray(R, addend, from1 + RL).add(c11);
            c20 = FloatVector.fromArray(R, addend, from2).add(c20);
            c21 = FloatVector.fromArray(R, addend, from2 + RL).add(c21);
            c30 = FloatVector.fromArray(R, addend, from3).add(c30);
            c31 = FloatVector.fromArray(R, addend, from3 + RL).add(c31);
        }
        c00.intoArray(c, co);
        c01.intoArray(c, co + RL);
        c10.intoArray(c, row1);
        c11.intoArray(c, row1 + RL);
        c20.intoArray(c, row2);
        c21.intoArray(c, row2 + RL);
        c30.intoArray(c, row3);
        c31.intoArray(c, row3 + RL);
    }
}
