package ds.optim.builtin;

import ds.core.FlatBuffer;
import ds.kernels.ExactNorm;
import ds.kernels.Kernels;
import ds.kernels.Kernels.Transpose;
import java.util.Optional;

/**
 * The quintic Newton–Schulz iteration towards the nearest orthogonal matrix, five rounds of X = a X +
 * (b A + c A²) X with A = X Xᵀ, in fp32. With the gram method a matrix that is not square is left
 * alone meanwhile: the rounds work on A, as Dao's Gram Newton–Schulz does, with a restart after two.
 * The two differ by rounding. Works in memory that is lent to it.
 */
final class NewtonSchulz {
    private static final float A = 3.4445f;
    private static final float B = -4.7750f;
    private static final float C = 2.0315f;
    private static final double NORM_EPSILON = 1e-7;
    private static final int ROUNDS = 5;
    private static final int RESTART = 2;
    private static final int WIDE_MATRICES = 2;
    private static final int SQUARE_MATRICES = 5;

    private final Kernels kernels;
    private final int n;
    private final int m;
    private final FlatBuffer[] squares = new FlatBuffer[SQUARE_MATRICES];
    private FlatBuffer x;
    private FlatBuffer other;

    /** Takes {@link #scratchElements} elements of {@code scratch}. */
    private NewtonSchulz(Kernels kernels, int n, int m, FlatBuffer scratch) {
        this.kernels = kernels;
        this.n = n;
        this.m = m;
        long wide = (long) n * m;
        long square = (long) n * n;
        this.x = scratch.slice(0, wide);
        this.other = scratch.slice(wide, wide);
        for (int i = 0; i < SQUARE_MATRICES; i++) {
            squares[i] = scratch.slice(WIDE_MATRICES * wide + i * square, square);
        }
    }

    /** Returns how much memory a matrix takes. */
    static long scratchElements(int rows, int columns) {
        long small = Math.min(rows, columns);
        return WIDE_MATRICES * (long) rows * columns + SQUARE_MATRICES * small * small;
    }

    /** Returns where the matrix to be made orthogonal has to be written. */
    static FlatBuffer input(FlatBuffer scratch, int rows, int columns) {
        return scratch.slice(0, (long) rows * columns);
    }

    /** Returns the result, inside {@code scratch}; what {@link #input} holds is lost. */
    static FlatBuffer run(
            Kernels kernels, int rows, int columns, boolean gram, FlatBuffer scratch) {
        boolean tall = rows > columns;
        NewtonSchulz iteration =
                new NewtonSchulz(
                        kernels, Math.min(rows, columns), Math.max(rows, columns), scratch);
        iteration.normalize();
        if (tall) {
            kernels.transpose(iteration.x, rows, columns, iteration.other);
            iteration.swap();
        }
        if (gram && rows != columns) {
            iteration.gram();
        } else {
            iteration.standard();
        }
        if (tall) {
            kernels.transpose(iteration.x, columns, rows, iteration.other);
            iteration.swap();
        }
        return iteration.x;
    }

    private void normalize() {
        ExactNorm norm = new ExactNorm();
        kernels.addSquares(x, norm);
        kernels.scale((float) (1 / (norm.norm() + NORM_EPSILON)), x, x, false);
    }

    private void standard() {
        FlatBuffer a = squares[0];
        FlatBuffer b = squares[1];
        for (int round = 0; round < ROUNDS; round++) {
            ofRows(a);
            polynomial(a, b);
            applyTo(b);
            kernels.scale(A, x, other, true);
            swap();
        }
    }

    private void gram() {
        FlatBuffer r = squares[0];
        FlatBuffer z = squares[1];
        FlatBuffer q = squares[2];
        FlatBuffer spare = squares[3];
        FlatBuffer rz = squares[4];
        ofRows(r);
        for (int round = 0; round < ROUNDS; round++) {
            boolean first = round == 0 || round == RESTART;
            if (round == RESTART) {
                applyTo(q);
                swap();
                ofRows(r);
            }
            polynomial(r, z);
            if (first) {
                q.copyFrom(z);
                for (int i = 0; i < n; i++) {
                    long at = (long) i * n + i;
                    q.set(at, q.get(at) + A);
                }
            } else {
                FlatBuffer next = step(z, q, spare);
                spare = q;
                q = next;
            }
            if (round < ROUNDS - 1 && round + 1 != RESTART) {
                step(z, r, rz);
                FlatBuffer next = step(z, rz, spare);
                spare = r;
                r = next;
            }
        }
        applyTo(q);
        swap();
    }

    /** out = X Xᵀ. */
    private void ofRows(FlatBuffer out) {
        kernels.gemm(Transpose.NO, Transpose.YES, n, n, m, x, x, Optional.empty(), out, false);
    }

    /** out = b A + c A². */
    private void polynomial(FlatBuffer a, FlatBuffer out) {
        squared(a, a, out);
        kernels.scale(C, out, out, false);
        kernels.scale(B, a, out, true);
    }

    /** out = a Y + Z Y, which is returned. */
    private FlatBuffer step(FlatBuffer z, FlatBuffer y, FlatBuffer out) {
        squared(z, y, out);
        kernels.scale(A, y, out, true);
        return out;
    }

    private void squared(FlatBuffer a, FlatBuffer b, FlatBuffer out) {
        kernels.gemm(Transpose.NO, Transpose.NO, n, n, n, a, b, Optional.empty(), out, false);
    }

    /** Writes {@code square} X into the other wide matrix. */
    private void applyTo(FlatBuffer square) {
        kernels.gemm(
                Transpose.NO, Transpose.NO, n, m, n, square, x, Optional.empty(), other, false);
    }

    private void swap() {
        FlatBuffer previous = x;
        x = other;
        other = previous;
    }
}
