package ds.offload;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * The commits of a store: two files used in turn, each opened by a record that stands by itself.
 * Appending returns when the record is on the medium. What a failure leaves is the record before.
 * Owned by one thread at a time.
 */
final class StoreJournal implements AutoCloseable {
    /** The two files. */
    static final List<String> FILES = List.of("journal-a.log", "journal-b.log");

    private static final String TEMPORARY = ".tmp";

    /** So many of the longest records fit in a file: its first, a rollback, and one more. */
    private static final int RECORDS_MIN = 3;

    private final List<JournalFile> files;
    private final long storeId;
    private final ByteBuffer buffer;
    private int active;
    private long end;
    private long sequence;

    private StoreJournal(List<JournalFile> files, long storeId, ByteBuffer buffer) {
        this.files = files;
        this.storeId = storeId;
        this.buffer = buffer.order(ByteOrder.LITTLE_ENDIAN);
    }

    /** Returns the bytes of one half of a file whose payloads have at most so many bytes. */
    static long halfBytes(long payloadBytesMax) {
        return (long) RECORDS_MIN * JournalFile.recordBytes(payloadBytesMax);
    }

    /** Returns the bytes of both files. */
    static long fileBytes(long payloadBytesMax) {
        return 2L * FILES.size() * halfBytes(payloadBytesMax);
    }

    /**
     * Creates both files. They have their names only once they are whole and durable.
     *
     * @param buffer room for the longest record
     */
    static StoreJournal create(
            StoreDirectory directory, long storeId, long payloadBytesMax, ByteBuffer buffer) {
        long halfBytes = halfBytes(payloadBytesMax);
        List<JournalFile> named = new ArrayList<>();
        boolean whole = false;
        try {
            for (String name : FILES) {
                Path temporary = directory.path().resolve(name + TEMPORARY);
                JournalFile.create(directory, temporary, halfBytes);
                Path file = directory.path().resolve(name);
                directory.files().rename(temporary, file);
                named.add(JournalFile.open(file, directory.files(), halfBytes, true));
            }
            directory.files().syncDirectory(directory.path());
            whole = true;
            StoreJournal journal = new StoreJournal(List.copyOf(named), storeId, buffer);
            journal.active = FILES.size() - 1;
            journal.end = halfBytes; // so that the first record opens a file
            return journal;
        } catch (IOException e) {
            throw new StorageException(
                    "Cannot make the journal of the offload store %s: %s; make room or use another nvme_path."
                            .formatted(directory.path(), e.getMessage()),
                    e);
        } finally {
            if (!whole) {
                named.forEach(JournalFile::close);
            }
        }
    }

    /** Goes on after the last record that {@code history} read. */
    static StoreJournal reopen(StoreDirectory directory, StoreHistory history, ByteBuffer buffer) {
        List<JournalFile> opened = new ArrayList<>();
        boolean whole = false;
        try {
            for (String name : FILES) {
                opened.add(
                        JournalFile.open(
                                directory.path().resolve(name),
                                directory.files(),
                                history.frame().journalBytes(),
                                true));
            }
            StoreJournal journal = new StoreJournal(List.copyOf(opened), history.storeId(), buffer);
            journal.active = history.activeFile();
            journal.end = history.end();
            journal.sequence = history.last().sequence();
            for (StoreHistory.Repair repair : history.repairs()) {
                opened.get(repair.file()).repair(repair.offset(), repair.found());
            }
            whole = true;
            return journal;
        } catch (IOException e) {
            throw new StorageException(
                    "Cannot open the journal of the offload store %s: %s."
                            .formatted(directory.path(), e.getMessage()),
                    e);
        } finally {
            if (!whole) {
                opened.forEach(JournalFile::close);
            }
        }
    }

    /** Lends the buffer for the payload of the next record, which is put from where it stands. */
    ByteBuffer begin() {
        return buffer.clear().position(JournalFile.HEADER_BYTES);
    }

    /** Returns whether the payload in the buffer fits behind the last record. */
    boolean fits() {
        return end + recordBytes() <= files.get(active).halfBytes();
    }

    private int recordBytes() {
        return JournalFile.recordBytes(buffer.position() - JournalFile.HEADER_BYTES);
    }

    /** Returns the bytes of each half of a file. */
    long halfBytes() {
        return files.getFirst().halfBytes();
    }

    /**
     * Appends the payload in the buffer; a full record that does not fit opens the other file.
     *
     * @throws StorageException if it cannot be said to be on the medium
     */
    void append(JournalRecord.Kind kind, long epoch, long commit) {
        boolean turns = !fits();
        if (turns && !kind.isFull()) {
            throw new IllegalStateException("Only a full record opens a file, not a " + kind + ".");
        }
        JournalFile file = files.get(turns ? 1 - active : active);
        long offset = turns ? 0 : end;
        int size = recordBytes();
        try {
            if (turns) {
                file.clear();
            }
            file.write(
                    offset,
                    buffer,
                    new JournalRecord(sequence + 1, kind, epoch, commit, ByteBuffer.allocate(0)),
                    storeId);
            file.force();
        } catch (IOException e) {
            throw new StorageException(
                    "Commit %,d could not be recorded in %s: %s. The commit before it is whole; resume from the store."
                            .formatted(commit, file.file(), e.getMessage()),
                    e);
        }
        active = turns ? 1 - active : active;
        end = offset + size;
        sequence++;
    }

    @Override
    public void close() {
        files.forEach(JournalFile::close);
    }
}
