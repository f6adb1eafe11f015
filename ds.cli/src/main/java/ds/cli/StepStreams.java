package ds.cli;

import ds.core.FlatBuffer;
import ds.kernels.Workers;
import ds.optim.spi.Shard;
import ds.optim.spi.StepContext;
import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/**
 * The ceilings of an optimizer step: loops over the arrays of a shard that read and write exactly
 * what the step does, cut in the same pieces, and compute next to nothing. States stay positive where
 * the gradient is.
 */
final class StepStreams {
    /** The most slots for which there is a loop. */
    static final int SLOTS_MOST = 3;

    private static final VectorSpecies<Float> FLOATS = FloatVector.SPECIES_PREFERRED;
    private static final VectorSpecies<Short> HALVES =
            VectorShape.forBitSize(FLOATS.vectorBitSize() / 2).withLanes(short.class);
    private static final ByteOrder ORDER = ByteOrder.LITTLE_ENDIAN;
    private static final int STRIDE = FLOATS.vectorByteSize();
    private static final int UPPER = 16;

    /** Work on bytes {@code from} to {@code end} − 1 of fp32 arrays. */
    @FunctionalInterface
    private interface Loop {
        void run(long from, long end);
    }

    private StepStreams() {}

    /** Returns the bytes that a step moves per element. */
    static int bytesPerElement(Shard shard) {
        return Float.BYTES * (3 + 2 * shard.slots().size())
                + (shard.copyOut().isPresent() ? Short.BYTES : 0);
    }

    /** Moves what a step of {@code shard} moves. */
    static void run(Workers workers, Shard shard) {
        MemorySegment p = shard.master().segment();
        MemorySegment g = shard.gradient().segment();
        MemorySegment[] slots =
                shard.slots().stream().map(FlatBuffer::segment).toArray(MemorySegment[]::new);
        MemorySegment copy = shard.copyOut().map(FlatBuffer::segment).orElse(MemorySegment.NULL);
        boolean copies = shard.copyOut().isPresent();
        Loop loop =
                switch (slots.length) {
                    case 0 -> (from, end) -> none(p, g, copy, copies, from, end);
                    case 1 -> (from, end) -> one(p, g, slots[0], copy, copies, from, end);
                    case 2 -> (from, end) -> two(p, g, slots[0], slots[1], copy, copies, from, end);
                    case SLOTS_MOST ->
                            (from, end) ->
                                    three(
                                            p, g, slots[0], slots[1], slots[2], copy, copies, from,
                                            end);
                    default -> throw new IllegalArgumentException(slots.length + " slots");
                };
        pieces(workers, shard.length(), loop);
    }

    /** Multiplies the gradient by 1, in place: the unscaling of a runtime that does not fuse. */
    static void unscale(Workers workers, Shard shard) {
        MemorySegment g = shard.gradient().segment();
        pieces(workers, shard.length(), (from, end) -> scale(g, from, end));
    }

    /** Reads the gradient for its norm, as clipping does that is not fused. */
    static void squares(Workers workers, Shard shard, float[] sink) {
        MemorySegment g = shard.gradient().segment();
        pieces(workers, shard.length(), (from, end) -> sink[0] = squares(g, from, end));
    }

    /** Writes the upper halves of the weights: the cast of a runtime that does not fuse. */
    static void cast(Workers workers, Shard shard) {
        MemorySegment p = shard.master().segment();
        MemorySegment copy = shard.copyOut().orElseThrow().segment();
        pieces(workers, shard.length(), (from, end) -> cast(p, copy, from, end));
    }

    private static void pieces(Workers workers, long elements, Loop loop) {
        long piece = StepContext.PIECE_ELEMENTS;
        workers.run(
                Math.toIntExact(Math.ceilDiv(elements, piece)),
                (_, index) -> {
                    long from = index * piece;
                    long end = Math.min(elements, from + piece);
                    loop.run(from * Float.BYTES, end * Float.BYTES / STRIDE * STRIDE);
                });
    }

    private static void scale(MemorySegment g, long from, long end) {
        FloatVector one = FloatVector.broadcast(FLOATS, 1);
        for (long at = from; at < end; at += STRIDE) {
            FloatVector.fromMemorySegment(FLOATS, g, at, ORDER)
                    .fma(one, one.sub(one))
                    .intoMemorySegment(g, at, ORDER);
        }
    }

    private static float squares(MemorySegment g, long from, long end) {
        FloatVector a = FloatVector.zero(FLOATS);
        FloatVector b = a;
        long at = from;
        for (; at + STRIDE < end; at += 2L * STRIDE) {
            FloatVector x = FloatVector.fromMemorySegment(FLOATS, g, at, ORDER);
            FloatVector y = FloatVector.fromMemorySegment(FLOATS, g, at + STRIDE, ORDER);
            a = x.fma(x, a);
            b = y.fma(y, b);
        }
        return a.add(b).lane(0);
    }

    private static void cast(MemorySegment p, MemorySegment copy, long from, long end) {
        for (long at = from; at < end; at += STRIDE) {
            upper(FloatVector.fromMemorySegment(FLOATS, p, at, ORDER), copy, at);
        }
    }

    private static void upper(FloatVector value, MemorySegment copy, long at) {
        IntVector bits = value.reinterpretAsInts().lanewise(VectorOperators.LSHR, UPPER);
        ((ShortVector) bits.convertShape(VectorOperators.I2S, HALVES, 0))
                .intoMemorySegment(copy, at / 2, ORDER);
    }

    /** A loop for each number of slots, so that one does not slow another down. */
    private static void none(
            MemorySegment p,
            MemorySegment g,
            MemorySegment copy,
            boolean copies,
            long from,
            long end) {
        FloatVector half = FloatVector.broadcast(FLOATS, 0.5f);
        for (long at = from; at < end; at += STRIDE) {
            FloatVector d = FloatVector.fromMemorySegment(FLOATS, g, at, ORDER);
            weights(p, half, d, copy, copies, at);
        }
    }

    private static void one(
            MemorySegment p,
            MemorySegment g,
            MemorySegment m,
            MemorySegment copy,
            boolean copies,
            long from,
            long end) {
        FloatVector half = FloatVector.broadcast(FLOATS, 0.5f);
        for (long at = from; at < end; at += STRIDE) {
            FloatVector d = FloatVector.fromMemorySegment(FLOATS, g, at, ORDER);
            half(m, half, d, at);
            weights(p, half, d, copy, copies, at);
        }
    }

    private static void two(
            MemorySegment p,
            MemorySegment g,
            MemorySegment m,
            MemorySegment v,
            MemorySegment copy,
            boolean copies,
            long from,
            long end) {
        FloatVector half = FloatVector.broadcast(FLOATS, 0.5f);
        for (long at = from; at < end; at += STRIDE) {
            FloatVector d = FloatVector.fromMemorySegment(FLOATS, g, at, ORDER);
            half(m, half, d, at);
            half(v, half, d, at);
            weights(p, half, d, copy, copies, at);
        }
    }

    private static void three(
            MemorySegment p,
            MemorySegment g,
            MemorySegment m,
            MemorySegment v,
            MemorySegment w,
            MemorySegment copy,
            boolean copies,
            long from,
            long end) {
        FloatVector half = FloatVector.broadcast(FLOATS, 0.5f);
        for (long at = from; at < end; at += STRIDE) {
            FloatVector d = FloatVector.fromMemorySegment(FLOATS, g, at, ORDER);
            half(m, half, d, at);
            half(v, half, d, at);
            half(w, half, d, at);
            weights(p, half, d, copy, copies, at);
        }
    }

    private static void weights(
            MemorySegment p,
            FloatVector half,
            FloatVector d,
            MemorySegment copy,
            boolean copies,
            long at) {
        FloatVector next = FloatVector.fromMemorySegment(FLOATS, p, at, ORDER).fma(half, d);
        next.intoMemorySegment(p, at, ORDER);
        if (copies) {
            upper(next, copy, at);
        }
    }

    private static void half(MemorySegment state, FloatVector half, FloatVector d, long at) {
        FloatVector.fromMemorySegment(FLOATS, state, at, ORDER)
                .fma(half, d)
                .intoMemorySegment(state, at, ORDER);
    }
}
