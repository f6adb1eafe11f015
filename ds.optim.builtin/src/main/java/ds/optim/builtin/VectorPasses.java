package ds.optim.builtin;

import ds.core.FlatBuffer;
import ds.optim.spi.Shard;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * The passes, a hardware vector at a time; the elements behind the last whole vector are the scalar
 * passes'. Only operations that round once (multiply, add, fma, divide, square root) occur, so the
 * vector's width does not show. Loaded only where {@code jdk.incubator.vector} is present.
 */
final class VectorPasses implements Passes {
    private static final VectorSpecies<Float> FLOATS = FloatVector.SPECIES_PREFERRED;

    /** A loop over whole vectors of fp32 arrays, from one byte offset to another. */
    @FunctionalInterface
    private interface Loop {
        void run(MemorySegment copy, int type, long from, long end);
    }

    /** The scalar pass over elements. */
    @FunctionalInterface
    private interface Tail {
        void run(long from, long to);
    }

    private final ScalarPasses tail = new ScalarPasses();

    @Override
    public void adam(AdamNumbers numbers, Shard shard, long from, long to) {
        MemorySegment p = shard.master().segment();
        MemorySegment g = shard.gradient().segment();
        MemorySegment m = slot(shard, 0);
        MemorySegment v = slot(shard, 1);
        run(
                shard,
                from,
                to,
                (copy, type, at, end) -> VectorLoops.adam(numbers, p, g, m, v, copy, type, at, end),
                (at, end) -> tail.adam(numbers, shard, at, end));
    }

    @Override
    public void momentum(SgdNumbers numbers, Shard shard, long from, long to) {
        MemorySegment p = shard.master().segment();
        MemorySegment g = shard.gradient().segment();
        MemorySegment b = slot(shard, 0);
        run(
                shard,
                from,
                to,
                (copy, type, at, end) ->
                        VectorLoops.momentum(numbers, p, g, b, copy, type, at, end),
                (at, end) -> tail.momentum(numbers, shard, at, end));
    }

    @Override
    public void plain(SgdNumbers numbers, Shard shard, long from, long to) {
        MemorySegment p = shard.master().segment();
        MemorySegment g = shard.gradient().segment();
        run(
                shard,
                from,
                to,
                (copy, type, at, end) -> VectorLoops.plain(numbers, p, g, copy, type, at, end),
                (at, end) -> tail.plain(numbers, shard, at, end));
    }

    @Override
    public void amsgrad(AdamNumbers numbers, Shard shard, long from, long to) {
        MemorySegment p = shard.master().segment();
        MemorySegment g = shard.gradient().segment();
        MemorySegment m = slot(shard, 0);
        MemorySegment v = slot(shard, 1);
        MemorySegment most = slot(shard, 2);
        run(
                shard,
                from,
                to,
                (copy, type, at, end) ->
                        VectorLoops.amsgrad(numbers, p, g, m, v, most, copy, type, at, end),
                (at, end) -> tail.amsgrad(numbers, shard, at, end));
    }

    @Override
    public void adagrad(AdagradNumbers numbers, Shard shard, long from, long to) {
        MemorySegment p = shard.master().segment();
        MemorySegment g = shard.gradient().segment();
        MemorySegment sum = slot(shard, 0);
        run(
                shard,
                from,
                to,
                (copy, type, at, end) ->
                        VectorLoops.adagrad(numbers, p, g, sum, copy, type, at, end),
                (at, end) -> tail.adagrad(numbers, shard, at, end));
    }

    @Override
    public void lion(LionNumbers numbers, Shard shard, long from, long to) {
        MemorySegment p = shard.master().segment();
        MemorySegment g = shard.gradient().segment();
        MemorySegment m = slot(shard, 0);
        run(
                shard,
                from,
                to,
                (copy, type, at, end) -> VectorLoops.lion(numbers, p, g, m, copy, type, at, end),
                (at, end) -> tail.lion(numbers, shard, at, end));
    }

    @Override
    public void lambMeasure(
            LambNumbers numbers,
            Shard shard,
            FlatBuffer weights,
            FlatBuffer update,
            long from,
            long to) {
        MemorySegment w = weights.segment();
        MemorySegment u = update.segment();
        run(
                shard,
                from,
                to,
                (_, _, at, end) -> VectorLoops.lambMeasure(numbers, shard, w, u, at, end),
                (at, end) -> tail.lambMeasure(numbers, shard, weights, update, at, end));
    }

    @Override
    public void lambApply(LambNumbers numbers, float rate, Shard shard, long from, long to) {
        MemorySegment p = shard.master().segment();
        MemorySegment m = slot(shard, 0);
        MemorySegment v = slot(shard, 1);
        run(
                shard,
                from,
                to,
                (copy, type, at, end) ->
                        VectorLoops.lambApply(numbers, rate, p, m, v, copy, type, at, end),
                (at, end) -> tail.lambApply(numbers, rate, shard, at, end));
    }

    @Override
    public void muonMomentum(
            MuonNumbers numbers, Shard shard, FlatBuffer update, long from, long to) {
        MemorySegment g = shard.gradient().segment();
        MemorySegment m = slot(shard, 0);
        MemorySegment u = update.segment();
        run(
                shard,
                from,
                to,
                (_, _, at, end) -> VectorLoops.muonMomentum(numbers, g, m, u, at, end),
                (at, end) -> tail.muonMomentum(numbers, shard, update, at, end));
    }

    @Override
    public void muonApply(
            MuonNumbers numbers, Shard shard, FlatBuffer direction, long from, long to) {
        MemorySegment p = shard.master().segment();
        MemorySegment o = direction.segment();
        run(
                shard,
                from,
                to,
                (copy, type, at, end) -> VectorLoops.muonApply(numbers, p, o, copy, type, at, end),
                (at, end) -> tail.muonApply(numbers, shard, direction, at, end));
    }

    private static MemorySegment slot(Shard shard, int index) {
        return shard.slots().get(index).segment();
    }

    private static void run(Shard shard, long from, long to, Loop vectors, Tail rest) {
        long end = to - (to - from) % FLOATS.length();
        MemorySegment copy = shard.copyOut().map(FlatBuffer::segment).orElse(MemorySegment.NULL);
        int type = shard.copyOut().map(VectorPasses::typeOf).orElse(VectorRounding.NONE);
        vectors.run(copy, type, from * Float.BYTES, end * Float.BYTES);
        if (end < to) {
            rest.run(end, to);
        }
    }

    private static int typeOf(FlatBuffer copy) {
        return switch (copy.type()) {
            case BF16 -> VectorRounding.BF16;
            case FP16 -> VectorRounding.FP16;
            case FP32 -> throw new AssertionError("a shard's copy is 16-bit");
        };
    }
}
