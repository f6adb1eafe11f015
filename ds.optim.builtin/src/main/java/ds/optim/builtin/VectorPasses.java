package ds.optim.builtin;

import ds.core.DType;
import ds.optim.spi.Shard;
import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/**
 * The passes, a hardware vector at a time; the elements behind the last whole vector are the scalar
 * passes'. Only operations that round once (multiply, add, fma, divide, square root) occur, so the
 * vector's width does not show. Loaded only where {@code jdk.incubator.vector} is present.
 */
final class VectorPasses implements Passes {
    private static final VectorSpecies<Float> FLOATS = FloatVector.SPECIES_PREFERRED;
    private static final VectorSpecies<Short> SHORTS =
            VectorShape.forBitSize(FLOATS.vectorBitSize() / 2).withLanes(short.class);
    private static final ByteOrder ORDER = ByteOrder.LITTLE_ENDIAN;
    private static final int STRIDE = FLOATS.vectorByteSize();

    private static final int MAGNITUDE = 0x7fffffff;
    private static final int INFINITY = 0x7f800000;
    private static final int BF16_SHIFT = 16;
    private static final int BF16_HALF = 0x7fff;
    private static final int BF16_QUIET = 0x40;
    private static final int FP16_SHIFT = 13;
    private static final int FP16_HALF = 0xfff;
    private static final int FP16_REBIAS = (127 - 15) << 23;
    private static final int FP16_SMALLEST_NORMAL = 0x38800000;
    private static final int FP16_OVERFLOW = 0x47800000;
    private static final int FP16_INFINITY = 0x7c00;
    private static final int FP16_QUIET = 0x7e00;
    private static final int FP16_MANTISSA = 0x3ff;
    private static final float FP16_SUBNORMAL_UNIT = 0.5f; // its ulp is fp16's smallest step, 2^-24

    private enum Copy {
        NONE,
        BF16,
        FP16
    }

    private final ScalarPasses tail = new ScalarPasses();

    @Override
    public void adam(AdamNumbers numbers, Shard shard, long from, long to) {
        long end = from + whole(to - from);
        MemorySegment copy = copy(shard);
        Copy kind = kind(shard);
        adam(
                numbers,
                shard.master().segment(),
                shard.gradient().segment(),
                shard.slots().get(0).segment(),
                shard.slots().get(1).segment(),
                copy,
                kind,
                from * Float.BYTES,
                end * Float.BYTES);
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
            MemorySegment copy,
            Copy kind,
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
            store(updated, copy, kind, at);
        }
    }

    @Override
    public void momentum(SgdNumbers numbers, Shard shard, long from, long to) {
        long end = from + whole(to - from);
        momentum(
                numbers,
                shard.master().segment(),
                shard.gradient().segment(),
                shard.slots().get(0).segment(),
                copy(shard),
                kind(shard),
                from * Float.BYTES,
                end * Float.BYTES);
        if (end < to) {
            tail.momentum(numbers, shard, end, to);
        }
    }

    private static void momentum(
            SgdNumbers numbers,
            MemorySegment master,
            MemorySegment gradient,
            MemorySegment buffer,
            MemorySegment copy,
            Copy kind,
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
            store(updated, copy, kind, at);
        }
    }

    @Override
    public void plain(SgdNumbers numbers, Shard shard, long from, long to) {
        long end = from + whole(to - from);
        plain(
                numbers,
                shard.master().segment(),
                shard.gradient().segment(),
                copy(shard),
                kind(shard),
                from * Float.BYTES,
                end * Float.BYTES);
        if (end < to) {
            tail.plain(numbers, shard, end, to);
        }
    }

    private static void plain(
            SgdNumbers numbers,
            MemorySegment master,
            MemorySegment gradient,
            MemorySegment copy,
            Copy kind,
            long from,
            long end) {
        FloatVector scale = FloatVector.broadcast(FLOATS, numbers.scale());
        FloatVector l2 = FloatVector.broadcast(FLOATS, numbers.l2());
        FloatVector rate = FloatVector.broadcast(FLOATS, numbers.rate());
        for (long at = from; at < end; at += STRIDE) {
            FloatVector p = FloatVector.fromMemorySegment(FLOATS, master, at, ORDER);
            FloatVector g = FloatVector.fromMemorySegment(FLOATS, gradient, at, ORDER);
            FloatVector updated = p.fma(l2, g.mul(scale)).fma(rate, p);
            updated.intoMemorySegment(master, at, ORDER);
            store(updated, copy, kind, at);
        }
    }

    private static long whole(long length) {
        return length - length % FLOATS.length();
    }

    private static MemorySegment copy(Shard shard) {
        return shard.copyOut().isPresent() ? shard.copyOut().get().segment() : MemorySegment.NULL;
    }

    private static Copy kind(Shard shard) {
        if (shard.copyOut().isEmpty()) {
            return Copy.NONE;
        }
        DType type = shard.copyOut().get().type();
        return switch (type) {
            case BF16 -> Copy.BF16;
            case FP16 -> Copy.FP16;
            case FP32 -> throw new AssertionError("a shard's copy is 16-bit");
        };
    }

    /** Rounds and stores the copy of the elements at byte offset {@code at} of the master. */
    private static void store(FloatVector updated, MemorySegment copy, Copy kind, long at) {
        if (kind == Copy.BF16) {
            narrow(bf16(updated)).intoMemorySegment(copy, at >> 1, ORDER);
        } else if (kind == Copy.FP16) {
            narrow(fp16(updated)).intoMemorySegment(copy, at >> 1, ORDER);
        }
    }

    private static ShortVector narrow(IntVector bits) {
        return (ShortVector) bits.convertShape(VectorOperators.I2S, SHORTS, 0);
    }

    /** The bits of {@link ds.core.Rounding#toBf16} in the lower halves. */
    private static IntVector bf16(FloatVector values) {
        IntVector bits = values.reinterpretAsInts();
        IntVector upper = bits.lanewise(VectorOperators.LSHR, BF16_SHIFT);
        IntVector rounded =
                bits.add(upper.and(1)).add(BF16_HALF).lanewise(VectorOperators.LSHR, BF16_SHIFT);
        VectorMask<Integer> isNan =
                bits.and(MAGNITUDE).compare(VectorOperators.GT, INFINITY);
        return rounded.blend(upper.or(BF16_QUIET), isNan);
    }

    /** The bits of {@link ds.core.Rounding#toFp16} in the lower halves. */
    private static IntVector fp16(FloatVector values) {
        IntVector bits = values.reinterpretAsInts();
        IntVector magnitude = bits.and(MAGNITUDE);
        IntVector shifted = magnitude.lanewise(VectorOperators.LSHR, FP16_SHIFT);
        IntVector normal =
                magnitude
                        .sub(FP16_REBIAS - FP16_HALF)
                        .add(shifted.and(1))
                        .lanewise(VectorOperators.LSHR, FP16_SHIFT);
        IntVector subnormal =
                magnitude
                        .reinterpretAsFloats()
                        .add(FP16_SUBNORMAL_UNIT)
                        .reinterpretAsInts()
                        .sub(Float.floatToRawIntBits(FP16_SUBNORMAL_UNIT));
        IntVector result =
                normal.blend(
                                subnormal,
                                magnitude.compare(VectorOperators.LT, FP16_SMALLEST_NORMAL))
                        .blend(
                                FP16_INFINITY,
                                magnitude.compare(VectorOperators.GE, FP16_OVERFLOW))
                        .blend(
                                shifted.and(FP16_MANTISSA).or(FP16_QUIET),
                                magnitude.compare(VectorOperators.GT, INFINITY));
        return result.or(bits.and(~MAGNITUDE).lanewise(VectorOperators.LSHR, BF16_SHIFT));
    }
}
