package ds.offload;

import ds.core.Device;
import ds.core.FlatBuffer;
import java.lang.foreign.MemorySegment;
import java.util.List;

/**
 * Brings chunks to where they are stepped: nowhere, if the device is addressable, else to device
 * memory and back. Used by one thread. Chunks end in the order in which they began.
 */
sealed interface Feed permits DirectFeed, DeviceFeed {
    /** Returns the feed of {@code device} for chunks of at most {@code longest} elements. */
    static Feed to(Device device, int arrays, long longest) {
        return device.addressable() ? new DirectFeed() : new DeviceFeed(device, arrays, longest);
    }

    /** Returns how many chunks may be under way at once. */
    int depth();

    /** Returns whether steps run on the caller's thread, inside of {@link #begin}. */
    boolean stepsHere();

    /** Returns how many chunks are under way. */
    int underWay();

    /**
     * Begins a chunk; at most {@link #depth} are under way.
     *
     * @param stored the chunk's host memory, which the feed keeps until {@link #finish}
     */
    void begin(
            ChunkPlan.Chunk chunk,
            List<FlatBuffer> stored,
            StateStore.Resident resident,
            StateStore.ChunkStep step);

    /** Waits until the oldest chunk under way is stepped and in host memory again. */
    void finish();

    /** Waits for whatever is under way, without regard to its outcome: after a failure. */
    void abandon();

    /** Checks that a chunk may begin. */
    default void requireRoom() {
        if (underWay() == depth()) {
            throw new IllegalStateException(
                    "All %d feed buffers are under way; finish one first.".formatted(depth()));
        }
    }

    /** Wraps the first {@code length} elements of device memory as {@code model} is typed. */
    static FlatBuffer typed(MemorySegment memory, FlatBuffer model) {
        return new FlatBuffer(
                memory.asSlice(0, model.sizeBytes()), model.type(), model.lengthElements());
    }
}
