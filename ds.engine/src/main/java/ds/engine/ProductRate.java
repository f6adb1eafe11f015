package ds.engine;

import ds.comm.Communicator;
import ds.core.DType;
import ds.core.FlatBuffer;
import ds.kernels.Kernels;
import ds.kernels.Kernels.Transpose;
import java.lang.foreign.Arena;
import java.util.Optional;

/** How fast one rank multiplies fp32 matrices while all others do. */
final class ProductRate {
    private static final int SIZE = 512;
    private static final int REPEATS = 2;

    private ProductRate() {}

    /** Returns floating-point operations per second, the best of a few products. Collective. */
    static double measure(Kernels kernels, Communicator communicator) {
        long best = Long.MAX_VALUE;
        try (Arena arena = Arena.ofShared()) {
            FlatBuffer a = matrix(arena);
            FlatBuffer b = matrix(arena);
            FlatBuffer c = matrix(arena);
            for (int i = 0; i < REPEATS; i++) {
                communicator.barrier();
                long start = System.nanoTime();
                kernels.gemm(
                        Transpose.NO,
                        Transpose.NO,
                        SIZE,
                        SIZE,
                        SIZE,
                        a,
                        b,
                        Optional.empty(),
                        c,
                        false);
                best = Math.min(best, System.nanoTime() - start);
            }
        }
        return 2e9 * SIZE * SIZE * SIZE / best;
    }

    private static FlatBuffer matrix(Arena arena) {
        return FlatBuffer.of(arena.allocate(4L * SIZE * SIZE, 64), DType.FP32);
    }
}
