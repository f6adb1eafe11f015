package ds.offload.spi;

import ds.core.spi.NamedProvider;
import ds.offload.AioSettings;
import ds.offload.FileOperations;
import ds.offload.StorageBackend;
import ds.offload.StorageSettings;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;

/** Opens files for the offload store: {@code channel}, {@code mapped}, {@code io_uring}. */
public interface StorageProvider extends NamedProvider {
    /** Returns the order of automatic choice; the highest that can run here is taken. */
    int priority();

    /**
     * Returns why files of {@code directory} cannot be opened here, such as a file system without
     * direct transfers; empty if they can, or if only opening one would tell. Writes nothing.
     */
    default Optional<String> unavailable(Path directory) {
        return Optional.empty();
    }

    /**
     * Gives an empty file its size and its space on the drive without writing it: it reads as zeros.
     *
     * @return why this cannot be done, as words that follow "since"; empty if it was
     * @throws ds.offload.StorageException if it should have been and failed, as on a full drive
     */
    default Optional<String> reserve(Path file, long sizeBytes) {
        return Optional.of("backend '%s' reserves no space".formatted(name()));
    }

    /**
     * Opens an existing, preallocated file.
     *
     * @param files the door through which every byte goes
     * @throws ds.offload.StorageException if the file cannot be opened
     */
    StorageBackend open(Path file, StorageSettings settings, FileOperations files);

    /**
     * Opens an existing, preallocated file with DeepSpeed's own {@link AioSettings}.
     *
     * @param depth transfers in flight at most; one more is an {@link IllegalStateException}
     * @param stuckAfter the age at which waiting for a transfer ends in a {@link
     *     ds.offload.StorageException} that names file, offset and age
     * @param files the door through which every byte goes
     * @throws ds.offload.StorageException if the file cannot be opened
     */
    default StorageBackend open(Path file, int depth, Duration stuckAfter, FileOperations files) {
        return open(file, new StorageSettings(depth, stuckAfter, AioSettings.DEFAULT), files);
    }
}
