package ds.offload.chronicle.mapped;

import ds.offload.FileOperations;
import ds.offload.StorageBackend;
import ds.offload.StorageSettings;
import ds.offload.chronicle.ChronicleAccess;
import ds.offload.spi.MappingBackend;
import ds.offload.spi.StorageProvider;
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
        return MappingBackend.open(name(), file, settings, files, ChronicleMapping::of);
    }
}
