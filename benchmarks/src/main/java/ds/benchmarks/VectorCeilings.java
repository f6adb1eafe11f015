package ds.benchmarks;

import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import java.util.Arrays;
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
    private static final int WIDTH = FLOATS.length();
    private static final int ROWS = 4;

    @Override
    public double operationsPerRound() {
        return 2.0 * ROWS * 2 * WIDTH * DEPTH;
    }

    @Override
    public float products(long rounds) {
        float[] a = new float[DEPTH * ROWS];
        float[] b = new float[DEPTH * 2 * WIDTH];
        float[] c = new float[ROWS * 2 * WIDTH];
        Arrays.fill(a, 0.5f);
        Arrays.fill(b, 0.25f);
        for (long round = 0; round < rounds; round++) {
            product(a, 0, b, 0, c, DEPTH);
        }
        return c[0];
    }

    /** Places and depth are parameters: with constants the compiler makes a loop half as fast. */
    private static void product(float[] a, int ao, float[] b, int bo, float[] c, int depth) {
        FloatVector c00 = FloatVector.zero(FLOATS);
        FloatVector c01 = c00;
        FloatVector c10 = c00;
        FloatVector c11 = c00;
        FloatVector c20 = c00;
        FloatVector c21 = c00;
        FloatVector c30 = c00;
        FloatVector c31 = c00;
        for (int k = 0; k < depth; k++) {
            FloatVector b0 = FloatVector.fromArray(FLOATS, b, bo + k * 2 * WIDTH);
            FloatVector b1 = FloatVector.fromArray(FLOATS, b, bo + k * 2 * WIDTH + WIDTH);
            FloatVector factor = FloatVector.broadcast(FLOATS, a[ao + k * ROWS]);
            c00 = factor.fma(b0, c00);
            c01 = factor.fma(b1, c01);
            factor = FloatVector.broadcast(FLOATS, a[ao + k * ROWS + 1]);
            c10 = factor.fma(b0, c10);
            c11 = factor.fma(b1, c11);
            factor = FloatVector.broadcast(FLOATS, a[ao + k * ROWS + 2]);
            c20 = factor.fma(b0, c20);
            c21 = factor.fma(b1, c21);
            factor = FloatVector.broadcast(FLOATS, a[ao + k * ROWS + 3]);
            c30 = factor.fma(b0, c30);
            c31 = factor.fma(b1, c31);
        }
        c00.intoArray(c, 0);
        c01.intoArray(c, WIDTH);
        c10.intoArray(c, 2 * WIDTH);
        c11.intoArray(c, 3 * WIDTH);
        c20.intoArray(c, 4 * WIDTH);
        c21.intoArray(c, 5 * WIDTH);
        c30.intoArray(c, 6 * WIDTH);
        c31.intoArray(c, 7 * WIDTH);
    }

    @Override
    public void copy(MemorySegment from, MemorySegment to) {
        MemorySegment.copy(from, 0, to, 0, from.byteSize());
    }

    @Override
    public void streams(Streams streams) {
        MemorySegment[] states = {streams.state(0), streams.state(1), streams.state(2)};
        move(
                streams.weights(),
                streams.gradient(),
                states,
                streams.states().size(),
                streams.halves().orElse(MemorySegment.NULL),
                streams.halves().isPresent());
    }

    /** The conditions are the same in every turn and cost nothing that memory does not hide. */
    private static void move(
            MemorySegment p,
            MemorySegment g,
            MemorySegment[] states,
            int count,
            MemorySegment halves,
            boolean copies) {
        MemorySegment m = states[0];
        MemorySegment v = states[1];
        MemorySegment w = states[2];
        FloatVector half = FloatVector.broadcast(FLOATS, 0.5f);
        long end = p.byteSize() / FLOATS.vectorByteSize() * FLOATS.vectorByteSize();
        for (long at = 0; at < end; at += FLOATS.vectorByteSize()) {
            FloatVector d = FloatVector.fromMemorySegment(FLOATS, g, at, ORDER);
            if (count > 0) {
                half(m, half, d, at);
            }
            if (count > 1) {
                half(v, half, d, at);
            }
            if (count > 2) {
                half(w, half, d, at);
            }
            FloatVector next = FloatVector.fromMemorySegment(FLOATS, p, at, ORDER).fma(half, d);
            next.intoMemorySegment(p, at, ORDER);
            if (copies) {
                IntVector upper = next.reinterpretAsInts().lanewise(VectorOperators.LSHR, 16);
                ((ShortVector) upper.convertShape(VectorOperators.I2S, HALVES, 0))
                        .intoMemorySegment(halves, at / 2, ORDER);
            }
        }
    }

    private static void half(MemorySegment state, FloatVector half, FloatVector d, long at) {
        FloatVector.fromMemorySegment(FLOATS, state, at, ORDER)
                .fma(half, d)
                .intoMemorySegment(state, at, ORDER);
    }
}
