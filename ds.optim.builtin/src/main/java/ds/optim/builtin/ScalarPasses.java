package ds.optim.builtin;

import ds.core.DType;
import ds.core.FlatBuffer;
import ds.core.Rounding;
import ds.optim.spi.Shard;
import java.lang.foreign.MemorySegment;

/** The passes, one element at a time. These methods define the bits. */
final class ScalarPasses implements Passes {
    @Override
    public void adam(AdamNumbers numbers, Shard shard, long from, long to) {
        MemorySegment master = shard.master().segment();
        MemorySegment gradient = shard.gradient().segment();
        MemorySegment first = shard.slots().get(0).segment();
        MemorySegment second = shard.slots().get(1).segment();
        for (long at = from * Float.BYTES; at < to * Float.BYTES; at += Float.BYTES) {
            float p = master.get(FlatBuffer.FLOAT, at);
            float d =
                    Math.fma(p, numbers.l2(), gradient.get(FlatBuffer.FLOAT, at) * numbers.scale());
            float m =
                    Math.fma(first.get(FlatBuffer.FLOAT, at), numbers.beta1(), d * numbers.gain1());
            float v =
                    Math.fma(
                            second.get(FlatBuffer.FLOAT, at),
                            numbers.beta2(),
                            d * d * numbers.gain2());
            // The fp64 root of an fp32 value, rounded to fp32, is the correctly rounded fp32 root.
            float denominator = Math.fma((float) Math.sqrt(v), numbers.root(), numbers.eps());
            float updated = Math.fma(m / denominator, numbers.rate(), p * numbers.decay());
            first.set(FlatBuffer.FLOAT, at, m);
            second.set(FlatBuffer.FLOAT, at, v);
            master.set(FlatBuffer.FLOAT, at, updated);
        }
        copyOut(shard, from, to);
    }

    @Override
    public void momentum(SgdNumbers numbers, Shard shard, long from, long to) {
        MemorySegment master = shard.master().segment();
        MemorySegment gradient = shard.gradient().segment();
        MemorySegment buffer = shard.slots().get(0).segment();
        for (long at = from * Float.BYTES; at < to * Float.BYTES; at += Float.BYTES) {
            float p = master.get(FlatBuffer.FLOAT, at);
            float d =
                    Math.fma(p, numbers.l2(), gradient.get(FlatBuffer.FLOAT, at) * numbers.scale());
            float b =
                    Math.fma(
                            buffer.get(FlatBuffer.FLOAT, at),
                            numbers.momentum(),
                            d * numbers.gain());
            float step = Math.fma(b, numbers.ofBuffer(), d * numbers.ofGradient());
            buffer.set(FlatBuffer.FLOAT, at, b);
            master.set(FlatBuffer.FLOAT, at, Math.fma(step, numbers.rate(), p));
        }
        copyOut(shard, from, to);
    }

    @Override
    public void plain(SgdNumbers numbers, Shard shard, long from, long to) {
        MemorySegment master = shard.master().segment();
        MemorySegment gradient = shard.gradient().segment();
        for (long at = from * Float.BYTES; at < to * Float.BYTES; at += Float.BYTES) {
            float p = master.get(FlatBuffer.FLOAT, at);
            float d =
                    Math.fma(p, numbers.l2(), gradient.get(FlatBuffer.FLOAT, at) * numbers.scale());
            master.set(FlatBuffer.FLOAT, at, Math.fma(d, numbers.rate(), p));
        }
        copyOut(shard, from, to);
    }

    private static void copyOut(Shard shard, long from, long to) {
        if (shard.copyOut().isEmpty()) {
            return;
        }
        MemorySegment master = shard.master().segment();
        MemorySegment copy = shard.copyOut().get().segment();
        DType type = shard.copyOut().get().type();
        for (long i = from; i < to; i++) {
            float value = master.get(FlatBuffer.FLOAT, i * Float.BYTES);
            switch (type) {
                case BF16 -> copy.set(FlatBuffer.SHORT, i * Short.BYTES, Rounding.toBf16(value));
                case FP16 -> copy.set(FlatBuffer.SHORT, i * Short.BYTES, Rounding.toFp16(value));
                case FP32 -> throw new AssertionError("a shard's copy is 16-bit");
            }
        }
    }
}
