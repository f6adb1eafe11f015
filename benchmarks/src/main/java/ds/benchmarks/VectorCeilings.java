package ds.benchmarks;

import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/** What the machine can do, said with the Vector API. */
final class VectorCeilings implements Ceilings {
    private static final VectorSpecies<Float> FLOATS = FloatVector.SPECIES_PREFERRED;
    private static final VectorSpecies<Short> HALVES =
            VectorSpecies.of(short.class, VectorShape.forBitSize(FLOATS.vectorBitSize() / 2));
    private static final ByteOrder ORDER = ByteOrder.LITTLE_ENDIAN;
    private static final int CHAINS = 8;

    @Override
    public double operationsPerRound() {
        return 2.0 * CHAINS * FLOATS.length();
    }

    @Override
    public float multiplyAdd(long rounds) {
        FloatVector factor = FloatVector.broadcast(FLOATS, 0.999f);
        FloatVector term = FloatVector.broadcast(FLOATS, 0.001f);
        FloatVector a = FloatVector.broadcast(FLOATS, 1f);
        FloatVector b = FloatVector.broadcast(FLOATS, 2f);
        FloatVector c = FloatVector.broadcast(FLOATS, 3f);
        FloatVector d = FloatVector.broadcast(FLOATS, 4f);
        FloatVector e = FloatVector.broadcast(FLOATS, 5f);
        FloatVector f = FloatVector.broadcast(FLOATS, 6f);
        FloatVector g = FloatVector.broadcast(FLOATS, 7f);
        FloatVector h = FloatVector.broadcast(FLOATS, 8f);
        for (long round = 0; round < rounds; round++) {
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

    @Override
    public void copy(MemorySegment from, MemorySegment to) {
        MemorySegment.copy(from, 0, to, 0, from.byteSize());
    }

    @Override
    public void streams(Streams streams) {
        MemorySegment p = streams.weights();
        MemorySegment g = streams.gradient();
        MemorySegment m = streams.first();
        MemorySegment v = streams.second();
        if (streams.halves().isPresent()) {
            streams(p, g, m, v, streams.halves().get());
        } else {
            streams(p, g, m, v);
        }
    }

    private static void streams(
            MemorySegment p, MemorySegment g, MemorySegment m, MemorySegment v) {
        FloatVector half = FloatVector.broadcast(FLOATS, 0.5f);
        long end = p.byteSize() / FLOATS.vectorByteSize() * FLOATS.vectorByteSize();
        for (long at = 0; at < end; at += FLOATS.vectorByteSize()) {
            FloatVector d = FloatVector.fromMemorySegment(FLOATS, g, at, ORDER);
            FloatVector first = FloatVector.fromMemorySegment(FLOATS, m, at, ORDER);
            FloatVector second = FloatVector.fromMemorySegment(FLOATS, v, at, ORDER);
            FloatVector weight = FloatVector.fromMemorySegment(FLOATS, p, at, ORDER);
            first.fma(half, d).intoMemorySegment(m, at, ORDER);
            second.fma(half, d).intoMemorySegment(v, at, ORDER);
            weight.fma(half, d).intoMemorySegment(p, at, ORDER);
        }
    }

    private static void streams(
            MemorySegment p,
            MemorySegment g,
            MemorySegment m,
            MemorySegment v,
            MemorySegment halves) {
        FloatVector half = FloatVector.broadcast(FLOATS, 0.5f);
        long end = p.byteSize() / FLOATS.vectorByteSize() * FLOATS.vectorByteSize();
        for (long at = 0; at < end; at += FLOATS.vectorByteSize()) {
            FloatVector d = FloatVector.fromMemorySegment(FLOATS, g, at, ORDER);
            FloatVector first = FloatVector.fromMemorySegment(FLOATS, m, at, ORDER);
            FloatVector second = FloatVector.fromMemorySegment(FLOATS, v, at, ORDER);
            FloatVector weight = FloatVector.fromMemorySegment(FLOATS, p, at, ORDER);
            first.fma(half, d).intoMemorySegment(m, at, ORDER);
            second.fma(half, d).intoMemorySegment(v, at, ORDER);
            FloatVector next = weight.fma(half, d);
            next.intoMemorySegment(p, at, ORDER);
            IntVector upper = next.reinterpretAsInts().lanewise(VectorOperators.LSHR, 16);
            ((ShortVector) upper.convertShape(VectorOperators.I2S, HALVES, 0))
                    .intoMemorySegment(halves, at / 2, ORDER);
        }
    }
}
