package ds.offload;

import ds.core.MemoryKind;
import ds.core.RankMemory;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.List;

/**
 * The memory of one slot: an area per array, staggered by the rank's memory, each also as the byte
 * buffer that the checksum wants.
 *
 * @param areas 4 KiB-aligned
 * @param bytes the same memory
 */
record Staging(List<MemorySegment> areas, List<ByteBuffer> bytes) {
    /** Allocates areas of the given sizes, page-locked if {@code pinned}. */
    static Staging allocate(RankMemory memory, List<Long> areaBytes, boolean pinned) {
        List<MemorySegment> areas =
                areaBytes.stream()
                        .map(bytes -> memory.allocateBytes(MemoryKind.STAGING, bytes, pinned))
                        .toList();
        return of(areas);
    }

    /** Returns areas that were allocated together. */
    static Staging of(List<MemorySegment> areas) {
        return new Staging(areas, areas.stream().map(MemorySegment::asByteBuffer).toList());
    }
}
