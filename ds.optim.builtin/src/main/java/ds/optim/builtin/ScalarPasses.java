package ds.optim.builtin;

import ds.core.DType;
import ds.core.FlatBuffer;
import ds.core.Rounding;
import ds.optim.spi.Shard;
import java.lang.foreign.MemorySegment;

/** The passes, one element at a time. These methods define the bits. */
final class ScalarPasses implements Passes {
    /** All bits but the sign. */
    static final int MAGNITUDE = 0x7fffffff;

    /** A loop over the first {@code count} elements of a tile. */
    @FunctionalInterface
    private interface Loop {
        void run(Tile tile, int count);
    }

    /**
     * Arrays on which a loop runs, since code that is not compiled yet reads memory segments ten times
     * slower than arrays. Made for one call: at most {@link #LENGTH} elements of each array.
     */
    private static final class Tile {
        static final int LENGTH = 1024;
        private static final int SLOTS = 3;

        final float[] master;
        final float[] gradient;
        final float[][] slots;
        final short[] copy;

        Tile(long elements) {
            int length = (int) Math.min(LENGTH, elements);
            master = new float[length];
            gradient = new float[length];
            slots = new float[SLOTS][length];
            copy = new short[length];
        }

        void load(Shard shard, long from, int count) {
            read(shard.master(), from, master, count);
            read(shard.gradient(), from, gradient, count);
            for (int slot = 0; slot < shard.slots().size(); slot++) {
                read(shard.slots().get(slot), from, slots[slot], count);
            }
        }

        void store(Shard shard, long from, int count) {
            write(master, shard.master(), from, count);
            for (int slot = 0; slot < shard.slots().size(); slot++) {
                write(slots[slot], shard.slots().get(slot), from, count);
            }
        }

        private static void read(FlatBuffer from, long index, float[] to, int count) {
            MemorySegment.copy(from.segment(), FlatBuffer.FLOAT, index * Float.BYTES, to, 0, count);
        }

        private static void write(float[] from, FlatBuffer to, long index, int count) {
            MemorySegment.copy(from, 0, to.segment(), FlatBuffer.FLOAT, index * Float.BYTES, count);
        }
    }

    private static void tiles(Shard shard, long from, long to, Loop loop) {
        Tile tile = new Tile(to - from);
        for (long at = from; at < to; at += Tile.LENGTH) {
            int count = (int) Math.min(Tile.LENGTH, to - at);
            tile.load(shard, at, count);
            loop.run(tile, count);
            tile.store(shard, at, count);
        }
        copyOut(shard, from, to);
    }

    @Override
    public void adam(AdamNumbers numbers, Shard shard, long from, long to) {
        tiles(shard, from, to, (tile, count) -> adam(numbers, tile, count));
    }

    private static void adam(AdamNumbers numbers, Tile tile, int count) {
        float[] first = tile.slots[0];
        float[] second = tile.slots[1];
        for (int i = 0; i < count; i++) {
            float p = tile.master[i];
            float d = Math.fma(p, numbers.l2(), tile.gradient[i] * numbers.scale());
            float m = Math.fma(first[i], numbers.beta1(), d * numbers.gain1());
            float v = Math.fma(second[i], numbers.beta2(), d * d * numbers.gain2());
            // The fp64 root of an fp32 value, rounded to fp32, is the correctly rounded fp32 root.
            float denominator = Math.fma((float) Math.sqrt(v), numbers.root(), numbers.eps());
            first[i] = m;
            second[i] = v;
            tile.master[i] = Math.fma(m / denominator, numbers.rate(), p * numbers.decay());
        }
    }

    @Override
    public void momentum(SgdNumbers numbers, Shard shard, long from, long to) {
        tiles(shard, from, to, (tile, count) -> momentum(numbers, tile, count));
    }

    private static void momentum(SgdNumbers numbers, Tile tile, int count) {
        float[] buffer = tile.slots[0];
        for (int i = 0; i < count; i++) {
            float p = tile.master[i];
            float d = Math.fma(p, numbers.l2(), tile.gradient[i] * numbers.scale());
            float b = Math.fma(buffer[i], numbers.momentum(), d * numbers.gain());
            float step = Math.fma(b, numbers.ofBuffer(), d * numbers.ofGradient());
            buffer[i] = b;
            tile.master[i] = Math.fma(step, numbers.rate(), p);
        }
    }

    @Override
    public void plain(SgdNumbers numbers, Shard shard, long from, long to) {
        tiles(shard, from, to, (tile, count) -> plain(numbers, tile, count));
    }

    private static void plain(SgdNumbers numbers, Tile tile, int count) {
        for (int i = 0; i < count; i++) {
            float p = tile.master[i];
            float d = Math.fma(p, numbers.l2(), tile.gradient[i] * numbers.scale());
            tile.master[i] = Math.fma(d, numbers.rate(), p);
        }
    }

    @Override
    public void amsgrad(AdamNumbers numbers, Shard shard, long from, long to) {
        tiles(shard, from, to, (tile, count) -> amsgrad(numbers, tile, count));
    }

    private static void amsgrad(AdamNumbers numbers, Tile tile, int count) {
        float[] first = tile.slots[0];
        float[] second = tile.slots[1];
        float[] largest = tile.slots[2];
        for (int i = 0; i < count; i++) {
            float p = tile.master[i];
            float d = Math.fma(p, numbers.l2(), tile.gradient[i] * numbers.scale());
            float m = Math.fma(first[i], numbers.beta1(), d * numbers.gain1());
            float v = Math.fma(second[i], numbers.beta2(), d * d * numbers.gain2());
            float most = larger(largest[i], v);
            float denominator = Math.fma((float) Math.sqrt(most), numbers.root(), numbers.eps());
            first[i] = m;
            second[i] = v;
            largest[i] = most;
            tile.master[i] = Math.fma(m / denominator, numbers.rate(), p * numbers.decay());
        }
    }

    /**
     * Returns the larger of two numbers that are not negative: the one with the larger bits. A NaN,
     * its sign taken away, has larger bits than all numbers. {@code Math.max}, which also minds the
     * sign of zero, would cost a vector five times the instructions.
     */
    private static float larger(float most, float v) {
        return Float.intBitsToFloat(
                Math.max(Float.floatToRawIntBits(most), Float.floatToRawIntBits(v) & MAGNITUDE));
    }

    @Override
    public void adagrad(AdagradNumbers numbers, Shard shard, long from, long to) {
        tiles(shard, from, to, (tile, count) -> adagrad(numbers, tile, count));
    }

    private static void adagrad(AdagradNumbers numbers, Tile tile, int count) {
        float[] sum = tile.slots[0];
        for (int i = 0; i < count; i++) {
            float p = tile.master[i];
            float d = Math.fma(p, numbers.l2(), tile.gradient[i] * numbers.scale());
            float s = Math.fma(d, d, sum[i]);
            float denominator = (float) Math.sqrt(s + numbers.initial()) + numbers.eps();
            sum[i] = s;
            tile.master[i] = Math.fma(d / denominator, numbers.rate(), p);
        }
    }

    @Override
    public void lion(LionNumbers numbers, Shard shard, long from, long to) {
        tiles(shard, from, to, (tile, count) -> lion(numbers, tile, count));
    }

    private static void lion(LionNumbers numbers, Tile tile, int count) {
        float[] momentum = tile.slots[0];
        for (int i = 0; i < count; i++) {
            float p = tile.master[i];
            float d = tile.gradient[i] * numbers.scale();
            float m = momentum[i];
            float blend = Math.fma(m, numbers.beta1(), d * numbers.gain1());
            float step = Math.copySign(numbers.rate(), blend);
            momentum[i] = Math.fma(m, numbers.beta2(), d * numbers.gain2());
            tile.master[i] = Math.fma(p, numbers.decay(), -step);
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
        FlatBuffer copy = shard.copyOut().get();
        Tile tile = new Tile(to - from);
        for (long at = from; at < to; at += Tile.LENGTH) {
            int count = (int) Math.min(Tile.LENGTH, to - at);
            Tile.read(shard.master(), at, tile.master, count);
            round(copy.type(), tile, count);
            MemorySegment.copy(
                    tile.copy, 0, copy.segment(), FlatBuffer.SHORT, at * Short.BYTES, count);
        }
    }

    private static void round(DType type, Tile tile, int count) {
        for (int i = 0; i < count; i++) {
            tile.copy[i] =
                    switch (type) {
                        case BF16 -> Rounding.toBf16(tile.master[i]);
                        case FP16 -> Rounding.toFp16(tile.master[i]);
                        case FP32 -> throw new AssertionError("a shard's copy is 16-bit");
                    };
        }
    }
}
