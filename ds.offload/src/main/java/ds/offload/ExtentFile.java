package ds.offload;

import ds.core.Pending;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.zip.CRC32C;

/**
 * One preallocated file of extents. Every block has a checksum over store, file, extent, block
 * number, generation and bytes (padding too), kept here and never beside the data: so a corrupt, a
 * misdirected and a stale block are noticed alike when it is read. Owned by one thread at a time.
 */
final class ExtentFile implements AutoCloseable {
    static final String SUFFIX = ".bin";

    private static final int ALIGNMENT_BYTES = 4096;
    private static final int HEADER_BYTES = 40;

    /**
     * What a file is.
     *
     * @param name without suffix
     * @param number tells the files of a store apart in checksums
     * @param extentBytes the payload of each extent
     * @param blockBytes the bytes under one checksum, a power of two of at least 4 KiB
     */
    record Shape(String name, int number, List<Long> extentBytes, int blockBytes) {
        Shape {
            extentBytes = List.copyOf(extentBytes);
        }

        /** Returns the bytes of the file: every extent padded to 4 KiB. */
        long fileBytes() {
            return ExtentFile.fileBytes(extentBytes);
        }

        /** Returns the bytes of the longest extent, padded. */
        long longest() {
            return extentBytes.stream().mapToLong(ExtentFile::padded).max().orElse(0);
        }
    }

    private final Path file;
    private final long storeId;
    private final int number;
    private final int blockBytes;
    private final long[] starts;
    private final long[] sizes;
    private final long[] offsets;
    private final int[] firstBlocks;
    private final int[] checksums;
    private final int[] generations;
    private final ByteBuffer header =
            ByteBuffer.allocate(HEADER_BYTES).order(ByteOrder.LITTLE_ENDIAN);
    private final CRC32C crc = new CRC32C();
    private final StorageBackend backend;

    /** Creates the file, writes it full of zeros, and opens it. Deletes it if that fails. */
    static ExtentFile create(
            StoreDirectory directory,
            Shape shape,
            long storeId,
            Staging zeros,
            int depth,
            Duration stuckAfter) {
        Path file = directory.path().resolve(shape.name() + SUFFIX);
        boolean whole = false;
        try {
            writeZeros(directory, file, shape.fileBytes(), zeros.bytes().getFirst());
            StorageBackend backend =
                    directory.provider().open(file, depth, stuckAfter, directory.files());
            ExtentFile created = new ExtentFile(file, shape, storeId, backend);
            created.sealZeros(zeros.bytes().getFirst());
            whole = true;
            return created;
        } finally {
            if (!whole) {
                try {
                    Files.deleteIfExists(file);
                } catch (IOException e) {
                    System.getLogger(ExtentFile.class.getName())
                            .log(System.Logger.Level.WARNING, "Cannot delete {0}: {1}", file, e);
                }
            }
        }
    }

    private static void writeZeros(
            StoreDirectory directory, Path file, long sizeBytes, ByteBuffer zeros) {
        long at = 0;
        try (FileChannel channel = directory.create(file)) {
            while (at < sizeBytes) {
                ByteBuffer piece = zeros.slice(0, (int) Math.min(zeros.capacity(), sizeBytes - at));
                int moved = directory.files().write(channel, file, piece, at);
                if (moved <= 0) {
                    throw new IOException("the operating system made no progress");
                }
                at += moved;
            }
        } catch (IOException e) {
            throw new StorageException(
                    "Preallocating %,d bytes of %s failed after %,d bytes: %s; make room or use another nvme_path."
                            .formatted(sizeBytes, file, at, e.getMessage()),
                    e);
        }
    }

    private ExtentFile(Path file, Shape shape, long storeId, StorageBackend backend) {
        this.file = file;
        this.storeId = storeId;
        this.number = shape.number();
        this.blockBytes = shape.blockBytes();
        this.backend = backend;
        int extents = shape.extentBytes().size();
        this.starts = new long[extents + 1];
        this.sizes = new long[extents];
        this.offsets = new long[extents + 1];
        this.firstBlocks = new int[extents + 1];
        for (int i = 0; i < extents; i++) {
            sizes[i] = shape.extentBytes().get(i);
            starts[i + 1] = starts[i] + sizes[i];
            offsets[i + 1] = offsets[i] + padded(sizes[i]);
            long blocks = (padded(sizes[i]) + blockBytes - 1) / blockBytes;
            firstBlocks[i + 1] = Math.toIntExact(firstBlocks[i] + blocks);
        }
        this.checksums = new int[firstBlocks[extents]];
        this.generations = new int[firstBlocks[extents]];
    }

    static long fileBytes(List<Long> extentBytes) {
        return extentBytes.stream().mapToLong(ExtentFile::padded).sum();
    }

    static long padded(long sizeBytes) {
        return (sizeBytes + ALIGNMENT_BYTES - 1) / ALIGNMENT_BYTES * ALIGNMENT_BYTES;
    }

    private void sealZeros(ByteBuffer zeros) {
        for (int extent = 0; extent < sizes.length; extent++) {
            for (int block = 0; block < blocks(extent); block++) {
                int size = blockSize(extent, block);
                int index = firstBlocks[extent] + block;
                begin(extent, block, generations[index]);
                for (int at = 0; at < size; at += zeros.capacity()) {
                    crc.update(zeros.slice(0, Math.min(zeros.capacity(), size - at)));
                }
                checksums[index] = (int) crc.getValue();
            }
        }
    }

    private int blocks(int extent) {
        return firstBlocks[extent + 1] - firstBlocks[extent];
    }

    private int blockSize(int extent, int block) {
        return (int) Math.min(blockBytes, padded(sizes[extent]) - (long) block * blockBytes);
    }

    private void begin(int extent, int block, int generation) {
        header.clear();
        header.putLong(storeId).putLong(number).putLong(extent).putLong(block).putLong(generation);
        crc.reset();
        crc.update(header.array(), 0, HEADER_BYTES);
    }

    private int checksum(int extent, int block, int generation, ByteBuffer bytes, int position) {
        begin(extent, block, generation);
        bytes.limit(position + blockSize(extent, block)).position(position);
        crc.update(bytes);
        bytes.clear();
        return (int) crc.getValue();
    }

    /** Starts reading whole blocks of an extent. */
    Pending read(int extent, long offsetInExtent, MemorySegment into) {
        return backend.read(offsets[extent] + offsetInExtent, into);
    }

    /** Starts writing whole, sealed blocks of an extent. */
    Pending write(int extent, long offsetInExtent, MemorySegment from) {
        return backend.write(offsets[extent] + offsetInExtent, from);
    }

    /**
     * Checks the blocks in the first {@code sizeBytes} of {@code bytes} against what was written.
     *
     * @throws StorageException naming file, extent, block, expected and actual
     */
    void verify(int extent, long offsetInExtent, ByteBuffer bytes, long sizeBytes) {
        int block = (int) (offsetInExtent / blockBytes);
        for (int at = 0; at < sizeBytes; at += blockBytes, block++) {
            int index = firstBlocks[extent] + block;
            int actual = checksum(extent, block, generations[index], bytes, at);
            if (actual != checksums[index]) {
                throw new StorageException(
                        "Block %d of extent %d of %s (offset %,d, generation %d) is not what was written: checksum %08x expected, %08x read; the device or its driver lost or changed data, so resume from a checkpoint."
                                .formatted(
                                        block,
                                        extent,
                                        file,
                                        offsets[extent] + (long) block * blockBytes,
                                        generations[index],
                                        checksums[index],
                                        actual));
            }
        }
    }

    /** Takes the checksums of the blocks in {@code bytes}, which are about to be written. */
    void seal(int extent, long offsetInExtent, ByteBuffer bytes, long sizeBytes) {
        int block = (int) (offsetInExtent / blockBytes);
        for (int at = 0; at < sizeBytes; at += blockBytes, block++) {
            int index = firstBlocks[extent] + block;
            checksums[index] = checksum(extent, block, ++generations[index], bytes, at);
        }
    }

    /** Reads payload bytes from {@code firstByte} on, by way of {@code staging}'s first area. */
    void read(long firstByte, MemorySegment into, Staging staging) {
        long done = 0;
        while (done < into.byteSize()) {
            Span span = span(firstByte + done, into.byteSize() - done, staging);
            fetch(span, staging);
            MemorySegment.copy(
                    staging.areas().getFirst(), span.skip(), into, done, span.payloadBytes());
            done += span.payloadBytes();
        }
    }

    /** Writes payload bytes from {@code firstByte} on, by way of {@code staging}'s first area. */
    void write(long firstByte, MemorySegment from, Staging staging) {
        MemorySegment area = staging.areas().getFirst();
        long done = 0;
        while (done < from.byteSize()) {
            Span span = span(firstByte + done, from.byteSize() - done, staging);
            if (!span.covers(sizes[span.extent()])) {
                span =
                        span.firstBlock(
                                blockBytes, sizes[span.extent()], padded(sizes[span.extent()]));
                if (!span.covers(sizes[span.extent()])) {
                    fetch(span, staging);
                }
            }
            MemorySegment.copy(from, done, area, span.skip(), span.payloadBytes());
            long end = span.skip() + span.payloadBytes();
            if (span.offset() + end == sizes[span.extent()]) {
                area.asSlice(end, span.sizeBytes() - end).fill((byte) 0);
            }
            seal(span.extent(), span.offset(), staging.bytes().getFirst(), span.sizeBytes());
            write(span.extent(), span.offset(), area.asSlice(0, span.sizeBytes())).await();
            done += span.payloadBytes();
        }
    }

    private void fetch(Span span, Staging staging) {
        read(span.extent(), span.offset(), staging.areas().getFirst().asSlice(0, span.sizeBytes()))
                .await();
        verify(span.extent(), span.offset(), staging.bytes().getFirst(), span.sizeBytes());
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
        Span firstBlock(int blockBytes, long extentBytes, long paddedBytes) {
            if (skip == 0 && payloadBytes >= blockBytes) {
                long whole = payloadBytes / blockBytes * blockBytes;
                return new Span(extent, offset, whole, 0, whole);
            }
            long size = Math.min(blockBytes, paddedBytes - offset);
            return new Span(extent, offset, size, skip, Math.min(payloadBytes, size - skip));
        }
    }

    /** Returns the blocks that hold up to {@code wanted} bytes from {@code firstByte} on. */
    Span span(long firstByte, long wanted, Staging staging) {
        long areaBytes = staging.areas().getFirst().byteSize();
        int extent = extentAt(firstByte);
        long at = firstByte - starts[extent];
        long offset = at / blockBytes * blockBytes;
        long limit = areaBytes >= blockBytes ? areaBytes / blockBytes * blockBytes : areaBytes;
        long end =
                (Math.min(at + wanted, sizes[extent]) + blockBytes - 1) / blockBytes * blockBytes;
        long size = Math.min(Math.min(end, padded(sizes[extent])) - offset, limit);
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

    /** Returns the bytes of the file. */
    long fileBytes() {
        return offsets[sizes.length];
    }

    /** Closes the file and deletes it. */
    @Override
    public void close() {
        backend.close();
        try {
            Files.deleteIfExists(file);
        } catch (IOException e) {
            throw new StorageException("Cannot delete %s: %s.".formatted(file, e), e);
        }
    }
}
