package ds.offload.mapped;

import ds.offload.FileOperations;
import ds.offload.StorageBackend;
import ds.offload.StorageSettings;
import ds.offload.spi.MappingBackend;
import ds.offload.spi.StorageProvider;
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
        return MappingBackend.open(name(), file, settings, files, MappedFile::new);
    }
}
