package ds.zero;

import ds.core.DType;
import ds.core.FlatBuffer;
import ds.core.MemoryKind;
import ds.core.RankMemory;
import ds.offload.AheadSlots;
import ds.offload.ShardFile;
import ds.offload.ShardFiles;
import ds.offload.Transfers;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Where a rank's own part of something sharded rests: each run in memory, or as one extent of a file.
 * Elements are numbered as in the owned space.
 */
final class ShardHome {
    static final String PARAMETERS = "parameters";
    static final String GRADIENTS = "gradients";

    private final OwnedSpace held;
    private final boolean[] stored; // by run
    private final long[] starts; // by run: its first element in memory or in the file
    private final FlatBuffer memory;
    private final Optional<ShardFile> file;

    /**
     * Allocates what is in memory.
     *
     * @param pinned whether to lock the pages of what is in memory
     * @param inFile the runs of {@code held} that are the extents of {@code file}, in order
     */
    ShardHome(
            OwnedSpace held,
            List<OwnedSpace.Run> inFile,
            Optional<ShardFile> file,
            MemoryKind kind,
            DType type,
            RankMemory memory,
            boolean pinned) {
        this.held = held;
        this.file = file;
        int runs = held.runs().size();
        this.stored = new boolean[runs];
        this.starts = new long[runs];
        Set<OwnedSpace.Run> extents = new HashSet<>(inFile);
        long fileElements = 0;
        long memoryElements = 0;
        for (int i = 0; i < runs; i++) {
            OwnedSpace.Run run = held.runs().get(i);
            stored[i] = extents.contains(run);
            starts[i] = stored[i] ? fileElements : memoryElements;
            fileElements += stored[i] ? run.length() : 0;
            memoryElements += stored[i] ? 0 : run.length();
        }
        this.memory =
                FlatBuffer.of(
                        memory.allocateBytes(kind, type.bytesOf(memoryElements), pinned), type);
    }

    /** Returns the shape of a file for {@code inFile}; empty if there is nothing to keep in it. */
    static Optional<ShardFiles.Shape> shape(String name, List<OwnedSpace.Run> inFile, DType type) {
        return inFile.isEmpty()
                ? Optional.empty()
                : Optional.of(
                        new ShardFiles.Shape(
                                name, type, inFile.stream().map(OwnedSpace.Run::length).toList()));
    }

    /** Returns whether everything rests in memory. */
    boolean inMemory() {
        return file.isEmpty();
    }

    /** Returns whether the run of an element rests in memory. */
    boolean inMemory(long element) {
        return !stored[held.indexAt(element)];
    }

    /**
     * Returns elements where they lie; over several runs only where everything is in memory.
     *
     * @throws IllegalStateException if they do not rest in memory
     */
    FlatBuffer memory(long first, long length) {
        if (length == 0) {
            return memory.slice(0, 0);
        }
        int run = held.indexAt(first);
        if (stored[run]) {
            throw new IllegalStateException("Element %,d rests in a file.".formatted(first));
        }
        return memory.slice(at(run, first), length);
    }

    private long at(int run, long element) {
        return starts[run] + element - held.runs().get(run).offset();
    }

    private ShardFile file() {
        return file.orElseThrow(() -> new AssertionError("no run is in a file that is not there"));
    }

    /** Replaces elements of one run. */
    void write(long first, FlatBuffer values) {
        int run = held.indexAt(first);
        if (stored[run]) {
            file().write(at(run, first), values);
        } else {
            memory.slice(at(run, first), values.lengthElements()).copyFrom(values);
        }
    }

    /** Reads elements of any number of runs. */
    void read(long first, FlatBuffer into) {
        forRuns(
                first,
                into.lengthElements(),
                (run, element, length) -> {
                    FlatBuffer part = into.slice(element - first, length);
                    if (stored[run]) {
                        file().read(at(run, element), part);
                    } else {
                        part.copyFrom(memory.slice(at(run, element), length));
                    }
                });
    }

    /** Starts reading elements that will be asked for soon; a hint. */
    void prefetch(long first, long length) {
        forRuns(
                first,
                length,
                (run, element, count) -> {
                    if (stored[run]) {
                        file().prefetch(at(run, element), count);
                    }
                });
    }

    /** Gives up what was read of elements that are not asked for soon. */
    void forget(long first, long length) {
        forRuns(
                first,
                length,
                (run, element, count) -> {
                    if (stored[run]) {
                        file().forget(at(run, element), count);
                    }
                });
    }

    /** Returns the slots that {@link #prefetch} fills. */
    AheadSlots aheadSlots() {
        return file.map(ShardFile::aheadSlots).orElse(AheadSlots.NONE);
    }

    /** What is done with the part of a run. */
    @FunctionalInterface
    private interface PartWork {
        void run(int run, long element, long length);
    }

    // Whole runs are whole extents, which a file reads fastest.
    private void forRuns(long first, long length, PartWork work) {
        long element = first;
        while (element < first + length) {
            int run = held.indexAt(element);
            long count = Math.min(held.runs().get(run).end(), first + length) - element;
            work.run(run, element, count);
            element += count;
        }
    }

    long storedBytes() {
        return file.map(ShardFile::storedBytes).orElse(0L);
    }

    Transfers transfers() {
        return file.map(ShardFile::transfers).orElse(Transfers.NONE);
    }

    long stallNanos() {
        return file.map(ShardFile::stallNanos).orElse(0L);
    }
}
