package ds.offload;

import java.io.IOException;
import java.nio.file.FileStore;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** Whether what is about to be stored fits. */
final class StoreSpace {
    /** What one device is asked for. */
    private record Demand(Path existing, List<Path> nvmePaths, long neededBytes) {
        Demand plus(Path nvmePath, long bytes) {
            List<Path> paths = new ArrayList<>(nvmePaths);
            paths.add(nvmePath);
            return new Demand(existing, paths, Math.addExact(neededBytes, bytes));
        }
    }

    private StoreSpace() {}

    /** Checks the path of one store, before anything is written there. */
    static void require(StoreLocation location, long neededBytes, FileOperations files) {
        Path nvmePath = location.nvmePath();
        long usableBytes;
        try {
            usableBytes = files.usableBytes(nvmePath);
        } catch (IOException e) {
            throw new StorageException(
                    "Cannot tell the free space of nvme_path %s: %s.".formatted(nvmePath, e), e);
        }
        if (usableBytes < neededBytes) {
            throw new StorageException(
                    "The offload store needs %,d bytes and %s has %,d available; use fewer parameters, another nvme_path, or remove other stores there: %s."
                            .formatted(
                                    neededBytes,
                                    nvmePath,
                                    usableBytes,
                                    StaleStores.describeOthers(
                                            List.of(nvmePath),
                                            Optional.of(location.runDirectory()))));
        }
    }

    /**
     * Checks every device that what all ranks are about to store goes to; what nobody needs any more
     * is deleted before.
     */
    static void require(Map<Path, Long> neededBytes, FileOperations files) {
        Map<FileStore, Demand> demands = new LinkedHashMap<>();
        new TreeMap<>(neededBytes)
                .forEach(
                        (nvmePath, bytes) -> {
                            try {
                                if (Files.isDirectory(nvmePath)) {
                                    StaleStores.reclaim(nvmePath);
                                }
                                Path existing = existing(nvmePath);
                                demands.merge(
                                        Files.getFileStore(existing),
                                        new Demand(existing, List.of(nvmePath), bytes),
                                        (known, _) -> known.plus(nvmePath, bytes));
                            } catch (IOException e) {
                                throw unknown(nvmePath, e);
                            }
                        });
        demands.values().forEach(demand -> require(demand, files));
    }

    /** Returns the directory itself or, while it is not there yet, the next one above it that is. */
    private static Path existing(Path nvmePath) {
        Path at = nvmePath.toAbsolutePath();
        while (!Files.exists(at) && at.getParent() != null) {
            at = at.getParent();
        }
        return at;
    }

    private static void require(Demand demand, FileOperations files) {
        Path first = demand.nvmePaths().getFirst();
        long usableBytes;
        try {
            usableBytes = files.usableBytes(demand.existing());
        } catch (IOException e) {
            throw unknown(first, e);
        }
        if (usableBytes < demand.neededBytes()) {
            throw new StorageException(
                    "The offload stores of all local ranks need %,d bytes and the device of %s has %,d available; use fewer parameters, another nvme_path, or remove other stores there: %s."
                            .formatted(
                                    demand.neededBytes(),
                                    String.join(
                                            " and ",
                                            demand.nvmePaths().stream()
                                                    .map(Path::toString)
                                                    .toList()),
                                    usableBytes,
                                    StaleStores.describeOthers(
                                            demand.nvmePaths(), Optional.empty())));
        }
    }

    private static StorageException unknown(Path nvmePath, IOException cause) {
        return new StorageException(
                "Cannot tell the free space of nvme_path %s: %s; name a directory that this user may read and write."
                        .formatted(nvmePath, cause),
                cause);
    }
}
