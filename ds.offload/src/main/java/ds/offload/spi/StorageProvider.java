package ds.offload.spi;

import ds.core.spi.NamedProvider;
import ds.offload.FileOperations;
import ds.offload.StorageBackend;
import java.nio.file.Path;
import java.time.Duration;

/** Opens files for the offload store: {@code channel}. */
public interface StorageProvider extends NamedProvider {
    /** Returns the order of automatic choice; the highest that can run here is taken. */
    int priority();

    /**
     * Opens an existing, preallocated file.
     *
     * @param depth requests in flight at most; one more is an {@link IllegalStateException}
     * @param stuckAfter the age at which waiting for a request ends in a {@link
     *     ds.offload.StorageException} that names file, offset and age
     * @param files the door through which every byte goes
     * @throws ds.offload.StorageException if the file cannot be opened
     */
    StorageBackend open(Path file, int depth, Duration stuckAfter, FileOperations files);
}
