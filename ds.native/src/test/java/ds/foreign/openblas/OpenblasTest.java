package ds.foreign.openblas;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.lang.foreign.MemorySegment;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** What is said where the library is missing, or is another one; how products are cut. */
class OpenblasTest {
    @Test
    void aLibraryThatIsMissingIsNamedWithItsPackage() {
        assertEquals(
                Optional.of(
                        "libopenblas.so.0 cannot be loaded; install OpenBLAS (Debian: libopenblas0)"),
                Openblas.missing(Optional.empty()));
    }

    @Test
    void aLibraryWithoutTheFunctionsIsRefused() {
        assertEquals(
                Optional.of(
                        "libopenblas.so.0 has no openblas_set_num_threads; install OpenBLAS with CBLAS and 32-bit sizes (Debian: libopenblas0)"),
                Openblas.missing(
                        Optional.of(
                                name ->
                                        name.startsWith("cblas_")
                                                ? Optional.of(MemorySegment.NULL)
                                                : Optional.empty())));
    }

    @Test
    void partsAreAsSquareAsTheirNumberAllowsAndCoverEverything() {
        assertEquals(new Parts(512, 1024, 1, 2), Parts.of(1024, 1024, 2));
        assertEquals(new Parts(512, 512, 2, 4), Parts.of(1024, 1024, 4));
        assertEquals(new Parts(16, 512, 2, 2), Parts.of(16, 1024, 2));
        assertEquals(new Parts(16, 16, 1, 1), Parts.of(3, 5, 4));
        for (int most = 1; most <= 9; most++) {
            for (int[] size : new int[][] {{1, 1}, {17, 300}, {1000, 33}, {100, 100}}) {
                assertEveryElementIsInOnePart(size[0], size[1], most);
            }
        }
    }

    private static void assertEveryElementIsInOnePart(int m, int n, int most) {
        Parts parts = Parts.of(m, n, most);
        Product whole =
                Product.of(
                        false,
                        false,
                        m,
                        n,
                        1,
                        MemorySegment.ofArray(new float[m]),
                        MemorySegment.ofArray(new float[n]),
                        MemorySegment.NULL,
                        MemorySegment.ofArray(new float[m * n]),
                        false);
        int[] seen = new int[m * n];
        for (int i = 0; i < parts.count(); i++) {
            Product part = parts.of(whole, i);
            int first = (int) ((m * n * 4L - part.c().byteSize()) / 4);
            for (int row = 0; row < part.m(); row++) {
                for (int column = 0; column < part.n(); column++) {
                    seen[first + row * n + column]++;
                }
            }
        }
        for (int count : seen) {
            assertEquals(1, count, "%d x %d in %d".formatted(m, n, most));
        }
    }
}
