package ds.offload.chronicle;

import ds.offload.StorageException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Set;
import java.util.zip.CRC32C;
import net.openhft.chronicle.bytes.MappedBytes;
import org.jspecify.annotations.Nullable;

/**
 * The file of a journal, little-endian as the machine: a header of 64 bytes, then records of 64:
 * 1 + index (0 until the record is whole; written last, with release order), step, commit, loss,
 * norm, rate, bytes, and in 32 bits each a CRC32C of all else and whether the step was skipped. Grows
 * by chunks of which records are a divisor.
 */
final class JournalBytes implements AutoCloseable {
    static final long CHUNK_BYTES = 1 << 20;
    private static final long RECORD_BYTES = 64;
    private static final long MAGIC = 0x0a32_4c4e_524a_5344L; // "DSJRNL2\n"
    private static final int MAGIC_AT = 0;
    private static final int STEP_AT = 8;
    private static final int COMMIT_AT = 16;
    private static final int LOSS_AT = 24;
    private static final int NORM_AT = 32;
    private static final int RATE_AT = 40;
    private static final int MOVED_AT = 48;
    private static final int CRC_AT = 56;
    private static final int SKIPPED_AT = 60;

    private final Path file;
    private final FileChannel channel;
    private final MappedBytes bytes;
    private final ByteBuffer checked = ByteBuffer.allocate(60);
    private final CRC32C crc = new CRC32C();

    private JournalBytes(Path file, FileChannel channel, MappedBytes bytes) {
        this.file = file;
        this.channel = channel;
        this.bytes = bytes;
        bytes.singleThreadedCheckDisabled(true);
    }

    static JournalBytes open(Path file, boolean write) {
        ChronicleAccess.require();
        FileChannel channel;
        try {
            channel =
                    FileChannel.open(
                            file,
                            write
                                    ? Set.of(
                                            StandardOpenOption.CREATE,
                                            StandardOpenOption.READ,
                                            StandardOpenOption.WRITE,
                                            LinkOption.NOFOLLOW_LINKS)
                                    : Set.of(StandardOpenOption.READ, LinkOption.NOFOLLOW_LINKS));
        } catch (IOException e) {
            throw new StorageException("Cannot open the journal %s: %s.".formatted(file, e), e);
        }
        try {
            return new JournalBytes(
                    file, channel, MappedBytes.mappedBytes(file.toFile(), CHUNK_BYTES, 0, !write));
        } catch (IOException | IllegalStateException e) {
            StorageException failure =
                    new StorageException("Cannot map the journal %s: %s.".formatted(file, e), e);
            try {
                channel.close();
            } catch (IOException second) {
                failure.addSuppressed(second);
            }
            throw failure;
        }
    }

    /** Returns whether the chunk of that offset is in the file, so that no access meets its end. */
    private boolean reaches(long offset) {
        try {
            return channel.size() >= (offset / CHUNK_BYTES + 1) * CHUNK_BYTES;
        } catch (IOException e) {
            throw failed("Reading", offset, e);
        }
    }

    private static long at(long index) {
        return RECORD_BYTES * (index + 1);
    }

    /** Returns false while the header is not there; anything else than a journal is an error. */
    boolean begun() {
        if (!reaches(0)) {
            requireEmpty();
            return false;
        }
        long magic = bytes.readVolatileLong(MAGIC_AT);
        if (magic != 0 && magic != MAGIC) {
            throw new StorageException(
                    "%s is not a journal of this kind: at offset 0 stands %016x, not %016x."
                            .formatted(file, magic, MAGIC));
        }
        return magic == MAGIC;
    }

    /** A journal's file is a whole number of chunks from the moment it is not empty. */
    private void requireEmpty() {
        try {
            if (channel.size() != 0) {
                throw new StorageException(
                        "%s is not a journal of this kind: it has %,d bytes, a journal at least %,d."
                                .formatted(file, channel.size(), CHUNK_BYTES));
            }
        } catch (IOException e) {
            throw failed("Reading", 0, e);
        }
    }

    void begin() {
        try {
            bytes.writeOrderedLong(MAGIC_AT, MAGIC);
        } catch (InternalError e) {
            throw failed("Writing", MAGIC_AT, e);
        }
    }

    /**
     * Returns the record of that index, or null while it is not whole.
     *
     * @throws StorageException if it is damaged and not the last
     */
    @Nullable JournalEntry read(long index) {
        long at = at(index);
        if (!reaches(at)) {
            return null;
        }
        try {
            long word = bytes.readVolatileLong(at);
            if (word == 0) {
                return null;
            }
            JournalEntry entry = entry(at);
            if (entry != null
                    && word == index + 1
                    && bytes.readInt(at + CRC_AT) == sum(word, entry)) {
                return entry;
            }
            if (reaches(at(index + 1)) && bytes.readVolatileLong(at(index + 1)) != 0) {
                throw new StorageException(
                        "Record %,d at offset %,d of the journal %s is damaged and others follow it."
                                .formatted(index, at, file));
            }
            return null; // the torn tail of a machine that failed: its writer will write it again
        } catch (InternalError e) {
            throw failed("Reading", at, e);
        }
    }

    /** Returns what stands there, or null if that is no entry. */
    private @Nullable JournalEntry entry(long at) {
        long step = bytes.readLong(at + STEP_AT);
        long commit = bytes.readLong(at + COMMIT_AT);
        long moved = bytes.readLong(at + MOVED_AT);
        int skipped = bytes.readInt(at + SKIPPED_AT);
        return step < 0 || commit < 0 || moved < 0 || skipped < 0 || skipped > 1
                ? null
                : new JournalEntry(
                        step,
                        commit,
                        Double.longBitsToDouble(bytes.readLong(at + LOSS_AT)),
                        Double.longBitsToDouble(bytes.readLong(at + NORM_AT)),
                        Double.longBitsToDouble(bytes.readLong(at + RATE_AT)),
                        skipped == 1,
                        moved);
    }

    void write(long index, JournalEntry entry) {
        long at = at(index);
        long word = index + 1;
        try {
            bytes.writeOrderedLong(at, 0); // what a torn tail left is no longer a record
            bytes.writeLong(at + STEP_AT, entry.step());
            bytes.writeLong(at + COMMIT_AT, entry.commit());
            bytes.writeLong(at + LOSS_AT, Double.doubleToRawLongBits(entry.loss()));
            bytes.writeLong(at + NORM_AT, Double.doubleToRawLongBits(entry.gradNorm()));
            bytes.writeLong(at + RATE_AT, Double.doubleToRawLongBits(entry.lr()));
            bytes.writeLong(at + MOVED_AT, entry.bytes());
            bytes.writeInt(at + CRC_AT, sum(word, entry));
            bytes.writeInt(at + SKIPPED_AT, entry.skipped() ? 1 : 0);
            bytes.writeOrderedLong(at, word);
        } catch (InternalError e) {
            throw failed("Writing", at, e);
        }
    }

    private int sum(long word, JournalEntry entry) {
        checked.clear()
                .putLong(word)
                .putLong(entry.step())
                .putLong(entry.commit())
                .putLong(Double.doubleToRawLongBits(entry.loss()))
                .putLong(Double.doubleToRawLongBits(entry.gradNorm()))
                .putLong(Double.doubleToRawLongBits(entry.lr()))
                .putLong(entry.bytes())
                .putInt(entry.skipped() ? 1 : 0)
                .flip();
        crc.reset();
        crc.update(checked);
        return (int) crc.getValue();
    }

    void sync() {
        try {
            channel.force(true);
        } catch (IOException e) {
            throw new StorageException(
                    "Syncing the journal %s failed: %s.".formatted(file, e.getMessage()), e);
        }
    }

    private StorageException failed(String what, long offset, Throwable cause) {
        return new StorageException(
                "%s 64 bytes at offset %,d of the journal %s failed: %s."
                        .formatted(what, offset, file, cause.getMessage()),
                cause);
    }

    @Override
    public void close() {
        bytes.releaseLast();
        try {
            channel.close();
        } catch (IOException e) {
            throw new StorageException("Closing %s failed: %s.".formatted(file, e), e);
        }
    }
}
