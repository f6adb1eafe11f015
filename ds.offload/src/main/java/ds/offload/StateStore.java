package ds.offload;

import ds.core.FlatBuffer;
import java.util.List;
import java.util.Optional;
import java.util.function.IntConsumer;
import java.util.stream.IntStream;

/**
 * One rank's arrays of per-element state (masters, optimizer slots), all of one length, at their
 * resting place. Elements are numbered in the rank's owned space; {@link StateLayout} says which
 * runs it consists of. Owned by the rank's thread.
 */
public interface StateStore extends AutoCloseable {
    /** In-memory arrays of the rank that a step needs beside the stored ones. */
    @FunctionalInterface
    interface Resident {
        /** Returns the arrays' views of elements [first, first + length), inside one run. */
        List<FlatBuffer> at(long firstElement, long length);

        /**
         * Called when what {@link #at} returned was stepped and is in host memory again: in the order
         * of the calls of at, of which two may be ahead.
         */
        default void ended(long firstElement, long length) {}
    }

    /** The workers of the rank that steps, which share what there is to do with it. */
    @FunctionalInterface
    interface Spread {
        /** The rank's thread alone. */
        Spread ALONE = (parts, part) -> IntStream.range(0, parts).forEach(part);

        /**
         * Runs parts 0 to {@code parts} − 1, each once, and returns when all have ended.
         *
         * @throws RuntimeException what a part threw
         */
        void run(int parts, IntConsumer part);
    }

    /** Steps one chunk; on a device that is not addressable the buffers are device memory. */
    @FunctionalInterface
    interface ChunkStep {
        /**
         * Updates the chunk in place.
         *
         * @param resident the views of {@link Resident}, in its order
         * @param stored the stored arrays' elements, in the type and order of the layout
         */
        void run(long firstElement, List<FlatBuffer> resident, List<FlatBuffer> stored);
    }

    /**
     * Lets {@code step} see every chunk once, in order, reading ahead and writing behind where the
     * arrays do not rest in memory. Returns when every byte written is with the operating system
     * and every byte count was checked.
     *
     * @param spread takes the checksums, while {@code step} does not run
     * @throws StorageException if a transfer failed, was short, or a block's checksum does not match
     */
    void step(Resident resident, ChunkStep step, Spread spread);

    /** As the other one, on the rank's thread alone. */
    default void step(Resident resident, ChunkStep step) {
        step(resident, step, Spread.ALONE);
    }

    /** Reads elements of one array; for checkpoints and two-pass optimizers. */
    void read(int array, long firstElement, FlatBuffer into);

    /** Writes elements of one array; for initial values and loading. */
    void write(int array, long firstElement, FlatBuffer from);

    /**
     * Returns elements of one array where they lie, if they rest in memory that can be addressed:
     * for steps that see more than a chunk at once.
     */
    default Optional<FlatBuffer> view(int array, long firstElement, long length) {
        return Optional.empty();
    }

    /** Returns the layout. */
    StateLayout layout();

    /** Returns bytes at rest outside memory. */
    long storedBytes();

    /** Returns nanoseconds that the step lane waited for I/O so far. */
    long stallNanos();

    /** Returns what was moved between memory and files so far. */
    default Transfers transfers() {
        return Transfers.NONE;
    }

    @Override
    void close();
}
