package ds.foreign.openblas;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;

import ds.core.DType;
import ds.core.FlatBuffer;
import ds.kernels.Kernels;
import ds.kernels.Kernels.Transpose;
import ds.kernels.KernelsProviders;
import ds.kernels.Workers;
import ds.kernels.spi.ForwardingKernels;
import ds.kernels.spi.KernelsProvider;
import ds.testkit.KernelsContract;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** OpenBLAS keeps the contract of kernels, and computes what it should. */
class OpenblasKernelsTest extends KernelsContract {
    private static final int SIZE = 48;

    @Override
    protected KernelsProvider provider() {
        return new OpenblasProvider();
    }

    @Test
    void itIsFoundByNameAndPromisesNoBits() {
        KernelsProvider found = KernelsProviders.in(ModuleLayer.boot()).require("OpenBLAS");
        assertEquals(OpenblasProvider.class, found.getClass());
        assertFalse(found.reproducible());
        try (Workers workers = new Workers("found", 1)) {
            assertEquals("openblas", found.create(workers).name());
        }
    }

    /** The host's kernels, which say when a product comes to them. */
    private static final class Watched extends ForwardingKernels {
        private int products;

        Watched(Kernels host) {
            super(host);
        }

        @Override
        public String name() {
            return "watched";
        }

        @Override
        public void gemm(
                Transpose transposeA,
                Transpose transposeB,
                int m,
                int n,
                int k,
                FlatBuffer a,
                FlatBuffer b,
                Optional<FlatBuffer> bias,
                FlatBuffer c,
                boolean accumulate) {
            products++;
            super.gemm(transposeA, transposeB, m, n, k, a, b, bias, c, accumulate);
        }
    }

    private static FlatBuffer ones(Arena arena, DType type, long length) {
        FlatBuffer buffer = FlatBuffer.of(arena.allocate(type.bytesOf(length)), type);
        for (long i = 0; i < length; i++) {
            buffer.set(i, 1);
        }
        return buffer;
    }

    @Test
    void fp32OutsideTheHeapIsItsOwnAndAllElseTheHosts() {
        FlatBuffer onHeap =
                FlatBuffer.of(MemorySegment.ofArray(new float[SIZE * SIZE]), DType.FP32);
        for (int count = 1; count <= 2; count++) {
            try (Workers workers = new Workers("watched", count);
                    Arena arena = Arena.ofShared()) {
                Watched host = new Watched(KernelsProviders.host(workers));
                Kernels kernels = new OpenblasKernels(host);
                FlatBuffer x = ones(arena, DType.FP32, SIZE * SIZE);
                FlatBuffer c = ones(arena, DType.FP32, SIZE * SIZE);
                FlatBuffer narrow = ones(arena, DType.BF16, SIZE * SIZE);
                FlatBuffer row = ones(arena, DType.FP32, SIZE);
                FlatBuffer narrowRow = ones(arena, DType.BF16, SIZE);
                multiply(kernels, x, x, Optional.empty(), c);
                assertEquals(SIZE, c.get(SIZE + 1));
                multiply(kernels, x, x, Optional.of(row), c);
                assertEquals(SIZE + 1, c.get(SIZE + 1));
                assertEquals(0, host.products);

                multiply(kernels, x, x, Optional.of(narrowRow), c);
                multiply(kernels, narrow, x, Optional.empty(), c);
                multiply(kernels, x, narrow, Optional.empty(), c);
                multiply(kernels, x, x, Optional.empty(), narrow);
                multiply(kernels, onHeap, x, Optional.empty(), c);
                multiply(kernels, x, onHeap, Optional.empty(), c);
                multiply(kernels, x, x, Optional.empty(), onHeap);
                assertEquals(7, host.products);
                assertEquals(SIZE, narrow.get(3));
                assertEquals(SIZE, onHeap.get(3));
            }
        }
    }

    private static void multiply(
            Kernels kernels, FlatBuffer a, FlatBuffer b, Optional<FlatBuffer> bias, FlatBuffer c) {
        kernels.gemm(Transpose.NO, Transpose.YES, SIZE, SIZE, SIZE, a, b, bias, c, false);
    }

    @Test
    void nothingOutsideItsOperandsIsTouched() {
        try (Workers workers = new Workers("bounds", 3);
                Arena arena = Arena.ofShared()) {
            Kernels kernels = new OpenblasKernels(KernelsProviders.host(workers));
            int m = 67;
            int n = 35;
            FlatBuffer a = ones(arena, DType.FP32, (long) m * SIZE);
            FlatBuffer b = ones(arena, DType.FP32, (long) n * SIZE);
            FlatBuffer around = ones(arena, DType.FP32, m * n + 32);
            FlatBuffer c = around.slice(16, (long) m * n);
            kernels.gemm(Transpose.NO, Transpose.YES, m, n, SIZE, a, b, Optional.empty(), c, true);
            for (int i = 0; i < m * n + 32; i++) {
                boolean inside = i >= 16 && i < m * n + 16;
                assertEquals(inside ? SIZE + 1 : 1, around.get(i), "element " + i);
            }
            for (FlatBuffer[] wrong :
                    new FlatBuffer[][] {
                        {a.slice(1, a.lengthElements() - 1), b, c},
                        {a, b.slice(1, b.lengthElements() - 1), c},
                        {a, b, c.slice(1, c.lengthElements() - 1)}
                    }) {
                assertThrows(
                        IllegalArgumentException.class,
                        () ->
                                kernels.gemm(
                                        Transpose.NO,
                                        Transpose.YES,
                                        m,
                                        n,
                                        SIZE,
                                        wrong[0],
                                        wrong[1],
                                        Optional.empty(),
                                        wrong[2],
                                        false));
            }
            assertThrows(
                    IllegalArgumentException.class,
                    () ->
                            kernels.gemm(
                                    Transpose.NO,
                                    Transpose.YES,
                                    m,
                                    n,
                                    SIZE,
                                    a,
                                    b,
                                    Optional.of(a.slice(0, n - 1)),
                                    c,
                                    false));
        }
    }
}
