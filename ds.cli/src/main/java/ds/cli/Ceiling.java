package ds.cli;

import ds.kernels.Workers;
import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/** What the machine itself can do: fused multiply-adds in registers, and streams of memory. */
final class Ceiling {
    private static final VectorSpecies<Float> SPECIES = FloatVector.SPECIES_PREFERRED;
    private static final int CHAINS = 8;
    private static final int ROUNDS = 200_000;
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
