package ds.offload;

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

    /** Makes a file's bytes (and, if {@code metaData}, its size) durable. */
    void force(FileChannel channel, Path file, boolean metaData) throws IOException;

    /** Renames atomically within one directory. */
    void rename(Path from, Path to) throws IOException;

    /** Makes a directory's entries durable. */
    void syncDirectory(Path directory) throws IOException;

    /** Returns the bytes that can still be written to the file system of {@code directory}. */
    long usableBytes(Path directory) throws IOException;
}
