package ds.zero;

import ds.core.DType;
import ds.core.FlatBuffer;
import ds.core.MemoryKind;
import ds.core.RankMemory;
import ds.offload.ShardFile;
import ds.offload.Transfers;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;

/**
 * The sums of gradients that a rank keeps, in memory or in a file, of which then a few windows are in
 * memory. Owned by the rank's thread.
 */
final class Accumulators {
    /** Windows that chunks of a step may be in at once, and the one that is read meanwhile. */
    static final int LENT = 3;

    /** A file's checksum blocks, of which a window should be whole ones. */
    private static final int BLOCK_BYTES_MAX = 1 << 20;

    private static final long NOWHERE = -1;

    private final OwnedSpace space;
    private final ShardHome home;
    private final DType type;
    private final RankMemory memory;
    private final long windowElements;
    private final long aheadElements;
    private final List<FlatBuffer> windows = new ArrayList<>();
    private int lent;
    private long lentFirst = NOWHERE;
    private long lentElements;

    /** The longest chunk so far, and whether that is the longest there is: all were seen. */
    private long longestChunk;

    private boolean allChunksSeen;
    private long lastChunk = NOWHERE;

    /** Changes a part of the sums; {@code from} counts from the first that is changed. */
    @FunctionalInterface
    interface Change {
        void run(long from, FlatBuffer part);
    }

    /**
     * Allocates the sums, or what of those in a file is in memory at once.
     *
     * @param file where they rest; empty is in memory
     */
    Accumulators(
            OwnedSpace space,
            Optional<ShardFile> file,
            DType type,
            ZeroOptions options,
            RankMemory memory) {
        this.space = space;
        this.home =
                new ShardHome(
                        space,
                        file.isPresent() ? space.runs() : List.of(),
                        file,
                        MemoryKind.GRADIENTS,
                        type,
                        memory,
                        false);
        this.type = type;
        this.memory = memory;
        this.windowElements = windowElements(space, type, options);
        long block = blockBytes(options);
        // What a file's own buffers hold, so that it can be read ahead.
        this.aheadElements = options.chunkBytes() / block * block / type.sizeBytes();
    }

    private static long blockBytes(ZeroOptions options) {
        return Math.min(BLOCK_BYTES_MAX, Long.highestOneBit(options.chunkBytes()));
    }

    /** Returns the elements of a window. */
    static long windowElements(OwnedSpace space, DType type, ZeroOptions options) {
        long block = blockBytes(options);
        long window = (options.chunkBytes() + block - 1) / block * block;
        return Math.min(WorkingMemory.longest(space.runs()), window / type.sizeBytes());
    }

    /** Returns the number of an element of a region among the sums. */
    long at(int unit, Region region, long regionOffset) {
        return space.offsetOf(unit, region, regionOffset);
    }

    /** Returns the number of an element of another space among the sums. */
    long at(OwnedSpace other, long offset) {
        OwnedSpace.Run run = other.runAt(offset);
        return at(run.unit(), run.region(), run.regionOffset() + offset - run.offset());
    }

    /** Returns the type of the sums. */
    DType type() {
        return type;
    }

    private boolean inMemory() {
        return home.inMemory();
    }

    /** Returns sums where they lie; only where they rest in memory. */
    FlatBuffer inMemory(long first, long length) {
        return home.memory(first, length);
    }

    private FlatBuffer window(int number, long elements) {
        while (windows.size() <= number) {
            windows.add(memory.allocate(MemoryKind.STAGING, type, windowElements));
        }
        return windows.get(number).slice(0, elements);
    }

    /**
     * Changes sums of one run.
     *
     * @param added whether what is there counts; else it is not read
     */
    void update(long first, long length, boolean added, Change change) {
        if (inMemory()) {
            change.run(0, inMemory(first, length));
            return;
        }
        lentFirst = NOWHERE;
        for (long from = 0; from < length; from += windowElements) {
            FlatBuffer part = window(0, Math.min(windowElements, length - from));
            if (added) {
                home.read(first + from, part);
            }
            change.run(from, part);
            home.write(first + from, part);
        }
    }

    /** Returns whether all parts of sums of one run are as {@code wanted}. */
    boolean all(long first, long length, Predicate<FlatBuffer> wanted) {
        if (inMemory()) {
            return wanted.test(inMemory(first, length));
        }
        lentFirst = NOWHERE;
        for (long from = 0; from < length; from += windowElements) {
            FlatBuffer part = window(0, Math.min(windowElements, length - from));
            home.read(first + from, part);
            if (!wanted.test(part)) {
                return false;
            }
        }
        return true;
    }

    /**
     * Lends the sums of one chunk of a step; what is lent stays until chunks of {@link #LENT} more
     * windows were asked for. A window in a file is read at once; from the second pass on, the next one ahead.
     *
     * @param first the chunk lies inside one run
     */
    FlatBuffer chunk(long first, long length) {
        if (inMemory()) {
            return inMemory(first, length);
        }
        longestChunk = Math.max(longestChunk, length);
        allChunksSeen |= first <= lastChunk;
        lastChunk = first;
        if (lentFirst == NOWHERE
                || first < lentFirst
                || first + length > lentFirst + lentElements) {
            lend(first);
        }
        return windows.get(lent).slice(first - lentFirst, length);
    }

    private void lend(long first) {
        lent = (lent + 1) % LENT;
        lentFirst = first;
        lentElements = windowOf(first);
        home.read(first, window(lent, lentElements));
        long next = first + lentElements;
        if (allChunksSeen && next < space.elements()) {
            home.prefetch(next, windowOf(next));
        }
    }

    /** Returns how many elements from {@code first} on are read at once: whole chunks of a run. */
    private long windowOf(long first) {
        long chunks = Math.max(1, Math.min(windowElements, aheadElements) / longestChunk);
        return Math.min(chunks * longestChunk, space.runAt(first).end() - first);
    }

    /** Returns sums of one run: where they lie, or read into {@code staging}. */
    FlatBuffer whole(long first, long length, FlatBuffer staging) {
        if (inMemory()) {
            return inMemory(first, length);
        }
        FlatBuffer copy = staging.slice(0, length);
        home.read(first, copy);
        return copy;
    }

    /** Returns how many elements of {@code longest} have to be staged for {@link #whole}. */
    long stagedElements(long longest) {
        return inMemory() ? 0 : longest;
    }

    long storedBytes() {
        return home.storedBytes();
    }

    long stallNanos() {
        return home.stallNanos();
    }

    Transfers transfers() {
        return home.transfers();
    }
}
