package ds.offload.chronicle.mapped;

import ds.offload.FileOperations;
import ds.offload.StorageBackend;
import ds.offload.StorageException;
import ds.offload.StorageSettings;
import ds.offload.chronicle.ChronicleAccess;
import ds.offload.spi.QueuedBackend;
import ds.offload.spi.StorageProvider;
import ds.offload.spi.ThreadQueue;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.Optional;

/** Files mapped by Chronicle Bytes, on Linux. Only by name: {@code mapped} does the same without it. */
public final class ChronicleProvider implements StorageProvider {
    private static final int PRIORITY = -20;

    /** For ServiceLoader. */
    public ChronicleProvider() {}

    @Override
    public String name() {
        return "chronicle";
    }

    @Override
    public int priority() {
        return PRIORITY;
    }

    @Override
    public Optional<String> unavailable() {
        return ChronicleAccess.missing();
    }

    @Override
    public StorageBackend open(Path file, StorageSettings settings, FileOperations files) {
        ChronicleAccess.require();
        FileChannel channel = QueuedBackend.channel(file);
        ChronicleMapping mapping;
        try {
            mapping = new ChronicleMapping(file, channel);
        } catch (IOException | IllegalStateException | IllegalArgumentException e) {
            closeQuietly(channel, e);
            throw new StorageException("Cannot map %s: %s.".formatted(file, e), e);
        }
        ThreadQueue threads =
                new ThreadQueue("ds-chronicle-" + file.getFileName(), settings, mapping);
        return new ChronicleBackend(
                mapping,
                new QueuedBackend(
                        name(), file, channel, settings, files, files.queue(file, threads)),
                threads);
    }

    private static void closeQuietly(FileChannel channel, Exception reason) {
        try {
            channel.close();
        } catch (IOException e) {
            reason.addSuppressed(e);
        }
    }
}
