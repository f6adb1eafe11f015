package ds.offload.mapped;

import ds.offload.FileOperations;
import ds.offload.StorageBackend;
import ds.offload.StorageException;
import ds.offload.StorageSettings;
import ds.offload.spi.QueuedBackend;
import ds.offload.spi.StorageProvider;
import ds.offload.spi.ThreadQueue;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Path;

/**
 * Files mapped into memory. Only by name: reading one is a page fault per page, and the pages it
 * touches count as this process's.
 */
public final class MappedProvider implements StorageProvider {
    private static final int PRIORITY = -10;

    @Override
    public String name() {
        return "mapped";
    }

    @Override
    public int priority() {
        return PRIORITY;
    }

    @Override
    public StorageBackend open(Path file, StorageSettings settings, FileOperations files) {
        FileChannel channel = QueuedBackend.channel(file);
        MappedFile mapping;
        try {
            mapping = new MappedFile(file, channel);
        } catch (IOException e) {
            closeQuietly(channel, e);
            throw new StorageException("Cannot map %s: %s.".formatted(file, e), e);
        }
        ThreadQueue threads = new ThreadQueue("ds-mapped-" + file.getFileName(), settings, mapping);
        return new MappedBackend(
                mapping,
                new QueuedBackend(
                        name(), file, channel, settings, files, files.queue(file, threads)),
                threads);
    }

    private static void closeQuietly(FileChannel channel, IOException reason) {
        try {
            channel.close();
        } catch (IOException e) {
            reason.addSuppressed(e);
        }
    }
}
