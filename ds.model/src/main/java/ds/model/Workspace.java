package ds.model;

import ds.core.DType;
import ds.core.FlatBuffer;
import ds.core.MemoryKind;
import ds.core.RankMemory;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/**
 * Stack memory for activations: bump allocation, given back to a mark. It grows slab by slab while
 * the first step runs and is constant from then on. Content is undefined. Owned by one thread.
 */
public final class Workspace {
    private static final long SLAB_BYTES = 16L << 20;
    private static final long ALIGNMENT_BYTES = 64;

    /**
     * A position to which {@link #release} returns.
     *
     * @param slab index of the slab
     * @param offsetBytes bytes in use in that slab
     */
    public record Mark(int slab, long offsetBytes) {}

    private final RankMemory memory;
    private final List<MemorySegment> slabs = new ArrayList<>();
    private int slab;
    private long offsetBytes;
    private long usedBelowBytes;
    private long highWaterBytes;

    /** Creates an empty workspace on a rank's memory. */
    public Workspace(RankMemory memory) {
        this.memory = memory;
    }

    /** Returns a buffer of undefined content, valid until an earlier mark is released. */
    public FlatBuffer allocate(DType type, long lengthElements) {
        return FlatBuffer.of(allocateBytes(type.bytesOf(lengthElements)), type);
    }

    /** Returns bytes of undefined content, 64-byte aligned. */
    public MemorySegment allocateBytes(long sizeBytes) {
        while (slab < slabs.size() && offsetBytes + sizeBytes > slabs.get(slab).byteSize()) {
            usedBelowBytes += offsetBytes;
            slab++;
            offsetBytes = 0;
        }
        if (slab == slabs.size()) {
            slabs.add(
                    memory.allocateBytes(
                            MemoryKind.ACTIVATIONS, Math.max(SLAB_BYTES, sizeBytes), false));
        }
        MemorySegment piece = slabs.get(slab).asSlice(offsetBytes, sizeBytes);
        offsetBytes += (sizeBytes + ALIGNMENT_BYTES - 1) / ALIGNMENT_BYTES * ALIGNMENT_BYTES;
        offsetBytes = Math.min(offsetBytes, slabs.get(slab).byteSize());
        highWaterBytes = Math.max(highWaterBytes, usedBelowBytes + offsetBytes);
        return piece;
    }

    /** Returns the present position. */
    public Mark mark() {
        return new Mark(slab, offsetBytes);
    }

    /** Gives back everything allocated since {@code mark}. */
    public void release(Mark mark) {
        slab = mark.slab();
        offsetBytes = mark.offsetBytes();
        usedBelowBytes = 0;
        for (int i = 0; i < slab; i++) {
            usedBelowBytes += slabs.get(i).byteSize();
        }
    }

    /** Returns the most bytes ever in use at once. */
    public long highWaterBytes() {
        return highWaterBytes;
    }
}
