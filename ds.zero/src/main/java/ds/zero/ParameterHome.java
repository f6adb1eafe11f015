package ds.zero;

import ds.core.DType;
import ds.core.FlatBuffer;
import ds.core.MemoryKind;
import ds.core.RankMemory;
import ds.offload.ShardFile;
import ds.offload.ShardFiles;
import java.util.Optional;

/**
 * Where a rank's own part of sharded parameters rests: in memory, or in a file with one extent per
 * run, so that an element's number in the owned space is its number in the file.
 */
final class ParameterHome {
    private static final String FILE = "parameters";

    private final OwnedSpace held;
    private final Optional<FlatBuffer> memory;
    private final Optional<ShardFile> file;

    private ParameterHome(OwnedSpace held, Optional<FlatBuffer> memory, Optional<ShardFile> file) {
        this.held = held;
        this.memory = memory;
        this.file = file;
    }

    static ParameterHome inMemory(OwnedSpace held, DType precision, RankMemory memory) {
        return new ParameterHome(
                held,
                Optional.of(memory.allocate(MemoryKind.PARAMETERS, precision, held.elements())),
                Optional.empty());
    }

    static ParameterHome inFile(OwnedSpace held, ShardFile file) {
        return new ParameterHome(held, Optional.empty(), Optional.of(file));
    }

    /** Returns the shape of a file for {@code held}. */
    static ShardFiles.Shape shape(OwnedSpace held, DType precision) {
        return new ShardFiles.Shape(
                FILE, precision, held.runs().stream().map(OwnedSpace.Run::length).toList());
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

    long stallNanos() {
        return file.map(ShardFile::stallNanos).orElse(0L);
    }
}
