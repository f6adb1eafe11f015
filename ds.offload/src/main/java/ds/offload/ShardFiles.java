package ds.offload;

import ds.core.DType;
import ds.core.RankMemory;
import java.util.List;

/** Makes shard files. */
public final class ShardFiles {
    private ShardFiles() {}

    /**
     * What a shard file holds.
     *
     * @param name also the name of the file, such as {@code parameters}; unlike any state array's
     * @param type the element type
     * @param extentLengths elements of each extent, in order; 0 is allowed
     */
    public record Shape(String name, DType type, List<Long> extentLengths) {
        /** Copies the lengths. */
        public Shape {
            extentLengths = List.copyOf(extentLengths);
        }
    }

    /** Returns the bytes of the file that {@link #onNvme} makes. */
    public static long fileBytes(Shape shape) {
        return NvmeShardFile.fileBytes(shape);
    }

    /** Returns the bytes of that file in one of the paths that it is dealt out to. */
    public static long partBytes(Shape shape, Stripes stripes, int path) {
        return stripes.partBytes(path, fileBytes(shape));
    }

    /** Returns the bytes of all staging slots of the file that {@link #onNvme} makes. */
    public static long stagingBytes(Shape shape, PipelineSettings settings) {
        return settings.slots().used() * slotBytes(shape, settings);
    }

    /** Returns the bytes of one staging slot of the file that {@link #onNvme} makes. */
    public static long slotBytes(Shape shape, PipelineSettings settings) {
        return NvmeShardFile.slotBytes(shape, settings);
    }

    /** Returns the slots that are read ahead into, of the file that {@link #onNvme} makes. */
    public static AheadSlots aheadSlots(Shape shape, PipelineSettings settings) {
        return NvmeShardFile.aheadSlots(shape, settings);
    }

    /**
     * Creates a zero-filled file in {@code directory}, of which only staging slots are in memory.
     *
     * @param memory where the staging slots are allocated; outlives the file
     * @param directory this rank's directory; outlives the file
     * @param settings a slot holds the longest extent, but at most its {@code chunkBytes}
     * @throws StorageException if there is too little space, before anything is written, or a write
     *     fails
     */
    public static ShardFile onNvme(
            Shape shape, RankMemory memory, StoreDirectory directory, PipelineSettings settings) {
        return NvmeShardFile.create(shape, memory, directory, settings);
    }
}
