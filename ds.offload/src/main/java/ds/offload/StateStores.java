package ds.offload;

import ds.core.Device;
import ds.core.RankMemory;

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

    /** Returns the bytes of the files that {@link #onNvme} makes. */
    public static long fileBytes(StateLayout layout) {
        return NvmeStateStore.fileBytes(layout);
    }

    /**
     * Creates a store whose arrays rest in {@code directory}, one zero-filled file per array, of
     * which only staging slots are in memory.
     *
     * @param memory where the staging slots are allocated; outlives the store
     * @param device where steps run; outlives the store
     * @param directory this rank's directory; outlives the store
     * @throws StorageException if there is too little space, before anything is written, or a write
     *     fails
     */
    public static StateStore onNvme(
            StateLayout layout,
            RankMemory memory,
            Device device,
            StoreDirectory directory,
            PipelineSettings settings) {
        return NvmeStateStore.create(layout, memory, device, directory, settings);
    }
}
