package ds.optim.builtin;

import ds.core.FlatBuffer;
import ds.optim.spi.Shard;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicLong;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * The passes, a hardware vector at a time; the elements behind the last whole vector are the scalar
 * passes'. Only operations that round once (multiply, add, fma, divide, square root) occur, so the
 * vector's width does not show. Loaded only where {@code jdk.incubator.vector} is present.
 */
final class VectorPasses implements Passes {
    private static final VectorSpecies<Float> FLOATS = FloatVector.SPECIES_PREFERRED;

    /**
     * Elements between two roundings: what an Adam step touches of them stays in a first-level cache,
     * so the copy costs no second trip to memory.
     */
    private static final int TILE = 512;

    /**
     * Elements that an optimizer steps by scalar code first: about as long as the virtual machine
     * takes to compile a vector loop, which it runs a thousand times slower until then.
     */
    private static final long SCALAR_ELEMENTS = 1L << 25;

    /** A vector loop over whole vectors, given as byte offsets into fp32 arrays. */
    @FunctionalInterface
    private interface Loop {
        void run(long from, long end);
    }

    private final ScalarPasses tail = new ScalarPasses();
    private final AtomicLong scalarElements;

    /** Creates passes that begin by scalar code. */
    VectorPasses() {
        this(SCALAR_ELEMENTS);
    }

    /** Creates passes whose first {@code scalarElements} elements are stepped by scalar code. */
    VectorPasses(long scalarElements) {
        this.scalarElements = new AtomicLong(scalarElements);
    }

    /** Counts elements and returns whether they are still scalar code's. */
    private boolean cold(long elements) {
        return scalarElements.get() > 0 && scalarElements.getAndAdd(-elements) > 0;
    }

    @Override
    public void adam(AdamNumbers numbers, Shard shard, long from, long to) {
        if (cold(to - from)) {
            tail.adam(numbers, shard, from, to);
            return;
        }
        MemorySegment master = shard.master().segment();
        MemorySegment gradient = shard.gradient().segment();
        MemorySegment first = shard.slots().get(0).segment();
        MemorySegment second = shard.slots().get(1).segment();
        long end = to - (to - from) % FLOATS.length();
        tiles(
                shard,
                from,
                end,
                (at, until) ->
                        VectorLoops.adam(numbers, master, gradient, first, second, at, until));
        if (end < to) {
            tail.adam(numbers, shard, end, to);
        }
    }

    @Override
    public void momentum(SgdNumbers numbers, Shard shard, long from, long to) {
        if (cold(to - from)) {
            tail.momentum(numbers, shard, from, to);
            return;
        }
        MemorySegment master = shard.master().segment();
        MemorySegment gradient = shard.gradient().segment();
        MemorySegment buffer = shard.slots().get(0).segment();
        long end = to - (to - from) % FLOATS.length();
        tiles(
                shard,
                from,
                end,
                (at, until) -> VectorLoops.momentum(numbers, master, gradient, buffer, at, until));
        if (end < to) {
            tail.momentum(numbers, shard, end, to);
        }
    }

    @Override
    public void plain(SgdNumbers numbers, Shard shard, long from, long to) {
        if (cold(to - from)) {
            tail.plain(numbers, shard, from, to);
            return;
        }
        MemorySegment master = shard.master().segment();
        MemorySegment gradient = shard.gradient().segment();
        long end = to - (to - from) % FLOATS.length();
        tiles(
                shard,
                from,
                end,
                (at, until) -> VectorLoops.plain(numbers, master, gradient, at, until));
        if (end < to) {
            tail.plain(numbers, shard, end, to);
        }
    }

    @Override
    public void amsgrad(AdamNumbers numbers, Shard shard, long from, long to) {
        if (cold(to - from)) {
            tail.amsgrad(numbers, shard, from, to);
            return;
        }
        MemorySegment master = shard.master().segment();
        MemorySegment gradient = shard.gradient().segment();
        MemorySegment first = shard.slots().get(0).segment();
        MemorySegment second = shard.slots().get(1).segment();
        MemorySegment largest = shard.slots().get(2).segment();
        long end = to - (to - from) % FLOATS.length();
        tiles(
                shard,
                from,
                end,
                (at, until) ->
                        VectorLoops.amsgrad(
                                numbers, master, gradient, first, second, largest, at, until));
        if (end < to) {
            tail.amsgrad(numbers, shard, end, to);
        }
    }

    @Override
    public void adagrad(AdagradNumbers numbers, Shard shard, long from, long to) {
        if (cold(to - from)) {
            tail.adagrad(numbers, shard, from, to);
            return;
        }
        MemorySegment master = shard.master().segment();
        MemorySegment gradient = shard.gradient().segment();
        MemorySegment sum = shard.slots().get(0).segment();
        long end = to - (to - from) % FLOATS.length();
        tiles(
                shard,
                from,
                end,
                (at, until) -> VectorLoops.adagrad(numbers, master, gradient, sum, at, until));
        if (end < to) {
            tail.adagrad(numbers, shard, end, to);
        }
    }

    @Override
    public void lion(LionNumbers numbers, Shard shard, long from, long to) {
        if (cold(to - from)) {
            tail.lion(numbers, shard, from, to);
            return;
        }
        MemorySegment master = shard.master().segment();
        MemorySegment gradient = shard.gradient().segment();
        MemorySegment momentum = shard.slots().get(0).segment();
        long end = to - (to - from) % FLOATS.length();
        tiles(
                shard,
                from,
                end,
                (at, until) -> VectorLoops.lion(numbers, master, gradient, momentum, at, until));
        if (end < to) {
            tail.lion(numbers, shard, end, to);
        }
    }

    @Override
    public void lambMeasure(
            LambNumbers numbers,
            Shard shard,
            FlatBuffer weights,
            FlatBuffer update,
            long from,
            long to) {
        if (cold(to - from)) {
            tail.lambMeasure(numbers, shard, weights, update, from, to);
            return;
        }
        long end = to - (to - from) % FLOATS.length();
        VectorLoops.lambMeasure(
                numbers,
                shard,
                weights.segment(),
                update.segment(),
                from * Float.BYTES,
                end * Float.BYTES);
        if (end < to) {
            tail.lambMeasure(numbers, shard, weights, update, end, to);
        }
    }

    @Override
    public void lambApply(LambNumbers numbers, float rate, Shard shard, long from, long to) {
        if (cold(to - from)) {
            tail.lambApply(numbers, rate, shard, from, to);
            return;
        }
        MemorySegment master = shard.master().segment();
        MemorySegment first = shard.slots().get(0).segment();
        MemorySegment second = shard.slots().get(1).segment();
        long end = to - (to - from) % FLOATS.length();
        tiles(
                shard,
                from,
                end,
                (at, until) ->
                        VectorLoops.lambApply(numbers, rate, master, first, second, at, until));
        if (end < to) {
            tail.lambApply(numbers, rate, shard, end, to);
        }
    }

    @Override
    public void muonMomentum(
            MuonNumbers numbers, Shard shard, FlatBuffer update, long from, long to) {
        if (cold(to - from)) {
            tail.muonMomentum(numbers, shard, update, from, to);
            return;
        }
        long end = to - (to - from) % FLOATS.length();
        VectorLoops.muonMomentum(
                numbers,
                shard.gradient().segment(),
                shard.slots().get(0).segment(),
                update.segment(),
                from * Float.BYTES,
                end * Float.BYTES);
        if (end < to) {
            tail.muonMomentum(numbers, shard, update, end, to);
        }
    }

    @Override
    public void muonApply(
            MuonNumbers numbers, Shard shard, FlatBuffer direction, long from, long to) {
        if (cold(to - from)) {
            tail.muonApply(numbers, shard, direction, from, to);
            return;
        }
        MemorySegment master = shard.master().segment();
        MemorySegment along = direction.segment();
        long end = to - (to - from) % FLOATS.length();
        tiles(
                shard,
                from,
                end,
                (at, until) -> VectorLoops.muonApply(numbers, master, along, at, until));
        if (end < to) {
            tail.muonApply(numbers, shard, direction, end, to);
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
