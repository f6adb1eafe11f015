package ds.offload;

import ds.offload.spi.StorageProvider;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Opens files that lie in several directories, each part of one with the same provider. */
final class StripedProvider implements StorageProvider {
    private final StorageProvider parts;
    private final List<Path> directories;
    private final StripeMap map;

    /**
     * Creates a provider.
     *
     * @param parts opens them
     * @param directories of the parts, home first: those of files that are opened
     */
    StripedProvider(StorageProvider parts, List<Path> directories, Stripes stripes) {
        if (directories.size() != stripes.paths()) {
            throw new IllegalArgumentException(
                    "There are %d directories and weights for %d."
                            .formatted(directories.size(), stripes.paths()));
        }
        this.parts = parts;
        this.directories = List.copyOf(directories);
        this.map = new StripeMap(stripes);
    }

    @Override
    public String name() {
        return parts.name();
    }

    @Override
    public int priority() {
        return parts.priority();
    }

    @Override
    public Optional<String> unavailable() {
        return parts.unavailable();
    }

    @Override
    public Optional<String> unavailable(Path directory) {
        return parts.unavailable(directory);
    }

    @Override
    public Optional<String> reserve(Path file, long sizeBytes) {
        Optional<String> refusal = Optional.empty();
        for (int path = 0; path < directories.size() && refusal.isEmpty(); path++) {
            long part = map.partBytes(path, sizeBytes);
            if (part > 0) {
                refusal = parts.reserve(directories.get(path).resolve(file.getFileName()), part);
            }
        }
        return refusal;
    }

    /** {@inheritDoc} The file at home has its parts by the same name in the other directories. */
    @Override
    public StorageBackend open(Path file, StorageSettings settings, FileOperations files) {
        StorageSettings forPart =
                new StorageSettings(
                        Math.multiplyExact(settings.depth(), StripedBackend.PIECES_MAX),
                        settings.stuckAfter(),
                        settings.aio());
        List<StorageBackend> opened = new ArrayList<>();
        boolean whole = false;
        try {
            for (Path directory : directories) {
                opened.add(parts.open(directory.resolve(file.getFileName()), forPart, files));
            }
            whole = true;
            return new StripedBackend(file, map, opened, settings.depth());
        } finally {
            if (!whole) {
                StripedBackend.closeAll(opened);
            }
        }
    }
}
