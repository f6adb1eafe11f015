package ds.offload;

import java.nio.file.Path;

/** Where a shard rests between steps. Closed: the pipeline must know how to feed each. */
public sealed interface RestingPlace {
    /** Beside the device's working copy; never moves. */
    record OnDevice() implements RestingPlace {}

    /** Host memory, page-locked if {@code pinned}. */
    record InHost(boolean pinned) implements RestingPlace {}

    /**
     * A store of files under {@code directory}.
     *
     * @param directory the {@code nvme_path}
     * @param bufferCount staging slots in flight
     * @param bufferBytes most bytes of a slot, where it would be larger
     */
    record OnNvme(Path directory, int bufferCount, long bufferBytes) implements RestingPlace {
        /** Creates a place with slots of the usual size. */
        public OnNvme(Path directory, int bufferCount) {
            this(directory, bufferCount, Long.MAX_VALUE);
        }
    }
}
