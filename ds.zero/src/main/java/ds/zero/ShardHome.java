package ds.zero;

import ds.core.DType;
import ds.core.FlatBuffer;
import ds.core.MemoryKind;
import ds.core.RankMemory;
import ds.offload.ShardFile;
import ds.offload.ShardFiles;
import ds.offload.Transfers;
import java.util.Optional;

/**
 * Where a rank's own part of something sharded rests: in memory, or in a file with one extent per
 * run, so that an element's number in the owned space is its number in the file.
 */
final class ShardHome {
    static final String PARAMETERS = "parameters";
    static final String GRADIENTS = "gradients";

    private final OwnedSpace held;
    private final Optional<FlatBuffer> memory;
    private final Optional<ShardFile> file;

    private ShardHome(OwnedSpace held, Optional<FlatBuffer> memory, Optional<ShardFile> file) {
        this.held = held;
        this.memory = memory;
        this.file = file;
    }

    /** Returns the home in {@code file}, or memory of {@code kind} if there is none. */
    static ShardHome of(
            OwnedSpace held,
            Optional<ShardFile> file,
            MemoryKind kind,
            DType type,
            RankMemory memory) {
        Optional<FlatBuffer> all =
                file.isPresent()
                        ? Optional.empty()
                        : Optional.of(memory.allocate(kind, type, held.elements()));
        return new ShardHome(held, all, file);
    }

    /** Returns the shape of a file for {@code held}. */
    static ShardFiles.Shape shape(String name, OwnedSpace held, DType type) {
        return new ShardFiles.Shape(
                name, type, held.runs().stream().map(OwnedSpace.Run::length).toList());
    }

    Optional<FlatBuffer> memory() {
        return memory;
    }

    void write(long first, FlatBuffer values) {
        memory.ifPresent(all -> all.slice(first, values.lengthElements()).copyFrom(values));
        file.ifPresent(all -> all.write(first, values));
    }

    /** Reads elements of any number of runs. */
    void read(long first, FlatBuffer into) {
        memory.ifPresent(all -> into.copyFrom(all.slice(first, into.lengthElements())));
        file.ifPresent(
                all ->
                        forRuns(
                                first,
                                into.lengthElements(),
                                (at, length) -> all.read(at, into.slice(at - first, length))));
    }

    /** Starts reading elements that will be asked for soon; a hint. */
    void prefetch(long first, long length) {
        file.ifPresent(all -> forRuns(first, length, all::prefetch));
    }

    /** What is done with the part of a run. */
    @FunctionalInterface
    private interface PartWork {
        void run(long first, long length);
    }

    // Whole runs are whole extents, which a file reads fastest.
    private void forRuns(long first, long length, PartWork work) {
        long at = first;
        while (at < first + length) {
            long count = Math.min(held.runAt(at).end(), first + length) - at;
            work.run(at, count);
            at += count;
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
