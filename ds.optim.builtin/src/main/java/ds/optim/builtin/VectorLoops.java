package ds.optim.builtin;

import ds.optim.spi.Shard;
import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * The loops of {@link VectorPasses} over whole vectors, given as byte offsets into fp32 arrays. One
 * loop per method, and no method that returns a vector: the compiler does not always inline those,
 * and then allocates every vector.
 */
final class VectorLoops {
    private static final VectorSpecies<Float> FLOATS = FloatVector.SPECIES_PREFERRED;
    private static final ByteOrder ORDER = ByteOrder.LITTLE_ENDIAN;
    private static final int STRIDE = FLOATS.vectorByteSize();
    private static final int SIGN = 0x80000000;

    private VectorLoops() {}

    static void adam(
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

    static void momentum(
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

    static void plain(
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

    static void amsgrad(
            AdamNumbers numbers,
            MemorySegment master,
            MemorySegment gradient,
            MemorySegment first,
            MemorySegment second,
            MemorySegment largest,
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
            FloatVector most =
                    FloatVector.fromMemorySegment(FLOATS, largest, at, ORDER)
                            .reinterpretAsInts()
                            .max(v.reinterpretAsInts().and(ScalarPasses.MAGNITUDE))
                            .reinterpretAsFloats();
            most.intoMemorySegment(largest, at, ORDER);
            FloatVector denominator = most.sqrt().fma(root, eps);
            FloatVector updated = m.div(denominator).fma(rate, p.mul(decay));
            updated.intoMemorySegment(master, at, ORDER);
        }
    }

    static void adagrad(
            AdagradNumbers numbers,
            MemorySegment master,
            MemorySegment gradient,
            MemorySegment sum,
            long from,
            long end) {
        FloatVector scale = FloatVector.broadcast(FLOATS, numbers.scale());
        FloatVector l2 = FloatVector.broadcast(FLOATS, numbers.l2());
        FloatVector initial = FloatVector.broadcast(FLOATS, numbers.initial());
        FloatVector eps = FloatVector.broadcast(FLOATS, numbers.eps());
        FloatVector rate = FloatVector.broadcast(FLOATS, numbers.rate());
        for (long at = from; at < end; at += STRIDE) {
            FloatVector p = FloatVector.fromMemorySegment(FLOATS, master, at, ORDER);
            FloatVector g = FloatVector.fromMemorySegment(FLOATS, gradient, at, ORDER);
            FloatVector d = p.fma(l2, g.mul(scale));
            FloatVector s = d.fma(d, FloatVector.fromMemorySegment(FLOATS, sum, at, ORDER));
            s.intoMemorySegment(sum, at, ORDER);
            FloatVector denominator = s.add(initial).sqrt().add(eps);
            FloatVector updated = d.div(denominator).fma(rate, p);
            updated.intoMemorySegment(master, at, ORDER);
        }
    }

    static void lion(
            LionNumbers numbers,
            MemorySegment master,
            MemorySegment gradient,
            MemorySegment momentum,
            long from,
            long end) {
        FloatVector scale = FloatVector.broadcast(FLOATS, numbers.scale());
        FloatVector beta1 = FloatVector.broadcast(FLOATS, numbers.beta1());
        FloatVector gain1 = FloatVector.broadcast(FLOATS, numbers.gain1());
        FloatVector beta2 = FloatVector.broadcast(FLOATS, numbers.beta2());
        FloatVector gain2 = FloatVector.broadcast(FLOATS, numbers.gain2());
        FloatVector decay = FloatVector.broadcast(FLOATS, numbers.decay());
        IntVector rate = FloatVector.broadcast(FLOATS, numbers.rate()).reinterpretAsInts();
        for (long at = from; at < end; at += STRIDE) {
            FloatVector p = FloatVector.fromMemorySegment(FLOATS, master, at, ORDER);
            FloatVector g = FloatVector.fromMemorySegment(FLOATS, gradient, at, ORDER);
            FloatVector m = FloatVector.fromMemorySegment(FLOATS, momentum, at, ORDER);
            FloatVector d = g.mul(scale);
            FloatVector blend = m.fma(beta1, d.mul(gain1));
            // The rate with the sign bit of the blend, turned round: one step against it.
            IntVector against = blend.reinterpretAsInts().not().and(SIGN).or(rate);
            FloatVector moved = m.fma(beta2, d.mul(gain2));
            moved.intoMemorySegment(momentum, at, ORDER);
            FloatVector updated = p.fma(decay, against.reinterpretAsFloats());
            updated.intoMemorySegment(master, at, ORDER);
        }
    }

    static void lambMeasure(
            LambNumbers numbers,
            Shard shard,
            MemorySegment weights,
            MemorySegment update,
            long from,
            long end) {
        MemorySegment master = shard.master().segment();
        MemorySegment gradient = shard.gradient().segment();
        MemorySegment first = shard.slots().get(0).segment();
        MemorySegment second = shard.slots().get(1).segment();
        FloatVector scale = FloatVector.broadcast(FLOATS, numbers.scale());
        FloatVector beta1 = FloatVector.broadcast(FLOATS, numbers.beta1());
        FloatVector gain1 = FloatVector.broadcast(FLOATS, numbers.gain1());
        FloatVector beta2 = FloatVector.broadcast(FLOATS, numbers.beta2());
        FloatVector gain2 = FloatVector.broadcast(FLOATS, numbers.gain2());
        FloatVector inside = FloatVector.broadcast(FLOATS, numbers.inside());
        FloatVector outside = FloatVector.broadcast(FLOATS, numbers.outside());
        FloatVector decay = FloatVector.broadcast(FLOATS, numbers.decay());
        for (long at = from; at < end; at += STRIDE) {
            FloatVector p = FloatVector.fromMemorySegment(FLOATS, master, at, ORDER);
            FloatVector g = FloatVector.fromMemorySegment(FLOATS, gradient, at, ORDER);
            FloatVector d = g.mul(scale);
            FloatVector m =
                    FloatVector.fromMemorySegment(FLOATS, first, at, ORDER)
                            .fma(beta1, d.mul(gain1));
            FloatVector v =
                    FloatVector.fromMemorySegment(FLOATS, second, at, ORDER)
                            .fma(beta2, d.mul(d).mul(gain2));
            m.intoMemorySegment(first, at, ORDER);
            v.intoMemorySegment(second, at, ORDER);
            p.intoMemorySegment(weights, at, ORDER);
            FloatVector denominator = v.add(inside).sqrt().add(outside);
            p.fma(decay, m.div(denominator)).intoMemorySegment(update, at, ORDER);
        }
    }

    static void lambApply(
            LambNumbers numbers,
            float factor,
            MemorySegment master,
            MemorySegment first,
            MemorySegment second,
            long from,
            long end) {
        FloatVector inside = FloatVector.broadcast(FLOATS, numbers.inside());
        FloatVector outside = FloatVector.broadcast(FLOATS, numbers.outside());
        FloatVector decay = FloatVector.broadcast(FLOATS, numbers.decay());
        FloatVector rate = FloatVector.broadcast(FLOATS, factor);
        for (long at = from; at < end; at += STRIDE) {
            FloatVector p = FloatVector.fromMemorySegment(FLOATS, master, at, ORDER);
            FloatVector m = FloatVector.fromMemorySegment(FLOATS, first, at, ORDER);
            FloatVector v = FloatVector.fromMemorySegment(FLOATS, second, at, ORDER);
            FloatVector denominator = v.add(inside).sqrt().add(outside);
            FloatVector update = p.fma(decay, m.div(denominator));
            update.fma(rate, p).intoMemorySegment(master, at, ORDER);
        }
    }

    static void muonMomentum(
            MuonNumbers numbers,
            MemorySegment gradient,
            MemorySegment momentum,
            MemorySegment update,
            long from,
            long end) {
        FloatVector scale = FloatVector.broadcast(FLOATS, numbers.scale());
        FloatVector gain = FloatVector.broadcast(FLOATS, numbers.gain());
        FloatVector ahead = FloatVector.broadcast(FLOATS, numbers.momentum());
        for (long at = from; at < end; at += STRIDE) {
            FloatVector g = FloatVector.fromMemorySegment(FLOATS, gradient, at, ORDER);
            FloatVector old = FloatVector.fromMemorySegment(FLOATS, momentum, at, ORDER);
            FloatVector d = g.mul(scale);
            FloatVector m = d.sub(old).fma(gain, old);
            m.intoMemorySegment(momentum, at, ORDER);
            m.sub(d).fma(ahead, d).intoMemorySegment(update, at, ORDER);
        }
    }

    static void muonApply(
            MuonNumbers numbers,
            MemorySegment master,
            MemorySegment direction,
            long from,
            long end) {
        FloatVector rate = FloatVector.broadcast(FLOATS, numbers.rate());
        FloatVector decay = FloatVector.broadcast(FLOATS, numbers.decay());
        for (long at = from; at < end; at += STRIDE) {
            FloatVector p = FloatVector.fromMemorySegment(FLOATS, master, at, ORDER);
            FloatVector o = FloatVector.fromMemorySegment(FLOATS, direction, at, ORDER);
            o.fma(rate, p.mul(decay)).intoMemorySegment(master, at, ORDER);
        }
    }
}
