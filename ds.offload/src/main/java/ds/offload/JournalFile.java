package ds.offload;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.zip.CRC32C;

/**
 * One of the two files of a journal: two halves, each with a copy of every record at the same offset,
 * in whole pages of 4 KiB. Preallocated and written full of zeros, so that no write changes its size.
 */
final class JournalFile implements AutoCloseable {
    static final int PAGE_BYTES = 4096;
    static final int HEADER_BYTES = 64;

    private static final long MAGIC = 0x31304c4e4a2d5344L; // "DS-JNL01"
    private static final int CRC_AT = 8;
    private static final int SIZE_AT = 12;
    private static final int STORE_AT = 16;
    private static final int SEQUENCE_AT = 24;
    private static final int KIND_AT = 32;
    private static final int PAYLOAD_AT = 36;
    private static final int EPOCH_AT = 40;
    private static final int COMMIT_AT = 48;
    private static final int SPARE_AT = 56;
    private static final int CLEAR_BYTES = 1 << 18;
    private static final int COPIES = 2;

    private final Path file;
    private final FileOperations files;
    private final FileChannel channel;
    private final long halfBytes;

    /**
     * A record as it was found.
     *
     * @param sizeBytes of one copy, in whole pages
     * @param storeId whose record it is
     * @param badCopies 0 or 1, or 2 where both are bad and there is no record
     */
    record Found(JournalRecord record, int sizeBytes, long storeId, List<Integer> badCopies) {}

    private JournalFile(Path file, FileOperations files, FileChannel channel, long halfBytes) {
        this.file = file;
        this.files = files;
        this.channel = channel;
        this.halfBytes = halfBytes;
    }

    /** Creates a file of zeros; durable once its directory is synced. */
    static void create(StoreDirectory directory, Path file, long halfBytes) throws IOException {
        try (JournalFile made =
                new JournalFile(file, directory.files(), directory.create(file), halfBytes)) {
            made.clear();
            made.files.force(made.channel, file, true);
        }
    }

    /**
     * Opens a file that is there.
     *
     * @throws StorageException if it has another size
     */
    static JournalFile open(Path file, FileOperations files, long halfBytes, boolean writable)
            throws IOException {
        ExtentFile.requireSize(file, COPIES * halfBytes);
        FileChannel channel =
                writable
                        ? FileChannel.open(
                                file,
                                StandardOpenOption.READ,
                                StandardOpenOption.WRITE,
                                LinkOption.NOFOLLOW_LINKS)
                        : FileChannel.open(
                                file, StandardOpenOption.READ, LinkOption.NOFOLLOW_LINKS);
        return new JournalFile(file, files, channel, halfBytes);
    }

    Path file() {
        return file;
    }

    /** Returns the bytes that records may take. */
    long halfBytes() {
        return halfBytes;
    }

    /** Returns the bytes of a record with {@code payloadBytes}, in whole pages. */
    static int recordBytes(long payloadBytes) {
        return Math.toIntExact(
                (HEADER_BYTES + payloadBytes + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES);
    }

    /** Overwrites everything with zeros. */
    void clear() throws IOException {
        ByteBuffer zeros = ByteBuffer.allocate(CLEAR_BYTES);
        for (long at = 0; at < COPIES * halfBytes; at += zeros.capacity()) {
            zeros.clear().limit((int) Math.min(zeros.capacity(), COPIES * halfBytes - at));
            files.writeFully(channel, file, zeros, at);
        }
    }

    /**
     * Completes the record in {@code buffer}, whose payload lies from {@link #HEADER_BYTES} to its
     * position, and writes both copies.
     */
    void write(long offset, ByteBuffer buffer, JournalRecord head, long storeId)
            throws IOException {
        int end = buffer.position();
        int size = recordBytes(end - HEADER_BYTES);
        while (buffer.position() < size) {
            buffer.put((byte) 0);
        }
        buffer.putLong(0, MAGIC).putInt(SIZE_AT, size);
        buffer.putLong(STORE_AT, storeId).putLong(SEQUENCE_AT, head.sequence());
        buffer.putInt(KIND_AT, head.kind().ordinal());
        buffer.putInt(PAYLOAD_AT, end - HEADER_BYTES).putLong(EPOCH_AT, head.epoch());
        buffer.putLong(COMMIT_AT, head.commit()).putLong(SPARE_AT, 0);
        buffer.putInt(CRC_AT, checksum(buffer, size));
        writeCopy(0, offset, buffer, size);
        writeCopy(1, offset, buffer, size);
    }

    private void writeCopy(int copy, long offset, ByteBuffer buffer, int size) throws IOException {
        files.writeFully(channel, file, buffer.slice(0, size), copy * halfBytes + offset);
    }

    private static int checksum(ByteBuffer buffer, int size) {
        CRC32C crc = new CRC32C();
        crc.update(buffer.slice(0, CRC_AT));
        crc.update(buffer.slice(SIZE_AT, size - SIZE_AT));
        return (int) crc.getValue();
    }

    /** Makes everything written durable. */
    void force() throws IOException {
        files.force(channel, file, false);
    }

    /** Reads the record at {@code offset}; empty if neither copy is one. */
    Optional<Found> read(long offset) throws IOException {
        List<Integer> bad = new ArrayList<>();
        Optional<Found> good = Optional.empty();
        for (int copy = 0; copy < COPIES; copy++) {
            Optional<Found> found = readCopy(copy, offset);
            if (found.isEmpty()) {
                bad.add(copy);
            } else if (good.isEmpty()) {
                good = found;
            } else if (!good.get().record().equals(found.get().record())) {
                bad.add(copy); // an older record that the second write never replaced
                if (found.get().record().sequence() > good.get().record().sequence()) {
                    bad.set(bad.size() - 1, 0);
                    good = found;
                }
            }
        }
        return good.map(
                found -> new Found(found.record(), found.sizeBytes(), found.storeId(), bad));
    }

    private Optional<Found> readCopy(int copy, long offset) throws IOException {
        if (offset + PAGE_BYTES > halfBytes) {
            return Optional.empty();
        }
        ByteBuffer first = readFully(copy, offset, PAGE_BYTES);
        int size = first.getInt(SIZE_AT);
        if (first.getLong(0) != MAGIC
                || size < PAGE_BYTES
                || size % PAGE_BYTES != 0
                || size > halfBytes - offset) {
            return Optional.empty();
        }
        ByteBuffer all = size == PAGE_BYTES ? first : readFully(copy, offset, size);
        int kind = all.getInt(KIND_AT);
        int payload = all.getInt(PAYLOAD_AT);
        if (all.getInt(CRC_AT) != checksum(all, size)
                || kind < 0
                || kind >= JournalRecord.Kind.values().length
                || payload < 0
                || payload > size - HEADER_BYTES) {
            return Optional.empty();
        }
        return Optional.of(
                new Found(
                        new JournalRecord(
                                all.getLong(SEQUENCE_AT),
                                JournalRecord.Kind.values()[kind],
                                all.getLong(EPOCH_AT),
                                all.getLong(COMMIT_AT),
                                all.slice(HEADER_BYTES, payload).order(ByteOrder.LITTLE_ENDIAN)),
                        size,
                        all.getLong(STORE_AT),
                        List.of()));
    }

    private ByteBuffer readFully(int copy, long offset, int size) throws IOException {
        ByteBuffer into = ByteBuffer.allocate(size).order(ByteOrder.LITTLE_ENDIAN);
        long position = copy * halfBytes + offset;
        while (into.hasRemaining()) {
            int moved = files.read(channel, file, into, position + into.position());
            if (moved <= 0) {
                throw new IOException("it ends at byte %,d".formatted(position + into.position()));
            }
        }
        return into.clear();
    }

    /** Overwrites a bad copy of a record by the good one. */
    void repair(long offset, Found found) throws IOException {
        for (int bad : found.badCopies()) {
            ByteBuffer good = readFully(1 - bad, offset, found.sizeBytes());
            writeCopy(bad, offset, good, found.sizeBytes());
        }
        force();
    }

    /** Returns whether a page, in either half, holds anything but zeros. */
    boolean isUsed(long offset) throws IOException {
        for (int copy = 0; copy < COPIES; copy++) {
            ByteBuffer page = readFully(copy, offset, PAGE_BYTES);
            for (int at = 0; at < PAGE_BYTES; at += Long.BYTES) {
                if (page.getLong(at) != 0) {
                    return true;
                }
            }
        }
        return false;
    }

    @Override
    public void close() {
        try {
            channel.close();
        } catch (IOException e) {
            throw new StorageException("Closing %s failed: %s.".formatted(file, e), e);
        }
    }
}
