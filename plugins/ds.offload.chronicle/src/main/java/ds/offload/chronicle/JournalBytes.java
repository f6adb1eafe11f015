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
 * 1 + index (0 until the record is whole; written last, with release order), step, generation, loss,
 * CRC32C of these four. Grows by chunks of which records are a divisor.
 */
final class JournalBytes implements AutoCloseable {
    static final long CHUNK_BYTES = 1 << 20;
    private static final long RECORD_BYTES = 64;
    private static final long MAGIC = 0x0a31_4c4e_524a_5344L; // "DSJRNL1\n"
    private static final int MAGIC_AT = 0;
    private static final int STEP_AT = 8;
    private static final int GENERATION_AT = 16;
    private static final int LOSS_AT = 24;
    private static final int CRC_AT = 32;

    private final Path file;
    private final FileChannel channel;
    private final MappedBytes bytes;
    private final ByteBuffer checked = ByteBuffer.allocate(32);
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
            long step = bytes.readLong(at + STEP_AT);
            long generation = bytes.readLong(at + GENERATION_AT);
            long loss = bytes.readLong(at + LOSS_AT);
            if (word == index + 1
                    && bytes.readLong(at + CRC_AT) == sum(word, step, generation, loss)) {
                return new JournalEntry(step, generation, Double.longBitsToDouble(loss));
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

    void write(long index, JournalEntry entry) {
        long at = at(index);
        long word = index + 1;
        long loss = Double.doubleToRawLongBits(entry.loss());
        try {
            bytes.writeOrderedLong(at, 0); // what a torn tail left is no longer a record
            bytes.writeLong(at + STEP_AT, entry.step());
            bytes.writeLong(at + GENERATION_AT, entry.generation());
            bytes.writeLong(at + LOSS_AT, loss);
            bytes.writeLong(at + CRC_AT, sum(word, entry.step(), entry.generation(), loss));
            bytes.writeOrderedLong(at, word);
        } catch (InternalError e) {
            throw failed("Writing", at, e);
        }
    }

    private long sum(long word, long step, long generation, long loss) {
        checked.clear().putLong(word).putLong(step).putLong(generation).putLong(loss).flip();
        crc.reset();
        crc.update(checked);
        return crc.getValue();
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
