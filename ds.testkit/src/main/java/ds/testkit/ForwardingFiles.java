package ds.testkit;

import ds.offload.FileOperations;
import ds.offload.spi.TransferQueue;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;

/** File operations that are another's, but for what a subclass does otherwise. */
public class ForwardingFiles implements FileOperations {
    private final FileOperations files;

    /** Forwards to the operating system's. */
    public ForwardingFiles() {
        this(FileOperations.system());
    }

    /** Forwards to {@code files}. */
    public ForwardingFiles(FileOperations files) {
        this.files = files;
    }

    /** Returns where the next call goes; asked once before each. */
    protected FileOperations files() {
        return files;
    }

    @Override
    public int read(FileChannel channel, Path file, ByteBuffer into, long position)
            throws IOException {
        return files().read(channel, file, into, position);
    }

    @Override
    public int write(FileChannel channel, Path file, ByteBuffer from, long position)
            throws IOException {
        return files().write(channel, file, from, position);
    }

    @Override
    public TransferQueue queue(Path file, TransferQueue queue) {
        return files.queue(file, queue);
    }

    @Override
    public void force(FileChannel channel, Path file, boolean metaData) throws IOException {
        files().force(channel, file, metaData);
    }

    @Override
    public void rename(Path from, Path to) throws IOException {
        files().rename(from, to);
    }

    @Override
    public void syncDirectory(Path directory) throws IOException {
        files().syncDirectory(directory);
    }

    @Override
    public long usableBytes(Path directory) throws IOException {
        return files().usableBytes(directory);
    }
}
