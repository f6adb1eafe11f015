package ds.benchmarks;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A rival that did less than the others would be a ceiling that nothing reaches. */
class CeilingsDoTheSameTest {
    private static final int ELEMENTS = 64;

    @Test
    void javaMovesEveryElement() {
        movesEveryElement(new VectorCeilings());
    }

    @Test
    void cMovesEveryElement(@TempDir Path directory) throws IOException, InterruptedException {
        Path library = directory.resolve("libceiling.so");
        assumeTrue(compiles(library), "There is no C compiler named cc.");
        movesEveryElement(new NativeCeilings(library));
    }

    private static boolean compiles(Path library) throws InterruptedException {
        try {
            return new ProcessBuilder(
                                    "cc",
                                    "-O3",
                                    "-shared",
                                    "-fPIC",
                                    "-o",
                                    library.toString(),
                                    Path.of("src", "main", "c", "ceiling.c").toString())
                            .inheritIO()
                            .start()
                            .waitFor()
                    == 0;
        } catch (IOException e) {
            return false; // no such program
        }
    }

    private static void movesEveryElement(Ceilings ceilings) {
        try (Arena arena = Arena.ofShared()) {
            MemorySegment p = floats(arena, 8);
            MemorySegment g = floats(arena, 1);
            MemorySegment m = floats(arena, 2);
            MemorySegment v = floats(arena, 4);
            MemorySegment w = floats(arena, 6);
            MemorySegment halves = arena.allocate(ELEMENTS * 2L, 64);
            List<MemorySegment> states = List.of(m, v, w);
            for (int count = 0; count <= Ceilings.Streams.STATES_MOST; count++) {
                ceilings.streams(
                        new Ceilings.Streams(p, g, states.subList(0, count), Optional.empty()));
            }
            assertArrayEquals(all(2.375f), read(p)); // half and 1 more, four times
            assertArrayEquals(all(1), read(g));
            assertArrayEquals(all(2), read(m));
            assertArrayEquals(all(2.5f), read(v));
            assertArrayEquals(all(4), read(w));
            for (int count = 0; count <= Ceilings.Streams.STATES_MOST; count++) {
                ceilings.streams(
                        new Ceilings.Streams(p, g, states.subList(0, count), Optional.of(halves)));
            }
            float last = 2.0234375f;
            assertArrayEquals(all(last), read(p));
            assertArrayEquals(all(2.125f), read(v));
            assertArrayEquals(all(3), read(w));
            for (int i = 0; i < ELEMENTS; i++) {
                int upper = Short.toUnsignedInt(halves.getAtIndex(ValueLayout.JAVA_SHORT, i));
                int whole = Float.floatToRawIntBits(last);
                assertEquals(whole >>> 16, upper, "element " + i);
            }
            ceilings.copy(p, g);
            assertArrayEquals(all(2.0234375f), read(g));
        }
        assertEquals(0.5f * 0.25f * Ceilings.DEPTH, ceilings.products(3));
        double elements = ceilings.operationsPerRound() / 2 / Ceilings.DEPTH;
        assertEquals(0, elements % 32, () -> "4 rows of two vectors, but elements: " + elements);
    }

    private static MemorySegment floats(Arena arena, float value) {
        MemorySegment array = arena.allocate(ELEMENTS * 4L, 64);
        for (int i = 0; i < ELEMENTS; i++) {
            array.setAtIndex(ValueLayout.JAVA_FLOAT, i, value);
        }
        return array;
    }

    private static float[] all(float value) {
        float[] array = new float[ELEMENTS];
        Arrays.fill(array, value);
        return array;
    }

    private static float[] read(MemorySegment array) {
        return array.toArray(ValueLayout.JAVA_FLOAT);
    }
}
