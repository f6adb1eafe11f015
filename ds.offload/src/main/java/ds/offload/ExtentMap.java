package ds.offload;

import java.nio.file.Path;
import java.util.Arrays;

/**
 * Where extents lie in a file, and their blocks: payload bytes are numbered over all extents without
 * padding, blocks over all extents with it. Never changes.
 */
final class ExtentMap {
    private final Path file;
    private final int blockBytes;
    private final long[] starts;
    private final long[] sizes;
    private final long[] offsets;
    private final int[] firstBlocks;

    /** Lays out {@code shape}; {@code file} is for messages. */
    ExtentMap(Path file, ExtentFile.Shape shape) {
        this.file = file;
        this.blockBytes = shape.blockBytes();
        int extents = shape.extentBytes().size();
        this.starts = new long[extents + 1];
        this.sizes = new long[extents];
        this.offsets = new long[extents + 1];
        this.firstBlocks = new int[extents + 1];
        for (int i = 0; i < extents; i++) {
            sizes[i] = shape.extentBytes().get(i);
            starts[i + 1] = starts[i] + sizes[i];
            offsets[i + 1] = offsets[i] + ExtentFile.padded(sizes[i]);
            long blocks = (ExtentFile.padded(sizes[i]) + blockBytes - 1) / blockBytes;
            firstBlocks[i + 1] = Math.toIntExact(firstBlocks[i] + blocks);
        }
    }

    /** Returns the bytes under one checksum. */
    int blockBytes() {
        return blockBytes;
    }

    int extents() {
        return sizes.length;
    }

    /** Returns the payload bytes of an extent. */
    long sizeBytes(int extent) {
        return sizes[extent];
    }

    /** Returns the bytes of one slot of all extents. */
    long slotBytes() {
        return offsets[sizes.length];
    }

    /** Returns the blocks of one slot of all extents. */
    int blocks() {
        return firstBlocks[sizes.length];
    }

    /** Returns the blocks of one slot of an extent. */
    int blocks(int extent) {
        return firstBlocks[extent + 1] - firstBlocks[extent];
    }

    /** Returns the number of the block at an offset of an extent, over all extents. */
    int index(int extent, long offsetInExtent) {
        return firstBlocks[extent] + (int) (offsetInExtent / blockBytes);
    }

    /** Returns the bytes of a block of an extent, of which the last may be shorter. */
    int blockSize(int extent, int block) {
        return (int)
                Math.min(blockBytes, ExtentFile.padded(sizes[extent]) - (long) block * blockBytes);
    }

    /** Returns where in the file an offset of an extent is, in one of its slots. */
    long position(int slot, int extent, long offsetInExtent) {
        return slot * slotBytes() + offsets[extent] + offsetInExtent;
    }

    /**
     * Whole blocks of one extent that hold wanted bytes.
     *
     * @param offset of the first block in the extent
     * @param sizeBytes of the blocks
     * @param skip bytes before the wanted ones
     * @param payloadBytes wanted
     */
    record Span(int extent, long offset, long sizeBytes, long skip, long payloadBytes) {
        /** Returns whether the wanted bytes are all there are in these blocks. */
        boolean covers(long extentBytes) {
            long used = Math.min(sizeBytes, extentBytes - offset);
            return skip == 0 && payloadBytes == used;
        }

        /** Returns the part in the first block; the last one, if the blocks before it are covered. */
        Span firstBlock(int blockBytes, long extentBytes) {
            if (skip == 0 && payloadBytes >= blockBytes) {
                long whole = payloadBytes / blockBytes * blockBytes;
                return new Span(extent, offset, whole, 0, whole);
            }
            long size = Math.min(blockBytes, ExtentFile.padded(extentBytes) - offset);
            return new Span(extent, offset, size, skip, Math.min(payloadBytes, size - skip));
        }
    }

    /**
     * Returns the blocks that hold up to {@code wanted} bytes from {@code firstByte} on, no more than
     * an area of {@code areaBytes} takes.
     */
    Span span(long firstByte, long wanted, long areaBytes) {
        int extent = extentAt(firstByte);
        long at = firstByte - starts[extent];
        long offset = at / blockBytes * blockBytes;
        long limit = areaBytes >= blockBytes ? areaBytes / blockBytes * blockBytes : areaBytes;
        long end =
                (Math.min(at + wanted, sizes[extent]) + blockBytes - 1) / blockBytes * blockBytes;
        long size = Math.min(Math.min(end, ExtentFile.padded(sizes[extent])) - offset, limit);
        long payload = Math.min(Math.min(wanted, sizes[extent] - at), offset + size - at);
        return new Span(extent, offset, size, at - offset, payload);
    }

    private int extentAt(long byteIndex) {
        int found = Arrays.binarySearch(starts, byteIndex);
        int extent = found >= 0 ? found : -found - 2;
        while (extent < sizes.length && sizes[extent] == 0) {
            extent++; // an empty extent starts where its successor does
        }
        if (byteIndex < 0 || extent >= sizes.length) {
            throw new IndexOutOfBoundsException(
                    "Byte %,d lies outside %s, which has %,d."
                            .formatted(byteIndex, file, starts[sizes.length]));
        }
        return extent;
    }
}
