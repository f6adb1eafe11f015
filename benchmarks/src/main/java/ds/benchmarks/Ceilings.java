package ds.benchmarks;

import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Loops that do nothing but keep the machine busy; every one works on one thread. */
interface Ceilings {
    /** The system property that names the C library of {@code src/main/c}, where it was compiled. */
    String LIBRARY = "ds.benchmarks.ceiling";

    /** Depth of the product in the nearest cache. */
    int DEPTH = 256;

    /** Returns all implementations that can run here: Java's, and C's where it was compiled. */
    static List<Ceilings> all() {
        List<Ceilings> found = new ArrayList<>();
        found.add(new VectorCeilings());
        Optional.ofNullable(System.getProperty(LIBRARY))
                .ifPresent(library -> found.add(new NativeCeilings(Path.of(library))));
        return found;
    }

    /** Returns the floating-point operations of one round of {@link #products}. */
    double operationsPerRound();

    /**
     * Multiplies 4 rows by two vectors of columns, depth {@value #DEPTH}, again and again: packed
     * operands that stay in the nearest cache, which is what a matrix product would be if memory
     * cost nothing. Returns an element of the last result.
     */
    float products(long rounds);

    /** Copies bytes. */
    void copy(MemorySegment from, MemorySegment to);

    /** Reads all streams but the halves, and writes all but the gradient. */
    void streams(Streams streams);

    /**
     * The arrays of an optimizer step.
     *
     * @param weights fp32, read and written
     * @param gradient fp32, read
     * @param states fp32, read and written, at most {@value #STATES_MOST}
     * @param halves 16-bit, written; or empty
     */
    record Streams(
            MemorySegment weights,
            MemorySegment gradient,
            List<MemorySegment> states,
            Optional<MemorySegment> halves) {
        /** The most states for which there are loops. */
        static final int STATES_MOST = 3;

        /** Returns elements {@code from} to {@code from + length} − 1. */
        Streams slice(long from, long length) {
            return new Streams(
                    floats(weights, from, length),
                    floats(gradient, from, length),
                    states.stream().map(state -> floats(state, from, length)).toList(),
                    halves.map(h -> h.asSlice(from * Short.BYTES, length * Short.BYTES)));
        }

        private static MemorySegment floats(MemorySegment array, long from, long length) {
            return array.asSlice(from * Float.BYTES, length * Float.BYTES);
        }

        /** Returns the bytes that one element moves. */
        int bytesPerElement() {
            return Float.BYTES * (3 + 2 * states.size()) + (halves.isPresent() ? Short.BYTES : 0);
        }

        /** Returns state {@code index}, or nothing where there is none. */
        MemorySegment state(int index) {
            return index < states.size() ? states.get(index) : MemorySegment.NULL;
        }

        /** Returns the number of elements. */
        long elements() {
            return weights.byteSize() / Float.BYTES;
        }
    }
}
