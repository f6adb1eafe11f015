package ds.offload;

import java.nio.file.Path;
import java.util.List;

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
     * A store of files under {@code directories}.
     *
     * @param directories the {@code nvme_path}, or all of {@code nvme_paths}, home first
     * @param slots what its chunks are staged in
     * @param bufferBytes most bytes of a slot, where it would be larger
     */
    record OnNvme(List<Path> directories, StagingSlots slots, long bufferBytes)
            implements RestingPlace {
        /** Copies the list. */
        public OnNvme {
            directories = List.copyOf(directories);
            if (directories.isEmpty()) {
                throw new IllegalArgumentException("A store lies in one directory or more.");
            }
        }

        /** Creates a place in one directory, with so many slots of the usual size. */
        public OnNvme(Path directory, int bufferCount) {
            this(List.of(directory), StagingSlots.of(bufferCount), Long.MAX_VALUE);
        }

        /** Returns this place with other slots. */
        public OnNvme withSlots(StagingSlots other) {
            return new OnNvme(directories, other, bufferBytes);
        }

        /** Returns the directory that is home. */
        public Path directory() {
            return directories.getFirst();
        }
    }
}
