package ds.offload;

import ds.core.Pending;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.List;
import java.util.concurrent.atomic.LongAdder;
import java.util.zip.CRC32C;

/**
 * One preallocated file of extents, each in one or more slots: all extents' first slots, then all
 * second ones. Every block has a checksum over store, file, extent, block number, slot, generation
 * and bytes (padding too), kept in the {@link ExtentTable} and never beside the data: so a corrupt, a
 * misdirected and a stale block are noticed alike when it is read. Owned by one thread at a time.
 */
final class ExtentFile implements AutoCloseable {
    static final String SUFFIX = ".bin";

    private static final int ALIGNMENT_BYTES = 4096;

    /**
     * What a file is.
     *
     * @param name without suffix
     * @param number tells the files of a store apart in checksums
     * @param extentBytes the payload of each extent
     * @param blockBytes the bytes under one checksum, a multiple of 4 KiB
     * @param slots how often each extent is there; 1 is written in place
     */
    record Shape(String name, int number, List<Long> extentBytes, int blockBytes, int slots) {
        Shape {
            extentBytes = List.copyOf(extentBytes);
        }

        /** Returns the bytes of the file: every slot of every extent, padded to 4 KiB. */
        long fileBytes() {
            return slots * ExtentFile.fileBytes(extentBytes);
        }

        /** Returns the blocks of one slot of all extents. */
        long blocks() {
            return extentBytes.stream()
                    .mapToLong(bytes -> (padded(bytes) + blockBytes - 1) / blockBytes)
                    .sum();
        }

        /** Returns the file's own name. */
        String fileName() {
            return name + SUFFIX;
        }

        /** Returns the bytes of the longest extent, padded. */
        long longest() {
            return extentBytes.stream().mapToLong(ExtentFile::padded).max().orElse(0);
        }
    }

    private final Path file;
    private final StoreParts place;
    private final ExtentMap map;
    private final ExtentTable table;
    private final BlockChecksum checksum;
    private final StorageBackend backend;
    private final LongAdder readBytes = new LongAdder(); // an I/O lane counts, a rank asks
    private final LongAdder writtenBytes = new LongAdder();

    /**
     * Creates the file, with space that reads as zeros, and opens it. Deletes it if that fails.
     */
    static ExtentFile create(
            StoreDirectory directory,
            Shape shape,
            long storeId,
            Staging zeros,
            StorageSettings settings,
            Preallocation how) {
        Path file = directory.path().resolve(shape.fileName());
        List<StoreParts.Part> parts = directory.parts().of(shape.fileName(), shape.fileBytes());
        boolean whole = false;
        try {
            for (StoreParts.Part part : parts) {
                preallocate(directory, part, zeros.bytes().getFirst(), how);
            }
            StorageBackend backend = directory.provider().open(file, settings, directory.files());
            ExtentFile created = new ExtentFile(directory.parts(), shape, storeId, backend);
            created.sealZeros(zeros.bytes().getFirst());
            whole = true;
            return created;
        } finally {
            if (!whole) {
                parts.forEach(part -> deleteQuietly(part.file()));
            }
        }
    }

    private static void deleteQuietly(Path file) {
        try {
            Files.deleteIfExists(file);
        } catch (IOException e) {
            System.getLogger(ExtentFile.class.getName())
                    .log(System.Logger.Level.WARNING, "Cannot delete {0}: {1}", file, e);
        }
    }

    /**
     * Opens a file that is there, with the table that its store's journal tells.
     *
     * @throws StorageException if it cannot be opened, or has another size than it was made with
     */
    static ExtentFile reopen(
            StoreDirectory directory, Shape shape, long storeId, StorageSettings settings) {
        List<StoreParts.Part> parts = directory.parts().of(shape.fileName(), shape.fileBytes());
        requireSizes(parts);
        Path file = parts.getFirst().file();
        return new ExtentFile(
                directory.parts(),
                shape,
                storeId,
                directory.provider().open(file, settings, directory.files()));
    }

    /** Checks that all parts of a file have the sizes they were made with. */
    static void requireSizes(List<StoreParts.Part> parts) {
        parts.forEach(part -> requireSize(part.file(), part.sizeBytes()));
    }

    /** Checks that a file has the size it was made with. */
    static void requireSize(Path file, long sizeBytes) {
        long actual;
        try {
            actual =
                    Files.readAttributes(file, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS)
                            .size();
        } catch (IOException e) {
            throw new StorageException("Cannot open %s: %s.".formatted(file, e), e);
        }
        if (actual != sizeBytes) {
            throw new StorageException(
                    "%s has %,d bytes and was made with %,d; it was truncated or replaced, so resume from a checkpoint."
                            .formatted(file, actual, sizeBytes));
        }
    }

    private static void preallocate(
            StoreDirectory directory, StoreParts.Part part, ByteBuffer zeros, Preallocation how) {
        Path file = part.file();
        long sizeBytes = part.sizeBytes();
        long at = 0;
        try (FileChannel channel = directory.create(file)) {
            if (how.reserved() && sizeBytes > 0 && directory.reserve(file, sizeBytes)) {
                at = sizeBytes;
            }
            while (at < sizeBytes) {
                ByteBuffer piece = zeros.slice(0, (int) Math.min(zeros.capacity(), sizeBytes - at));
                int moved = directory.files().write(channel, file, piece, at);
                if (moved <= 0) {
                    throw new IOException("the operating system made no progress");
                }
                at += moved;
            }
            if (how.durable()) {
                directory.files().force(channel, file, true);
            }
        } catch (IOException e) {
            throw new StorageException(
                    "Preallocating %,d bytes of %s failed after %,d bytes: %s; make room or use another nvme_path."
                            .formatted(sizeBytes, file, at, e.getMessage()),
                    e);
        }
    }

    private ExtentFile(StoreParts place, Shape shape, long storeId, StorageBackend backend) {
        this.place = place;
        this.file = place.home().resolve(shape.fileName());
        this.checksum = new BlockChecksum(storeId, shape.number());
        this.map = new ExtentMap(file, shape);
        this.backend = backend;
        this.table = new ExtentTable(map.blocks(), shape.slots());
    }

    /** Returns the bytes under one checksum. */
    int blockBytes() {
        return map.blockBytes();
    }

    /** Returns what every block holds. */
    ExtentTable table() {
        return table;
    }

    static long fileBytes(List<Long> extentBytes) {
        return extentBytes.stream().mapToLong(ExtentFile::padded).sum();
    }

    static long padded(long sizeBytes) {
        return (sizeBytes + ALIGNMENT_BYTES - 1) / ALIGNMENT_BYTES * ALIGNMENT_BYTES;
    }

    private void sealZeros(ByteBuffer zeros) {
        for (int extent = 0; extent < map.extents(); extent++) {
            for (int block = 0; block < map.blocks(extent); block++) {
                int size = map.blockSize(extent, block);
                int index = map.index(extent, 0) + block;
                table.first(index);
                int slot = table.slot(index);
                CRC32C sum = checksum.begin(extent, block, slot, table.generation(index, slot));
                for (int at = 0; at < size; at += zeros.capacity()) {
                    sum.update(zeros.slice(0, Math.min(zeros.capacity(), size - at)));
                }
                table.seal(index, (int) sum.getValue());
            }
        }
    }

    /** Returns the checksum of a block in its current slot and generation. */
    private int checksum(int extent, int block, int index, ByteBuffer bytes, int position) {
        int slot = table.slot(index);
        return checksum.of(
                extent,
                block,
                slot,
                table.generation(index, slot),
                bytes.slice(position, map.blockSize(extent, block)));
    }

    /** Starts reading whole blocks of an extent, each in its current slot. */
    Pending read(int extent, long offsetInExtent, MemorySegment into) {
        readBytes.add(into.byteSize());
        return transfer(new Transfer(extent, offsetInExtent, into, backend::read));
    }

    /** Starts writing whole, sealed blocks of an extent, each in its current slot. */
    Pending write(int extent, long offsetInExtent, MemorySegment from) {
        return transfer(new Transfer(extent, offsetInExtent, from, backend::write));
    }

    /** Returns what was moved since the file was opened; what is sealed counts as written. */
    Transfers transfers() {
        return new Transfers(readBytes.sum(), writtenBytes.sum(), 0, 0);
    }

    /** Makes everything written durable. */
    void sync() {
        backend.sync();
    }

    /** One direction of a backend. */
    @FunctionalInterface
    private interface Direction {
        Pending start(long offset, MemorySegment memory);
    }

    /** Whole blocks of an extent to be moved in one direction. */
    private record Transfer(int extent, long offset, MemorySegment memory, Direction direction) {}

    private Pending transfer(Transfer wanted) {
        long size = sameSlotBytes(wanted, 0);
        Pending first = start(wanted, 0, size);
        return size == wanted.memory().byteSize() ? first : new Pieces(wanted, first, size);
    }

    private Pending start(Transfer wanted, long at, long sizeBytes) {
        long offset = wanted.offset() + at;
        int slot = table.slot(map.index(wanted.extent(), offset));
        return wanted.direction()
                .start(
                        map.position(slot, wanted.extent(), offset),
                        wanted.memory().asSlice(at, sizeBytes));
    }

    /** Returns how many bytes from {@code at} on lie in one slot. */
    private long sameSlotBytes(Transfer wanted, long at) {
        int first = map.index(wanted.extent(), wanted.offset() + at);
        int block = first;
        long end = at;
        while (end < wanted.memory().byteSize() && table.slot(block) == table.slot(first)) {
            end = Math.min(end + map.blockBytes(), wanted.memory().byteSize());
            block++;
        }
        return end - at;
    }

    /** A transfer whose blocks lie in more than one slot: one piece is under way at a time. */
    private final class Pieces implements Pending {
        private final Transfer wanted;
        private Pending piece;
        private long done;

        Pieces(Transfer wanted, Pending first, long firstBytes) {
            this.wanted = wanted;
            this.piece = first;
            this.done = firstBytes;
        }

        @Override
        public long await() {
            piece.await();
            while (done < wanted.memory().byteSize()) {
                long size = sameSlotBytes(wanted, done);
                piece = start(wanted, done, size);
                done += size;
                piece.await();
            }
            return done;
        }
    }

    /**
     * Checks the blocks in the first {@code sizeBytes} of {@code bytes} against what was written.
     *
     * @throws StorageException naming file, extent, block, expected and actual
     */
    void verify(int extent, long offsetInExtent, ByteBuffer bytes, long sizeBytes) {
        for (int i = 0; i < blocks(sizeBytes); i++) {
            verifyBlock(extent, offsetInExtent, bytes, i);
        }
    }

    /** Returns how many blocks so many bytes from a block's first on lie in. */
    int blocks(long sizeBytes) {
        return Math.toIntExact(Math.ceilDiv(sizeBytes, (long) map.blockBytes()));
    }

    /** As {@link #verify}, of one block, counted in {@code bytes}. Several threads may be in it. */
    void verifyBlock(int extent, long offsetInExtent, ByteBuffer bytes, int number) {
        int block = (int) (offsetInExtent / map.blockBytes()) + number;
        int index = map.index(extent, 0) + block;
        int slot = table.slot(index);
        int expected = table.checksum(index, slot);
        int actual = checksum(extent, block, index, bytes, number * map.blockBytes());
        if (actual != expected) {
            long offset = map.position(slot, extent, (long) block * map.blockBytes());
            throw new StorageException(
                    "Block %d of extent %d of %s (slot %d, offset %,d, generation %d) is not what was written: checksum %08x expected, %08x read; the device or its driver lost or changed data, so %s."
                            .formatted(
                                    block,
                                    extent,
                                    place.holders(
                                            file.getFileName().toString(),
                                            offset,
                                            map.blockSize(extent, block)),
                                    slot,
                                    offset,
                                    table.generation(index, slot),
                                    expected,
                                    actual,
                                    wayBack()));
        }
    }

    /** Returns how a run goes on from a block that is corrupt. */
    private String wayBack() {
        return table.slots() > StoreTerms.GENERATIONS_DEFAULT
                ? "go back to the commit before (ds train --resume STORE --generation previous) or resume from a checkpoint"
                : "resume from a checkpoint";
    }

    /**
     * Takes the checksums of the blocks in {@code bytes}, which are about to be written to their next
     * slots.
     */
    void seal(int extent, long offsetInExtent, ByteBuffer bytes, long sizeBytes) {
        beginSeal(extent, offsetInExtent, sizeBytes);
        for (int i = 0; i < blocks(sizeBytes); i++) {
            sealBlock(extent, offsetInExtent, bytes, i);
        }
    }

    /** Moves blocks to their next slots; {@link #sealBlock} of each comes next. */
    void beginSeal(int extent, long offsetInExtent, long sizeBytes) {
        writtenBytes.add(sizeBytes);
        int first = map.index(extent, offsetInExtent);
        for (int i = 0; i < blocks(sizeBytes); i++) {
            table.move(first + i);
        }
    }

    /** Takes the checksum of a block, counted in {@code bytes}. Several threads may be in it. */
    void sealBlock(int extent, long offsetInExtent, ByteBuffer bytes, int number) {
        int block = (int) (offsetInExtent / map.blockBytes()) + number;
        int index = map.index(extent, 0) + block;
        table.seal(index, checksum(extent, block, index, bytes, number * map.blockBytes()));
    }

    /** Reads payload bytes from {@code firstByte} on, by way of {@code staging}'s first area. */
    void read(long firstByte, MemorySegment into, Staging staging) {
        long done = 0;
        while (done < into.byteSize()) {
            ExtentMap.Span span = span(firstByte + done, into.byteSize() - done, staging);
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
            ExtentMap.Span span = span(firstByte + done, from.byteSize() - done, staging);
            long extentBytes = map.sizeBytes(span.extent());
            if (!span.covers(extentBytes)) {
                span = span.firstBlock(map.blockBytes(), extentBytes);
                if (!span.covers(extentBytes)) {
                    fetch(span, staging);
                }
            }
            MemorySegment.copy(from, done, area, span.skip(), span.payloadBytes());
            long end = span.skip() + span.payloadBytes();
            if (span.offset() + end == extentBytes) {
                area.asSlice(end, span.sizeBytes() - end).fill((byte) 0);
            }
            seal(span.extent(), span.offset(), staging.bytes().getFirst(), span.sizeBytes());
            write(span.extent(), span.offset(), area.asSlice(0, span.sizeBytes())).await();
            done += span.payloadBytes();
        }
    }

    private void fetch(ExtentMap.Span span, Staging staging) {
        read(span.extent(), span.offset(), staging.areas().getFirst().asSlice(0, span.sizeBytes()))
                .await();
        verify(span.extent(), span.offset(), staging.bytes().getFirst(), span.sizeBytes());
    }

    /** Returns the blocks that hold up to {@code wanted} bytes from {@code firstByte} on. */
    ExtentMap.Span span(long firstByte, long wanted, Staging staging) {
        return map.span(firstByte, wanted, staging.areas().getFirst().byteSize());
    }

    /** Returns the bytes of the file. */
    long fileBytes() {
        return table.slots() * map.slotBytes();
    }

    /** Deletes the file, which is closed, in all its paths. */
    void delete() {
        for (StoreParts.Part part : place.of(file.getFileName().toString(), fileBytes())) {
            try {
                Files.deleteIfExists(part.file());
            } catch (IOException e) {
                throw new StorageException("Cannot delete %s: %s.".formatted(part.file(), e), e);
            }
        }
    }

    /** Closes the file. */
    @Override
    public void close() {
        backend.close();
    }
}
