package ds.cli;

import ds.kernels.Workers;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/** What the machine itself can do: products in the nearest cache. */
final class Ceiling {
    private static final VectorSpecies<Float> SPECIES = FloatVector.SPECIES_PREFERRED;
    private static final int WIDTH = SPECIES.length();

    /** 512-bit vectors come with 32 registers, enough for twice the accumulators. */
    private static final int ROWS = WIDTH == 16 ? 8 : 4;

    private static final int DEPTH = 256;

    private Ceiling() {}

    /** Returns the rounds of {@link #products} with at least as many operations over all workers. */
    static int rounds(Workers workers, double operations) {
        return (int) Math.ceil(operations / operations(workers, 1));
    }

    /** Returns the floating-point operations of one {@link #products} over all workers. */
    static double operations(Workers workers, int rounds) {
        return 2.0 * workers.count() * rounds * ROWS * 2 * WIDTH * DEPTH;
    }

    /**
     * Multiplies 4 or 8 rows by two vectors of columns, again and again, on every worker: packed
     * operands that stay in the nearest cache, which is what a matrix product would be if memory cost
     * nothing.
     */
    static void products(Workers workers, int rounds, float[] sink) {
        workers.run(workers.count(), (_, part) -> sink[part] += products(rounds));
    }

    private static float products(int rounds) {
        float[] a = new float[DEPTH * ROWS];
        float[] b = new float[DEPTH * 2 * WIDTH];
        float[] c = new float[ROWS * 2 * WIDTH];
        Arrays.fill(a, 0.5f);
        Arrays.fill(b, 0.25f);
        for (int round = 0; round < rounds; round++) {
            if (ROWS == 8) {
                productOf8(a, 0, b, 0, c, DEPTH);
            } else {
                product(a, 0, b, 0, c, DEPTH);
            }
        }
        return c[0];
    }

    /** Places and depth are parameters: with constants the compiler makes a loop half as fast. */
    private static void product(float[] a, int ao, float[] b, int bo, float[] c, int depth) {
        FloatVector c00 = FloatVector.zero(SPECIES);
        FloatVector c01 = c00;
        FloatVector c10 = c00;
        FloatVector c11 = c00;
        FloatVector c20 = c00;
        FloatVector c21 = c00;
        FloatVector c30 = c00;
        FloatVector c31 = c00;
        for (int k = 0; k < depth; k++) {
            FloatVector b0 = FloatVector.fromArray(SPECIES, b, bo + k * 2 * WIDTH);
            FloatVector b1 = FloatVector.fromArray(SPECIES, b, bo + k * 2 * WIDTH + WIDTH);
            FloatVector factor = FloatVector.broadcast(SPECIES, a[ao + k * ROWS]);
            c00 = factor.fma(b0, c00);
            c01 = factor.fma(b1, c01);
            factor = FloatVector.broadcast(SPECIES, a[ao + k * ROWS + 1]);
            c10 = factor.fma(b0, c10);
            c11 = factor.fma(b1, c11);
            factor = FloatVector.broadcast(SPECIES, a[ao + k * ROWS + 2]);
            c20 = factor.fma(b0, c20);
            c21 = factor.fma(b1, c21);
            factor = FloatVector.broadcast(SPECIES, a[ao + k * ROWS + 3]);
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

    private static void productOf8(float[] a, int ao, float[] b, int bo, float[] c, int depth) {
        FloatVector c00 = FloatVector.zero(SPECIES);
        FloatVector c01 = c00;
        FloatVector c10 = c00;
        FloatVector c11 = c00;
        FloatVector c20 = c00;
        FloatVector c21 = c00;
        FloatVector c30 = c00;
        FloatVector c31 = c00;
        FloatVector c40 = c00;
        FloatVector c41 = c00;
        FloatVector c50 = c00;
        FloatVector c51 = c00;
        FloatVector c60 = c00;
        FloatVector c61 = c00;
        FloatVector c70 = c00;
        FloatVector c71 = c00;
        for (int k = 0; k < depth; k++) {
            FloatVector b0 = FloatVector.fromArray(SPECIES, b, bo + k * 2 * WIDTH);
            FloatVector b1 = FloatVector.fromArray(SPECIES, b, bo + k * 2 * WIDTH + WIDTH);
            int x = ao + k * ROWS;
            FloatVector factor = FloatVector.broadcast(SPECIES, a[x]);
            c00 = factor.fma(b0, c00);
            c01 = factor.fma(b1, c01);
            factor = FloatVector.broadcast(SPECIES, a[x + 1]);
            c10 = factor.fma(b0, c10);
            c11 = factor.fma(b1, c11);
            factor = FloatVector.broadcast(SPECIES, a[x + 2]);
            c20 = factor.fma(b0, c20);
            c21 = factor.fma(b1, c21);
            factor = FloatVector.broadcast(SPECIES, a[x + 3]);
            c30 = factor.fma(b0, c30);
            c31 = factor.fma(b1, c31);
            factor = FloatVector.broadcast(SPECIES, a[x + 4]);
            c40 = factor.fma(b0, c40);
            c41 = factor.fma(b1, c41);
            factor = FloatVector.broadcast(SPECIES, a[x + 5]);
            c50 = factor.fma(b0, c50);
            c51 = factor.fma(b1, c51);
            factor = FloatVector.broadcast(SPECIES, a[x + 6]);
            c60 = factor.fma(b0, c60);
            c61 = factor.fma(b1, c61);
            factor = FloatVector.broadcast(SPECIES, a[x + 7]);
            c70 = factor.fma(b0, c70);
            c71 = factor.fma(b1, c71);
        }
        c00.intoArray(c, 0);
        c01.intoArray(c, WIDTH);
        c10.intoArray(c, 2 * WIDTH);
        c11.intoArray(c, 3 * WIDTH);
        c20.intoArray(c, 4 * WIDTH);
        c21.intoArray(c, 5 * WIDTH);
        c30.intoArray(c, 6 * WIDTH);
        c31.intoArray(c, 7 * WIDTH);
        c40.intoArray(c, 8 * WIDTH);
        c41.intoArray(c, 9 * WIDTH);
        c50.intoArray(c, 10 * WIDTH);
        c51.intoArray(c, 11 * WIDTH);
        c60.intoArray(c, 12 * WIDTH);
        c61.intoArray(c, 13 * WIDTH);
        c70.intoArray(c, 14 * WIDTH);
        c71.intoArray(c, 15 * WIDTH);
    }
}
