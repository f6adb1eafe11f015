package ds.optim.builtin;

import ds.core.FlatBuffer;
import ds.optim.spi.Shard;
import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * The passes, a hardware vector at a time; the elements behind the last whole vector are the scalar
 * passes'. Only operations that round once (multiply, add, fma, divide, square root) occur, so the
 * vector's width does not show. Loaded only where {@code jdk.incubator.vector} is present.
 */
final class VectorPasses implements Passes {
    private static final VectorSpecies<Float> FLOATS = FloatVector.SPECIES_PREFERRED;
    private static final ByteOrder ORDER = ByteOrder.LITTLE_ENDIAN;
    private static final int STRIDE = FLOATS.vectorByteSize();

    /**
     * Elements between two roundings: what an Adam step touches of them stays in a first-level cache,
     * so the copy costs no second trip to memory. One loop per method, and no method that returns a
     * vector: the compiler does not always inline those, and then allocates every vector.
     */
    private static final int TILE = 256;

    /** A vector loop over whole vectors, given as byte offsets into fp32 arrays. */
    @FunctionalInterface
    private interface Loop {
        void run(long from, long end);
    }

    private final ScalarPasses tail = new ScalarPasses();

    @Override
    public void adam(AdamNumbers numbers, Shard shard, long from, long to) {
        MemorySegment master = shard.master().segment();
        MemorySegment gradient = shard.gradient().segment();
        MemorySegment first = shard.slots().get(0).segment();
        MemorySegment second = shard.slots().get(1).segment();
        long end = to - (to - from) % FLOATS.length();
        tiles(
                shard,
                from,
                end,
                (at, until) -> adam(numbers, master, gradient, first, second, at, until));
        if (end < to) {
            tail.adam(numbers, shard, end, to);
        }
    }

    private static void adam(
            AdamNumbers numbers,
            MemorySegment master,
            MemorySegment gradient,
            MemorySegment first,
            MemorySegment second,
            long from,
            long end) {
        FloatVector scale = FloatVector.broadcast(FLOATS, numbers.scale());
        FloatVector l2 = FloatVector.broadcast(FLOATS, numbers.l2());
        FloatVector beta1 = FloatVector.broadcast(FLOATS, numbers.beta1());
        FloatVector gain1 = FloatVector.broadcast(FLOATS, numbers.gain1());
        FloatVector beta2 = FloatVector.broadcast(FLOATS, numbers.beta2());
        FloatVector gain2 = FloatVector.broadcast(FLOATS, numbers.gain2());
        FloatVector root = FloatVector.broadcast(FLOATS, numbers.root());
        FloatVector eps = FloatVector.broadcast(FLOATS, numbers.eps());
        FloatVector rate = FloatVector.broadcast(FLOATS, numbers.rate());
        FloatVector decay = FloatVector.broadcast(FLOATS, numbers.decay());
        for (long at = from; at < end; at += STRIDE) {
            FloatVector p = FloatVector.fromMemorySegment(FLOATS, master, at, ORDER);
            FloatVector g = FloatVector.fromMemorySegment(FLOATS, gradient, at, ORDER);
            FloatVector d = p.fma(l2, g.mul(scale));
            FloatVector m =
                    FloatVector.fromMemorySegment(FLOATS, first, at, ORDER)
                            .fma(beta1, d.mul(gain1));
            FloatVector v =
                    FloatVector.fromMemorySegment(FLOATS, second, at, ORDER)
                            .fma(beta2, d.mul(d).mul(gain2));
            m.intoMemorySegment(first, at, ORDER);
            v.intoMemorySegment(second, at, ORDER);
            FloatVector denominator = v.sqrt().fma(root, eps);
            FloatVector updated = m.div(denominator).fma(rate, p.mul(decay));
            updated.intoMemorySegment(master, at, ORDER);
        }
    }

    @Override
    public void momentum(SgdNumbers numbers, Shard shard, long from, long to) {
        MemorySegment master = shard.master().segment();
        MemorySegment gradient = shard.gradient().segment();
        MemorySegment buffer = shard.slots().get(0).segment();
        long end = to - (to - from) % FLOATS.length();
        tiles(
                shard,
                from,
                end,
                (at, until) -> momentum(numbers, master, gradient, buffer, at, until));
        if (end < to) {
            tail.momentum(numbers, shard, end, to);
        }
    }

    private static void momentum(
            SgdNumbers numbers,
            MemorySegment master,
            MemorySegment gradient,
            MemorySegment buffer,
            long from,
            long end) {
        FloatVector scale = FloatVector.broadcast(FLOATS, numbers.scale());
        FloatVector l2 = FloatVector.broadcast(FLOATS, numbers.l2());
        FloatVector momentum = FloatVector.broadcast(FLOATS, numbers.momentum());
        FloatVector gain = FloatVector.broadcast(FLOATS, numbers.gain());
        FloatVector ofBuffer = FloatVector.broadcast(FLOATS, numbers.ofBuffer());
        FloatVector ofGradient = FloatVector.broadcast(FLOATS, numbers.ofGradient());
        FloatVector rate = FloatVector.broadcast(FLOATS, numbers.rate());
        for (long at = from; at < end; at += STRIDE) {
            FloatVector p = FloatVector.fromMemorySegment(FLOATS, master, at, ORDER);
            FloatVector g = FloatVector.fromMemorySegment(FLOATS, gradient, at, ORDER);
            FloatVector d = p.fma(l2, g.mul(scale));
            FloatVector b =
                    FloatVector.fromMemorySegment(FLOATS, buffer, at, ORDER)
                            .fma(momentum, d.mul(gain));
            b.intoMemorySegment(buffer, at, ORDER);
            FloatVector updated = b.fma(ofBuffer, d.mul(ofGradient)).fma(rate, p);
            updated.intoMemorySegment(master, at, ORDER);
        }
    }

    @Override
    public void plain(SgdNumbers numbers, Shard shard, long from, long to) {
        MemorySegment master = shard.master().segment();
        MemorySegment gradient = shard.gradient().segment();
        long end = to - (to - from) % FLOATS.length();
        tiles(shard, from, end, (at, until) -> plain(numbers, master, gradient, at, until));
        if (end < to) {
            tail.plain(numbers, shard, end, to);
        }
    }

    private static void plain(
            SgdNumbers numbers, MemorySegment master, MemorySegment gradient, long from, long end) {
        FloatVector scale = FloatVector.broadcast(FLOATS, numbers.scale());
        FloatVector l2 = FloatVector.broadcast(FLOATS, numbers.l2());
        FloatVector rate = FloatVector.broadcast(FLOATS, numbers.rate());
        for (long at = from; at < end; at += STRIDE) {
            FloatVector p = FloatVector.fromMemorySegment(FLOATS, master, at, ORDER);
            FloatVector g = FloatVector.fromMemorySegment(FLOATS, gradient, at, ORDER);
            FloatVector updated = p.fma(l2, g.mul(scale)).fma(rate, p);
            updated.intoMemorySegment(master, at, ORDER);
        }
    }

    private static void tiles(Shard shard, long from, long end, Loop loop) {
        if (shard.copyOut().isEmpty()) {
            loop.run(from * Float.BYTES, end * Float.BYTES);
            return;
        }
        FlatBuffer copy = shard.copyOut().get();
        MemorySegment master = shard.master().segment();
        for (long tile = from; tile < end; tile += TILE) {
            long until = Math.min(tile + TILE, end);
            loop.run(tile * Float.BYTES, until * Float.BYTES);
            switch (copy.type()) {
                case BF16 -> VectorRounding.toBf16(master, copy.segment(), tile, until);
                case FP16 -> VectorRounding.toFp16(master, copy.segment(), tile, until);
                case FP32 -> throw new AssertionError("a shard's copy is 16-bit");
            }
        }
    }
}
