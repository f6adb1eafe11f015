package ds.cli;

import ds.kernels.Workers;
import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * What the machine itself can do: fused multiply-adds in registers and on panels in the nearest
 * cache, and streams of memory.
 */
final class Ceiling {
    private static final VectorSpecies<Float> SPECIES = FloatVector.SPECIES_PREFERRED;
    private static final int CHAINS = 8;
    private static final int ROUNDS = 200_000;
    private static final int TILE_ROWS = 4;
    private static final int TILE_VECTORS = 2;
    private static final int TILE_DEPTH = 256;
    private static final int TILE_ROUNDS = 2_000;
    private static final int PIECE_ELEMENTS = 32_768;

    private Ceiling() {}

    /** Returns the floating-point operations of one {@link #multiplyAdd} over all workers. */
    static double operations(Workers workers) {
        return 2.0 * workers.count() * CHAINS * ROUNDS * SPECIES.length();
    }

    /** Runs chains of fused multiply-adds in registers on every worker. */
    static void multiplyAdd(Workers workers, float[] sink) {
        workers.run(workers.count(), (_, part) -> sink[part] += chains());
    }

    private static float chains() {
        FloatVector factor = FloatVector.broadcast(SPECIES, 0.999f);
        FloatVector term = FloatVector.broadcast(SPECIES, 0.001f);
        FloatVector a = FloatVector.broadcast(SPECIES, 1f);
        FloatVector b = FloatVector.broadcast(SPECIES, 2f);
        FloatVector c = FloatVector.broadcast(SPECIES, 3f);
        FloatVector d = FloatVector.broadcast(SPECIES, 4f);
        FloatVector e = FloatVector.broadcast(SPECIES, 5f);
        FloatVector f = FloatVector.broadcast(SPECIES, 6f);
        FloatVector g = FloatVector.broadcast(SPECIES, 7f);
        FloatVector h = FloatVector.broadcast(SPECIES, 8f);
        for (int i = 0; i < ROUNDS; i++) {
            a = a.fma(factor, term);
            b = b.fma(factor, term);
            c = c.fma(factor, term);
            d = d.fma(factor, term);
            e = e.fma(factor, term);
            f = f.fma(factor, term);
            g = g.fma(factor, term);
            h = h.fma(factor, term);
        }
        return a.add(b).add(c.add(d)).add(e.add(f).add(g.add(h))).lane(0);
    }

    /** Returns the floating-point operations of one {@link #tiles} over all workers. */
    static double tileOperations(Workers workers) {
        return 2.0
                * workers.count()
                * TILE_ROUNDS
                * TILE_DEPTH
                * TILE_ROWS
                * TILE_VECTORS
                * SPECIES.length();
    }

    /** Returns the panels of one worker: they stay in the nearest cache. */
    static float[][] panels() {
        float[] rows = new float[TILE_DEPTH * TILE_ROWS];
        float[] columns = new float[TILE_DEPTH * TILE_VECTORS * SPECIES.length()];
        Arrays.fill(rows, 0.5f);
        Arrays.fill(columns, 0.25f);
        return new float[][] {rows, columns};
    }

    /** Runs the inner loop of a matrix product on panels in the nearest cache, on every worker. */
    static void tiles(Workers workers, float[][][] panels, float[] sink) {
        workers.run(
                workers.count(),
                (_, part) -> {
                    for (int i = 0; i < TILE_ROUNDS; i++) {
                        sink[part] += tile(panels[part][0], panels[part][1]);
                    }
                });
    }

    private static float tile(float[] rows, float[] columns) {
        int length = SPECIES.length();
        FloatVector a0 = FloatVector.zero(SPECIES);
        FloatVector a1 = a0;
        FloatVector b0 = a0;
        FloatVector b1 = a0;
        FloatVector c0 = a0;
        FloatVector c1 = a0;
        FloatVector d0 = a0;
        FloatVector d1 = a0;
        for (int k = 0; k < TILE_DEPTH; k++) {
            FloatVector left = FloatVector.fromArray(SPECIES, columns, k * TILE_VECTORS * length);
            FloatVector right =
                    FloatVector.fromArray(SPECIES, columns, k * TILE_VECTORS * length + length);
            FloatVector row = FloatVector.broadcast(SPECIES, rows[k * TILE_ROWS]);
            a0 = row.fma(left, a0);
            a1 = row.fma(right, a1);
            row = FloatVector.broadcast(SPECIES, rows[k * TILE_ROWS + 1]);
            b0 = row.fma(left, b0);
            b1 = row.fma(right, b1);
            row = FloatVector.broadcast(SPECIES, rows[k * TILE_ROWS + 2]);
            c0 = row.fma(left, c0);
            c1 = row.fma(right, c1);
            row = FloatVector.broadcast(SPECIES, rows[k * TILE_ROWS + 3]);
            d0 = row.fma(left, d0);
            d1 = row.fma(right, d1);
        }
        return a0.add(a1).add(b0.add(b1)).add(c0.add(c1).add(d0.add(d1))).lane(0);
    }

    /** Reads four streams and writes three of them back: the traffic of an Adam step. */
    static void streams(
            Workers workers, MemorySegment p, MemorySegment g, MemorySegment m, MemorySegment v) {
        long elements = p.byteSize() / Float.BYTES;
        int pieces = (int) ((elements + PIECE_ELEMENTS - 1) / PIECE_ELEMENTS);
        workers.run(
                pieces,
                (_, piece) -> {
                    long from = (long) piece * PIECE_ELEMENTS;
                    stream(p, g, m, v, from, Math.min(elements, from + PIECE_ELEMENTS));
                });
    }

    private static void stream(
            MemorySegment p,
            MemorySegment g,
            MemorySegment m,
            MemorySegment v,
            long from,
            long to) {
        FloatVector half = FloatVector.broadcast(SPECIES, 0.5f);
        ByteOrder order = ByteOrder.LITTLE_ENDIAN;
        for (long i = from; i + SPECIES.length() <= to; i += SPECIES.length()) {
            long at = i * Float.BYTES;
            FloatVector gradient = FloatVector.fromMemorySegment(SPECIES, g, at, order);
            FloatVector first = FloatVector.fromMemorySegment(SPECIES, m, at, order);
            FloatVector second = FloatVector.fromMemorySegment(SPECIES, v, at, order);
            FloatVector weight = FloatVector.fromMemorySegment(SPECIES, p, at, order);
            first.fma(half, gradient).intoMemorySegment(m, at, order);
            second.fma(half, gradient).intoMemorySegment(v, at, order);
            weight.fma(half, gradient).intoMemorySegment(p, at, order);
        }
    }
}
