package ds.foreign.openblas;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import ds.foreign.Downcalls;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.util.List;
import java.util.Optional;

/**
 * OpenBLAS with a {@code blasint} of 32 bits: {@code void cblas_sgemm(CBLAS_LAYOUT layout,
 * CBLAS_TRANSPOSE transA, CBLAS_TRANSPOSE transB, blasint m, blasint n, blasint k, float alpha, const
 * float *a, blasint lda, const float *b, blasint ldb, float beta, float *c, blasint ldc)}, {@code void
 * cblas_saxpy(blasint n, float alpha, const float *x, blasint incx, float *y, blasint incy)}, {@code
 * void openblas_set_num_threads(int n)}.
 */
final class Openblas {
    /** What is loaded. */
    static final String LIBRARY_NAME = "libopenblas.so.0";

    private static final Optional<SymbolLookup> LIBRARY = Downcalls.library(LIBRARY_NAME);
    private static final String SGEMM = "cblas_sgemm";
    private static final String SAXPY = "cblas_saxpy";
    private static final String SET_THREADS = "openblas_set_num_threads";
    private static final int ROW_MAJOR = 101;
    private static final int NO_TRANSPOSE = 111;
    private static final int TRANSPOSE = 112;

    /** Bound when the first is called, which {@link #missing} comes before. */
    private static final class Handles {
        static final MethodHandle MULTIPLY =
                bind(
                        SGEMM,
                        FunctionDescriptor.ofVoid(
                                JAVA_INT,
                                JAVA_INT,
                                JAVA_INT,
                                JAVA_INT,
                                JAVA_INT,
                                JAVA_INT,
                                JAVA_FLOAT,
                                ADDRESS,
                                JAVA_INT,
                                ADDRESS,
                                JAVA_INT,
                                JAVA_FLOAT,
                                ADDRESS,
                                JAVA_INT));
        static final MethodHandle ADD =
                bind(
                        SAXPY,
                        FunctionDescriptor.ofVoid(
                                JAVA_INT, JAVA_FLOAT, ADDRESS, JAVA_INT, ADDRESS, JAVA_INT));
        static final MethodHandle USE_THREADS =
                bind(SET_THREADS, FunctionDescriptor.ofVoid(JAVA_INT));

        private Handles() {}

        private static MethodHandle bind(String function, FunctionDescriptor descriptor) {
            return Downcalls.bind(LIBRARY.orElseThrow(), function, descriptor);
        }
    }

    private Openblas() {}

    /** Returns why the library cannot be used, or empty if it can. */
    static Optional<String> missing() {
        return missing(LIBRARY);
    }

    /** Says why not of a library, or of its absence. */
    static Optional<String> missing(Optional<SymbolLookup> library) {
        if (library.isEmpty()) {
            return Optional.of(
                    "%s cannot be loaded; install OpenBLAS (Debian: libopenblas0)"
                            .formatted(LIBRARY_NAME));
        }
        return List.of(SGEMM, SAXPY, SET_THREADS).stream()
                .filter(function -> library.get().find(function).isEmpty())
                .findFirst()
                .map(
                        function ->
                                "%s has no %s; install OpenBLAS with CBLAS and 32-bit sizes (Debian: libopenblas0)"
                                        .formatted(LIBRARY_NAME, function));
    }

    /** Says how many threads one call may use, in the whole process. */
    static void useThreads(int count) {
        try {
            Handles.USE_THREADS.invokeExact(count);
        } catch (Throwable t) {
            throw Downcalls.broken(SET_THREADS, t);
        }
    }

    /**
     * Multiplies, without the bias. All memory is native, and large enough.
     *
     * @param adds whether to C's values
     */
    static void multiply(Product product, boolean adds) {
        try {
            Handles.MULTIPLY.invokeExact(
                    ROW_MAJOR,
                    product.transposeA() ? TRANSPOSE : NO_TRANSPOSE,
                    product.transposeB() ? TRANSPOSE : NO_TRANSPOSE,
                    product.m(),
                    product.n(),
                    product.k(),
                    1f,
                    product.a(),
                    product.strideA(),
                    product.b(),
                    product.strideB(),
                    adds ? 1f : 0f,
                    product.c(),
                    product.strideC());
        } catch (Throwable t) {
            throw Downcalls.broken(SGEMM, t);
        }
    }

    /** y += x, of {@code n} elements each. */
    static void add(int n, MemorySegment x, MemorySegment y) {
        try {
            Handles.ADD.invokeExact(n, 1f, x, 1, y, 1);
        } catch (Throwable t) {
            throw Downcalls.broken(SAXPY, t);
        }
    }
}
