package ds.offload.spi;

import ds.core.spi.NamedProvider;
import ds.offload.FileOperations;
import ds.offload.StorageBackend;
import java.nio.file.Path;

/** Opens files for the offload store: {@code channel}. */
public interface StorageProvider extends NamedProvider {
    /** Returns the order of automatic choice; the highest that can run here is taken. */
    int priority();

    /**
     * Opens an existing, preallocated file.
     *
     * @param depth requests in flight at most
     * @param files the door through which every byte goes
     */
    StorageBackend open(Path file, int depth, FileOperations files);
}
