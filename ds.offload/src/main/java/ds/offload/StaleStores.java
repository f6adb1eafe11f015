package ds.offload;

import java.io.IOException;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** The stores in one {@code nvme_path}: which ones nobody needs, and how they are removed. */
final class StaleStores {
    private static final System.Logger LOG = System.getLogger(StaleStores.class.getName());
    private static final String RUNS = "ds-*";
    private static final String RESUMABLE = ", resumable";
    private static final String RANKS = "rank-*-of-*";

    private StaleStores() {}

    /** Deletes every store whose process is gone, whose lock is free and that nobody can need. */
    static void reclaim(Path nvmePath) throws IOException {
        for (Path store : stores(nvmePath)) {
            Optional<StoreOwner> owner = StoreOwner.read(store);
            if (owner.isPresent()
                    && !owner.get().runs()
                    && !isNeeded(store, owner.get())
                    && deleteIfUnlocked(store)) {
                LOG.log(
                        System.Logger.Level.INFO,
                        "Reclaimed the offload store {0} of process {1}, which is gone.",
                        store,
                        Long.toString(owner.get().pid()));
            }
        }
    }

    /** Returns whether a run can go on from a store whose process is gone. */
    static boolean isNeeded(Path store, StoreOwner owner) {
        return !owner.released()
                && owner.use() == StoreUse.DURABLE
                && StoreHistory.mayHoldCommits(store);
    }

    static List<Path> stores(Path nvmePath) throws IOException {
        List<Path> stores = new ArrayList<>();
        for (Path run : entries(nvmePath, RUNS)) {
            stores.addAll(entries(run, RANKS));
        }
        return stores;
    }

    /** Returns the ranks' directories of a run. */
    static List<Path> ranks(Path run) throws IOException {
        return entries(run, RANKS);
    }

    /** Returns the runs' directories. */
    static List<Path> runs(Path nvmePath) throws IOException {
        return entries(nvmePath, RUNS);
    }

    private static List<Path> entries(Path directory, String pattern) throws IOException {
        List<Path> found = new ArrayList<>();
        try (DirectoryStream<Path> entries = Files.newDirectoryStream(directory, pattern)) {
            for (Path entry : entries) {
                if (Files.isDirectory(entry, LinkOption.NOFOLLOW_LINKS)) {
                    found.add(entry);
                }
            }
        } catch (NoSuchFileException e) {
            return List.of(); // its owner removed it meanwhile
        } catch (AccessDeniedException e) {
            if (pattern.equals(RUNS)) {
                throw e;
            }
            return List.of(); // somebody else's run: none of our business
        }
        return found;
    }

    /** The owner does not run here; another machine or container may still hold the lock. */
    static boolean deleteIfUnlocked(Path store) {
        try {
            Optional<StoreLock> lock = StoreLock.ofExisting(store);
            if (lock.isEmpty()) {
                return false;
            }
            try (StoreLock _ = lock.get()) {
                deleteFiles(store);
            }
        } catch (NoSuchFileException e) {
            deleteFiles(store); // it has lost its lock, so that nobody holds it
        } catch (IOException | OverlappingFileLockException e) {
            LOG.log(
                    System.Logger.Level.WARNING,
                    "The offload store {0} is stale and cannot be reclaimed: {1}",
                    store,
                    e);
            return false;
        }
        deleteEmptied(store);
        return true;
    }

    /** Deletes the data files of a store, in all its paths, while it is locked. */
    static void deleteFiles(Path store) {
        deleteParts(store);
        deleteEntries(store, "*" + ExtentFile.SUFFIX);
        deleteEntries(store, "journal-*.log*");
        deleteEntries(store, PartsFile.FILE + "*"); // the parts are gone, or were said to stay
    }

    /** Deletes what a store has in other paths than its home. Whose parts they are was checked. */
    private static void deleteParts(Path store) {
        try {
            Optional<PartsFile> parts = PartsFile.read(store);
            if (parts.isEmpty() || parts.get().index() != 0) {
                return;
            }
            List<Path> directories = parts.get().at(store).directories();
            for (Path part : directories.subList(1, directories.size())) {
                if (PartsFile.read(part).filter(it -> it.set() == parts.get().set()).isPresent()) {
                    deleteEntries(part, "*" + ExtentFile.SUFFIX);
                    deleteEntries(part, PartsFile.FILE + "*");
                } else if (!Files.isDirectory(part)) {
                    LOG.log(
                            System.Logger.Level.WARNING,
                            "The part {0} of the offload store {1} is not there to be deleted.",
                            part,
                            store);
                }
                deleteEntries(part, PartsFile.TEMPORARY);
                deleteDirectories(part); // one without a file was being made
            }
        } catch (StorageException e) {
            LOG.log(
                    System.Logger.Level.WARNING,
                    "The other parts of the offload store {0} stay: {1}",
                    store,
                    e.getMessage());
        }
    }

    /**
     * Deletes what {@link #deleteFiles} left, once the lock is given up: owner, lock and directories,
     * the run's too if it was the last.
     */
    static void deleteEmptied(Path store) {
        deleteEntries(store, StoreOwner.FILE + "*");
        deleteEntries(store, StoreLock.FILE);
        deleteDirectories(store);
    }

    /** Deletes a rank's directory and its run's, as far as they are empty. */
    private static void deleteDirectories(Path store) {
        Path run = store.getParent();
        try {
            Files.deleteIfExists(store);
            Files.deleteIfExists(run);
        } catch (DirectoryNotEmptyException e) {
            // Other ranks, or somebody's own files, are still there.
        } catch (IOException e) {
            LOG.log(System.Logger.Level.WARNING, "Cannot delete {0}: {1}", store, e);
        }
    }

    private static void deleteEntries(Path directory, String pattern) {
        try (DirectoryStream<Path> entries = Files.newDirectoryStream(directory, pattern)) {
            for (Path entry : entries) {
                Files.deleteIfExists(entry);
            }
        } catch (NoSuchFileException e) {
            // Gone already.
        } catch (IOException e) {
            LOG.log(System.Logger.Level.WARNING, "Cannot clear {0}: {1}", directory, e);
        }
    }

    /** Returns the stores of other runs with their sizes and owners, or "there are none". */
    static String describeOthers(List<Path> nvmePaths, Optional<Path> ownRun) {
        List<String> found = new ArrayList<>();
        try {
            for (Path nvmePath : nvmePaths) {
                for (Path store : stores(nvmePath)) {
                    if (ownRun.filter(store::startsWith).isEmpty()) {
                        found.add(describe(store));
                    }
                }
            }
        } catch (IOException e) {
            return "unknown, since " + e;
        }
        if (found.isEmpty()) {
            return "there are none";
        }
        String listed = String.join(", ", found);
        return listed.contains(RESUMABLE) ? listed + "; 'ds store prune' removes them" : listed;
    }

    private static String describe(Path store) throws IOException {
        Optional<StoreOwner> owner = StoreOwner.read(store);
        String user =
                owner.filter(StoreOwner::runs)
                        .map(found -> ", in use by process " + found.pid())
                        .or(() -> owner.filter(found -> isNeeded(store, found)).map(_ -> RESUMABLE))
                        .orElse("");
        return "%s (%,d bytes%s)".formatted(store, sizeBytes(store), user);
    }

    /** Returns the bytes of a store in all its paths, as far as they are there. */
    static long allBytes(Path store) throws IOException {
        long size = sizeBytes(store);
        try {
            List<Path> directories =
                    PartsFile.read(store)
                            .map(parts -> parts.at(store).directories())
                            .orElse(List.of(store));
            for (Path part : directories.subList(1, directories.size())) {
                size += Files.isDirectory(part) ? sizeBytes(part) : 0;
            }
        } catch (StorageException e) {
            return size; // what is wrong is said where the store is looked into
        }
        return size;
    }

    static long sizeBytes(Path store) throws IOException {
        long size = 0;
        try (DirectoryStream<Path> entries = Files.newDirectoryStream(store)) {
            for (Path entry : entries) {
                size += Files.size(entry);
            }
        }
        return size;
    }
}
