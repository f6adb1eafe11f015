package ds.foreign.openblas;

import java.lang.foreign.MemorySegment;

/**
 * C[m,n] = op(A)[m,k] op(B)[k,n] (+ bias to every row) (+ C) in fp32, row-major, each matrix with a
 * stride of its own: a part of a product is one too.
 *
 * @param m rows of C, at least 1
 * @param n columns of C, at least 1
 * @param k terms of each sum, at least 1
 * @param strideA elements from one stored row of A to the next
 * @param strideB elements from one stored row of B to the next
 * @param bias n elements, or {@code NULL}
 * @param strideC elements from one row of C to the next
 * @param accumulate whether C's own values are added
 */
record Product(
        boolean transposeA,
        boolean transposeB,
        int m,
        int n,
        int k,
        MemorySegment a,
        int strideA,
        MemorySegment b,
        int strideB,
        MemorySegment bias,
        MemorySegment c,
        int strideC,
        boolean accumulate) {
    /** Returns the product of whole matrices, whose rows have no gaps between them. */
    static Product of(
            boolean transposeA,
            boolean transposeB,
            int m,
            int n,
            int k,
            MemorySegment a,
            MemorySegment b,
            MemorySegment bias,
            MemorySegment c,
            boolean accumulate) {
        return new Product(
                transposeA,
                transposeB,
                m,
                n,
                k,
                a,
                transposeA ? m : k,
                b,
                transposeB ? k : n,
                bias,
                c,
                n,
                accumulate);
    }

    /** Returns what is to be done for some rows and columns of C. */
    Product part(int row, int rows, int column, int columns) {
        return new Product(
                transposeA,
                transposeB,
                rows,
                columns,
                k,
                from(a, transposeA ? row : (long) row * strideA),
                strideA,
                from(b, transposeB ? (long) column * strideB : column),
                strideB,
                hasBias() ? from(bias, column) : bias,
                from(c, (long) row * strideC + column),
                strideC,
                accumulate);
    }

    private static MemorySegment from(MemorySegment matrix, long element) {
        return matrix.asSlice(element * Float.BYTES);
    }

    private boolean hasBias() {
        return bias.address() != 0;
    }

    /** Computes it. The bias goes first, since OpenBLAS writes all of C before it adds to it anyway. */
    void run() {
        if (hasBias()) {
            for (int i = 0; i < m; i++) {
                MemorySegment row = from(c, (long) i * strideC);
                if (accumulate) {
                    Openblas.add(n, bias, row);
                } else {
                    MemorySegment.copy(bias, 0, row, 0, (long) n * Float.BYTES);
                }
            }
        }
        Openblas.multiply(this, accumulate || hasBias());
    }
}
