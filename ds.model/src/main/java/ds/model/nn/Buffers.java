package ds.model.nn;

import ds.core.DType;
import ds.core.FlatBuffer;
import ds.model.Workspace;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The memory of one pass: blocks of a workspace that go back to a free list as soon as nobody refers
 * to them, last freed first taken, so that they are still in the cache. Everything goes back to the
 * workspace at the end. Owned by the rank's thread.
 */
final class Buffers {
    private static final int FIRST_CAPACITY = 64;

    /** A piece of memory with a count of its holders. */
    static final class Block {
        private MemorySegment segment;
        private FlatBuffer view;
        private int references;
        private long usedBytes;

        /** How many recorded operations read the content in the backward pass. */
        int readers;

        /** Whether the content must stay until the end of the pass. */
        boolean pinned;

        private Block(MemorySegment segment, DType type) {
            this.segment = segment;
            this.view = FlatBuffer.of(segment, type);
        }

        /** Returns whether the caller's reference is the only one. */
        boolean isExclusive() {
            return references == 1;
        }

        /** Returns the first {@code elements} of the block. */
        FlatBuffer view(DType type, long elements) {
            if (view.type() != type || view.lengthElements() != elements) {
                view = new FlatBuffer(segment.asSlice(0, type.bytesOf(elements)), type, elements);
            }
            return view;
        }
    }

    private final List<Block> blocks = new ArrayList<>();
    private Block[] free = new Block[FIRST_CAPACITY];
    private int freeCount;
    private int made;
    private long liveBytes;
    private long mostLiveBytes;
    private Workspace workspace;
    private Workspace.Mark mark;

    Buffers(Workspace workspace) {
        this.workspace = workspace;
        this.mark = workspace.mark();
    }

    /** Starts a pass on {@code workspace}. */
    void begin(Workspace newWorkspace) {
        workspace = newWorkspace;
        mark = newWorkspace.mark();
        made = 0;
        freeCount = 0;
        liveBytes = 0;
    }

    /** Returns the most bytes that somebody referred to at once, in any pass so far. */
    long mostLiveBytes() {
        return mostLiveBytes;
    }

    int keptBlocks() {
        return blocks.size();
    }

    /** Gives everything back to the workspace. */
    void end() {
        workspace.release(mark);
        made = 0;
        freeCount = 0;
    }

    /** Returns a block of undefined content with one reference. */
    Block take(DType type, long elements) {
        long sizeBytes = Math.max(type.bytesOf(elements), 1);
        int best = -1;
        for (int i = freeCount - 1; i >= 0; i--) {
            long capacity = free[i].segment.byteSize();
            if (capacity == sizeBytes) {
                best = i;
                break;
            }
            // a block of up to twice the size is better than a new one
            if (capacity > sizeBytes
                    && capacity <= 2 * sizeBytes
                    && (best < 0 || capacity < free[best].segment.byteSize())) {
                best = i;
            }
        }
        Block block;
        if (best >= 0) {
            block = free[best];
            freeCount--;
            System.arraycopy(free, best + 1, free, best, freeCount - best);
        } else {
            block = fresh(type, sizeBytes);
        }
        block.references = 1;
        block.usedBytes = sizeBytes;
        liveBytes += sizeBytes;
        mostLiveBytes = Math.max(mostLiveBytes, liveBytes);
        block.readers = 0;
        block.pinned = false;
        return block;
    }

    private Block fresh(DType type, long sizeBytes) {
        MemorySegment segment = workspace.allocateBytes(sizeBytes);
        if (made == blocks.size()) {
            blocks.add(new Block(segment, type));
        } else if (!sameMemory(blocks.get(made).segment, segment)) {
            blocks.set(made, new Block(segment, type));
        }
        return blocks.get(made++);
    }

    private static boolean sameMemory(MemorySegment a, MemorySegment b) {
        return a.address() == b.address()
                && a.byteSize() == b.byteSize()
                && a.scope().equals(b.scope());
    }

    /** Adds a holder. */
    void retain(Block block) {
        block.references++;
    }

    /** Removes a holder; the last one frees the block. */
    void release(Block block) {
        assert block.references > 0 : "released too often";
        if (--block.references == 0) {
            liveBytes -= block.usedBytes;
            if (freeCount == free.length) {
                free = Arrays.copyOf(free, 2 * freeCount);
            }
            free[freeCount++] = block;
        }
    }
}
