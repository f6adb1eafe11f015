package ds.offload;

import ds.core.Device;
import ds.core.RankMemory;
import java.util.List;
import java.util.stream.IntStream;

/** Makes state stores for each resting place. */
public final class StateStores {
    private StateStores() {}

    /**
     * Returns a store whose arrays rest in host memory, zeroed. Where {@code device} is addressable
     * a step works on them in place; otherwise every chunk is fed to the device and back.
     *
     * @param memory where the arrays are allocated; outlives the store
     * @param device where steps run; outlives the store
     * @param pinned whether to lock the pages in memory
     * @param chunkBytes the most that one call of a step sees, over all arrays
     */
    public static StateStore inMemory(
            StateLayout layout, RankMemory memory, Device device, boolean pinned, long chunkBytes) {
        return new MemoryStateStore(layout, memory, device, pinned, chunkBytes);
    }

    /**
     * Returns the bytes of the files that a store makes.
     *
     * @param chunkBytes of its {@link PipelineSettings}
     */
    public static long fileBytes(StateLayout layout, long chunkBytes, StoreTerms terms) {
        StoreShape shape = shape(layout, chunkBytes, terms);
        return shape.fileBytes() + (terms.survives() ? CommittedStateStore.journalBytes(shape) : 0);
    }

    /**
     * Returns the bytes of these files in one of the paths that they are dealt out to.
     *
     * @param path its number; 0, home, has the journal too
     */
    public static long partBytes(
            StateLayout layout, long chunkBytes, StoreTerms terms, Stripes stripes, int path) {
        StoreShape shape = shape(layout, chunkBytes, terms);
        long journal = path == 0 && terms.survives() ? CommittedStateStore.journalBytes(shape) : 0;
        return journal
                + shape.fileSizes().stream().mapToLong(size -> stripes.partBytes(path, size)).sum();
    }

    /** Returns the bytes of these files without those of the journal. */
    public static long extentBytes(StateLayout layout, long chunkBytes, StoreTerms terms) {
        return shape(layout, chunkBytes, terms).fileBytes();
    }

    private static StoreShape shape(StateLayout layout, long chunkBytes, StoreTerms terms) {
        return new StoreShape(
                terms.survives() ? layout : layout.withoutExtras(),
                ChunkPlan.of(layout, chunkBytes).blockBytes(),
                terms.generations());
    }

    /** Returns the bytes of memory that a store in files takes beside what stays there. */
    public static long stagingBytes(
            StateLayout layout, PipelineSettings settings, StoreTerms terms) {
        return NvmeStateStore.stagingBytes(layout, terms, settings)
                + (terms.survives()
                        ? CommittedStateStore.recordBytes(
                                shape(layout, settings.chunkBytes(), terms))
                        : 0);
    }

    /** Returns the bytes of those that chunks are staged in. */
    public static long slotBytes(StateLayout layout, PipelineSettings settings, StoreTerms terms) {
        return NvmeStateStore.slotBytes(layout, terms, settings);
    }

    /** Returns the bytes that a store in memory takes beside its arrays. */
    public static long stagingBytes(StateLayout layout, long chunkBytes) {
        return MemoryStateStore.stagingBytes(layout, chunkBytes);
    }

    /** Returns the most elements of one array that a step sees at once. */
    public static long chunkElements(StateLayout layout, long chunkBytes) {
        return ChunkPlan.of(layout, chunkBytes).longest();
    }

    /**
     * Returns how many elements of each array stay in memory: whole chunks, so that few of them are
     * a rough share.
     *
     * @param chunkBytes of its {@link PipelineSettings}
     */
    public static List<Long> residentElements(
            StateLayout layout, long chunkBytes, StoreTerms terms) {
        List<ChunkPlan.Chunk> resident = ChunkPlan.of(layout, chunkBytes, terms.share()).resident();
        return IntStream.range(0, layout.arrays().size())
                .mapToObj(
                        array ->
                                resident.stream()
                                        .filter(chunk -> layout.has(array, chunk.run()))
                                        .mapToLong(ChunkPlan.Chunk::length)
                                        .sum())
                .toList();
    }

    /**
     * Creates a store whose arrays rest in {@code directory}, one zero-filled file per array, of
     * which only staging slots and what {@code terms} keep there are in memory, and none for extra
     * arrays. It is written in place and deleted when it is closed.
     *
     * @param memory where the staging slots are allocated; outlives the store
     * @param device where steps run; outlives the store
     * @param directory this rank's directory; outlives the store
     * @param terms {@link StoreTerms#IN_PLACE}, with any share
     * @throws StorageException if there is too little space, before anything is written, or a write
     *     fails
     */
    public static StateStore onNvme(
            StateLayout layout,
            RankMemory memory,
            Device device,
            StoreDirectory directory,
            PipelineSettings settings,
            StoreTerms terms) {
        if (terms.survives()) {
            throw new IllegalArgumentException(
                    "A store in place has one generation, was asked for %d."
                            .formatted(terms.generations()));
        }
        return NvmeStateStore.inPlace(
                NvmeStateStore.Parts.of(layout.withoutExtras(), terms, memory, device, settings),
                directory);
    }

    /**
     * As {@link #onNvme}, but every extent is there as often as {@code terms} say, and a journal holds
     * the commits: what was committed last is there after any crash.
     *
     * @param terms of 2 or 3 generations
     * @param identity whose state it is
     */
    public static DurableStore durable(
            StateLayout layout,
            RankMemory memory,
            Device device,
            StoreDirectory directory,
            PipelineSettings settings,
            StoreTerms terms,
            StoreIdentity identity) {
        return CommittedStateStore.create(
                NvmeStateStore.Parts.of(layout, terms, memory, device, settings),
                memory,
                directory,
                identity);
    }

    /**
     * Opens a store that {@link #durable} made, in a directory that was reopened; to be recovered
     * before it is used. Reading its journal repairs what one bad copy of a record allows. What stays
     * in memory may be another share than it was.
     *
     * @throws StorageException if it is of another layout, cannot be read, or is not whole
     */
    public static DurableStore reopen(
            StateLayout layout,
            RankMemory memory,
            Device device,
            StoreDirectory directory,
            PipelineSettings settings,
            StoreTerms terms,
            StoreIdentity identity) {
        return CommittedStateStore.reopen(
                NvmeStateStore.Parts.of(
                        CommittedStateStore.asMade(layout, directory),
                        terms,
                        memory,
                        device,
                        settings),
                memory,
                directory,
                identity);
    }
}
