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
 * the first step runs; once everything has been given back, one slab of exactly the most bytes that
 * were in use takes the place of several. Content is undefined. Owned by one thread.
 */
public final class Workspace {
    private static final long SLAB_BYTES = 16L << 20;
    private static final long ALIGNMENT_BYTES = 64;

    /**
     * A position to which {@link #release} returns.
     *
     * @param slab index of the slab
     * @param offsetBytes bytes in use in that slab
     * @param belowBytes bytes in use in the slabs before it
     */
    public record Mark(int slab, long offsetBytes, long belowBytes) {}

    private final RankMemory memory;
    private final List<RankMemory.Piece> slabs = new ArrayList<>();
    private int slab;
    private long offsetBytes;
    private long belowBytes;
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
        long takenBytes = (sizeBytes + ALIGNMENT_BYTES - 1) / ALIGNMENT_BYTES * ALIGNMENT_BYTES;
        while (slab < slabs.size() && offsetBytes + takenBytes > slabBytes(slab)) {
            belowBytes += offsetBytes;
            slab++;
            offsetBytes = 0;
        }
        if (slab == slabs.size()) {
            grow(Math.max(SLAB_BYTES, takenBytes));
        }
        MemorySegment piece = slabs.get(slab).segment().asSlice(offsetBytes, sizeBytes);
        offsetBytes += takenBytes;
        highWaterBytes = Math.max(highWaterBytes, belowBytes + offsetBytes);
        return piece;
    }

    private void grow(long sizeBytes) {
        slabs.add(memory.allocatePiece(MemoryKind.ACTIVATIONS, sizeBytes));
    }

    private long slabBytes(int index) {
        return slabs.get(index).segment().byteSize();
    }

    /** Returns the present position. */
    public Mark mark() {
        return new Mark(slab, offsetBytes, belowBytes);
    }

    /** Gives back everything allocated since {@code mark}. */
    public void release(Mark mark) {
        slab = mark.slab();
        offsetBytes = mark.offsetBytes();
        belowBytes = mark.belowBytes();
        if (belowBytes + offsetBytes == 0 && slabs.size() > 1) {
            slabs.forEach(RankMemory.Piece::close);
            slabs.clear();
            grow(highWaterBytes);
            slab = 0;
        }
    }

    /** Returns the most bytes ever in use at once. */
    public long highWaterBytes() {
        return highWaterBytes;
    }
}
