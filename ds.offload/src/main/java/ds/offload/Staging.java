package ds.offload;

import ds.core.MemoryKind;
import ds.core.RankMemory;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.stream.Stream;

/**
 * The memory of one slot: an area per array, staggered by the rank's memory, each also as the byte
 * buffer that the checksum wants.
 *
 * @param areas 4 KiB-aligned
 * @param bytes the same memory
 */
record Staging(List<MemorySegment> areas, List<ByteBuffer> bytes) {
    /** Allocates {@code arrays} areas. */
    static Staging allocate(RankMemory memory, int arrays, long areaBytes) {
        List<MemorySegment> areas =
                Stream.generate(() -> memory.allocateBytes(MemoryKind.STAGING, areaBytes, false))
                        .limit(arrays)
                        .toList();
        return new Staging(areas, areas.stream().map(MemorySegment::asByteBuffer).toList());
    }
}
