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

    @Override
    public void amsgrad(AdamNumbers numbers, Shard shard, long from, long to) {
        MemorySegment master = shard.master().segment();
        MemorySegment gradient = shard.gradient().segment();
        MemorySegment first = shard.slots().get(0).segment();
        MemorySegment second = shard.slots().get(1).segment();
        MemorySegment largest = shard.slots().get(2).segment();
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
            float most = Math.max(largest.get(FlatBuffer.FLOAT, at), v);
            float denominator = Math.fma((float) Math.sqrt(most), numbers.root(), numbers.eps());
            float updated = Math.fma(m / denominator, numbers.rate(), p * numbers.decay());
            first.set(FlatBuffer.FLOAT, at, m);
            second.set(FlatBuffer.FLOAT, at, v);
            largest.set(FlatBuffer.FLOAT, at, most);
            master.set(FlatBuffer.FLOAT, at, updated);
        }
        copyOut(shard, from, to);
    }

    @Override
    public void adagrad(AdagradNumbers numbers, Shard shard, long from, long to) {
        MemorySegment master = shard.master().segment();
        MemorySegment gradient = shard.gradient().segment();
        MemorySegment sum = shard.slots().get(0).segment();
        for (long at = from * Float.BYTES; at < to * Float.BYTES; at += Float.BYTES) {
            float p = master.get(FlatBuffer.FLOAT, at);
            float d =
                    Math.fma(p, numbers.l2(), gradient.get(FlatBuffer.FLOAT, at) * numbers.scale());
            float s = Math.fma(d, d, sum.get(FlatBuffer.FLOAT, at));
            float denominator = (float) Math.sqrt(s + numbers.initial()) + numbers.eps();
            sum.set(FlatBuffer.FLOAT, at, s);
            master.set(FlatBuffer.FLOAT, at, Math.fma(d / denominator, numbers.rate(), p));
        }
        copyOut(shard, from, to);
    }

    @Override
    public void lion(LionNumbers numbers, Shard shard, long from, long to) {
        MemorySegment master = shard.master().segment();
        MemorySegment gradient = shard.gradient().segment();
        MemorySegment momentum = shard.slots().get(0).segment();
        for (long at = from * Float.BYTES; at < to * Float.BYTES; at += Float.BYTES) {
            float p = master.get(FlatBuffer.FLOAT, at);
            float d = gradient.get(FlatBuffer.FLOAT, at) * numbers.scale();
            float m = momentum.get(FlatBuffer.FLOAT, at);
            float blend = Math.fma(m, numbers.beta1(), d * numbers.gain1());
            float step = Math.copySign(numbers.rate(), blend);
            momentum.set(FlatBuffer.FLOAT, at, Math.fma(m, numbers.beta2(), d * numbers.gain2()));
            master.set(FlatBuffer.FLOAT, at, Math.fma(p, numbers.decay(), -step));
        }
        copyOut(shard, from, to);
    }

    @Override
    public void lambMeasure(
            LambNumbers numbers,
            Shard shard,
            FlatBuffer weights,
            FlatBuffer update,
            long from,
            long to) {
        MemorySegment master = shard.master().segment();
        MemorySegment gradient = shard.gradient().segment();
        MemorySegment first = shard.slots().get(0).segment();
        MemorySegment second = shard.slots().get(1).segment();
        for (long at = from * Float.BYTES; at < to * Float.BYTES; at += Float.BYTES) {
            float p = master.get(FlatBuffer.FLOAT, at);
            float d = gradient.get(FlatBuffer.FLOAT, at) * numbers.scale();
            float m =
                    Math.fma(first.get(FlatBuffer.FLOAT, at), numbers.beta1(), d * numbers.gain1());
            float v =
                    Math.fma(
                            second.get(FlatBuffer.FLOAT, at),
                            numbers.beta2(),
                            d * d * numbers.gain2());
            first.set(FlatBuffer.FLOAT, at, m);
            second.set(FlatBuffer.FLOAT, at, v);
            weights.segment().set(FlatBuffer.FLOAT, at, p);
            update.segment().set(FlatBuffer.FLOAT, at, lambUpdate(numbers, p, m, v));
        }
    }

    private static float lambUpdate(LambNumbers numbers, float p, float m, float v) {
        float denominator = (float) Math.sqrt(v + numbers.inside()) + numbers.outside();
        return Math.fma(p, numbers.decay(), m / denominator);
    }

    @Override
    public void lambApply(LambNumbers numbers, float rate, Shard shard, long from, long to) {
        MemorySegment master = shard.master().segment();
        MemorySegment first = shard.slots().get(0).segment();
        MemorySegment second = shard.slots().get(1).segment();
        for (long at = from * Float.BYTES; at < to * Float.BYTES; at += Float.BYTES) {
            float p = master.get(FlatBuffer.FLOAT, at);
            float update =
                    lambUpdate(
                            numbers,
                            p,
                            first.get(FlatBuffer.FLOAT, at),
                            second.get(FlatBuffer.FLOAT, at));
            master.set(FlatBuffer.FLOAT, at, Math.fma(update, rate, p));
        }
        copyOut(shard, from, to);
    }

    @Override
    public void muonMomentum(
            MuonNumbers numbers, Shard shard, FlatBuffer update, long from, long to) {
        MemorySegment gradient = shard.gradient().segment();
        MemorySegment momentum = shard.slots().get(0).segment();
        for (long at = from * Float.BYTES; at < to * Float.BYTES; at += Float.BYTES) {
            float d = gradient.get(FlatBuffer.FLOAT, at) * numbers.scale();
            float m = momentum.get(FlatBuffer.FLOAT, at);
            m = Math.fma(d - m, numbers.gain(), m);
            momentum.set(FlatBuffer.FLOAT, at, m);
            update.segment().set(FlatBuffer.FLOAT, at, Math.fma(m - d, numbers.momentum(), d));
        }
    }

    @Override
    public void muonApply(
            MuonNumbers numbers, Shard shard, FlatBuffer direction, long from, long to) {
        MemorySegment master = shard.master().segment();
        for (long at = from * Float.BYTES; at < to * Float.BYTES; at += Float.BYTES) {
            float p = master.get(FlatBuffer.FLOAT, at);
            float o = direction.segment().get(FlatBuffer.FLOAT, at);
            master.set(FlatBuffer.FLOAT, at, Math.fma(o, numbers.rate(), p * numbers.decay()));
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
