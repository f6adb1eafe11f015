package ds.offload;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.FileStore;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;

/** The operating system's files. */
final class SystemFiles implements FileOperations {
    static final SystemFiles INSTANCE = new SystemFiles();

    private SystemFiles() {}

    @Override
    public int read(FileChannel channel, Path file, ByteBuffer into, long position)
            throws IOException {
        return channel.read(into, position);
    }

    @Override
    public int write(FileChannel channel, Path file, ByteBuffer from, long position)
            throws IOException {
        return channel.write(from, position);
    }

    @Override
    public void force(FileChannel channel, Path file, boolean metaData) throws IOException {
        channel.force(metaData);
    }

    @Override
    public void rename(Path from, Path to) throws IOException {
        Files.move(from, to, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    }

    @Override
    public void syncDirectory(Path directory) throws IOException {
        if (directory.getFileSystem().supportedFileAttributeViews().contains("posix")) {
            try (FileChannel channel = FileChannel.open(directory, StandardOpenOption.READ)) {
                channel.force(true);
            }
        }
        // Elsewhere a directory cannot be opened, and its entries are journalled by the file
        // system.
    }

    @Override
    public long usableBytes(Path directory) throws IOException {
        FileStore volume = Files.getFileStore(directory);
        return volume.getUsableSpace();
    }
}
