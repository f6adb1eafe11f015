package ds.offload;

import java.nio.file.Path;

/** Where a shard rests between steps. Closed: the pipeline must know how to feed each. */
public sealed interface RestingPlace {
    /** Returns whether what of it is in host memory is to be locked there. */
    default boolean pinned() {
        return switch (this) {
            case OnDevice() -> false;
            case InHost(boolean pinned) -> pinned;
            case OnNvme nvme -> nvme.slots().pinned();
        };
    }

    /** Beside the device's working copy; never moves. */
    record OnDevice() implements RestingPlace {}

    /** Host memory, page-locked if {@code pinned}. */
    record InHost(boolean pinned) implements RestingPlace {}

    /**
     * A store of files under {@code directory}.
     *
     * @param directory the {@code nvme_path}
     * @param slots what its chunks are staged in
     * @param bufferBytes most bytes of a slot, where it would be larger
     */
    record OnNvme(Path directory, StagingSlots slots, long bufferBytes) implements RestingPlace {
        /** Creates a place with so many slots of the usual size. */
        public OnNvme(Path directory, int bufferCount) {
            this(directory, StagingSlots.of(bufferCount), Long.MAX_VALUE);
        }

        /** Returns this place with other slots. */
        public OnNvme withSlots(StagingSlots other) {
            return new OnNvme(directory, other, bufferBytes);
        }
    }
}
