package ds.offload;

import ds.offload.spi.TransferQueue;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;

/**
 * The one door through which every byte that must survive goes: stores and checkpoints alike. Tests
 * put fault injection here.
 */
public interface FileOperations {
    /** Returns the operating system's own. */
    static FileOperations system() {
        return SystemFiles.INSTANCE;
    }

    /** Reads at a position; returns the bytes read, −1 at the end of the file. */
    int read(FileChannel channel, Path file, ByteBuffer into, long position) throws IOException;

    /** Writes at a position; returns the bytes written. */
    int write(FileChannel channel, Path file, ByteBuffer from, long position) throws IOException;

    /**
     * Writes all of {@code from} at a position.
     *
     * @throws IOException if the operating system makes no progress, too
     */
    default void writeFully(FileChannel channel, Path file, ByteBuffer from, long position)
            throws IOException {
        long at = position;
        while (from.hasRemaining()) {
            int written = write(channel, file, from, at);
            if (written <= 0) {
                throw new IOException("the operating system made no progress");
            }
            at += written;
        }
    }

    /**
     * Returns what a backend that moves bytes without a channel (mapped memory, a kernel's queue)
     * uses in place of its own {@code queue}: the system's door lets it pass as it is.
     */
    default TransferQueue queue(Path file, TransferQueue queue) {
        return queue;
    }

    /** Makes a file's bytes (and, if {@code metaData}, its size) durable. */
    void force(FileChannel channel, Path file, boolean metaData) throws IOException;

    /** Renames atomically within one directory. */
    void rename(Path from, Path to) throws IOException;

    /** Makes a directory's entries durable. */
    void syncDirectory(Path directory) throws IOException;

    /** Returns the bytes that can still be written to the file system of {@code directory}. */
    long usableBytes(Path directory) throws IOException;
}
