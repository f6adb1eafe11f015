package ds.offload;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** The stores in one {@code nvme_path}: which ones nobody needs, and how they are removed. */
final class StaleStores {
    private static final System.Logger LOG = System.getLogger(StaleStores.class.getName());
    private static final String RUNS = "ds-*";
    private static final String RANKS = "rank-*-of-*";

    private StaleStores() {}

    /** Deletes every store whose process is gone, whose lock is free and that never committed. */
    static void reclaim(Path nvmePath) throws IOException {
        for (Path store : stores(nvmePath)) {
            Optional<StoreOwner> owner = StoreOwner.read(store);
            if (owner.isPresent() && !owner.get().runs() && deleteIfUnlocked(store)) {
                LOG.log(
                        System.Logger.Level.INFO,
                        "Reclaimed the offload store {0} of process {1}, which is gone.",
                        store,
                        Long.toString(owner.get().pid()));
            }
        }
    }

    private static List<Path> stores(Path nvmePath) throws IOException {
        List<Path> stores = new ArrayList<>();
        for (Path run : entries(nvmePath, RUNS)) {
            stores.addAll(entries(run, RANKS));
        }
        return stores;
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
    private static boolean deleteIfUnlocked(Path store) {
        Path lockFile = store.resolve(StoreDirectory.LOCK_FILE);
        try (FileChannel channel =
                        FileChannel.open(
                                lockFile, StandardOpenOption.WRITE, LinkOption.NOFOLLOW_LINKS);
                FileLock lock = channel.tryLock()) {
            if (lock == null) {
                return false;
            }
            deleteFiles(store);
        } catch (NoSuchFileException e) {
            // It died before it locked, so there is nothing but the owner's file.
        } catch (IOException | OverlappingFileLockException e) {
            LOG.log(
                    System.Logger.Level.WARNING,
                    "The offload store {0} is stale and cannot be reclaimed: {1}",
                    store,
                    e);
            return false;
        }
        delete(store);
        return true;
    }

    /** Deletes the data files of a store, but neither owner nor lock. */
    static void deleteFiles(Path store) {
        deleteEntries(store, "*" + ExtentFile.SUFFIX);
    }

    /** Deletes a store's files, its directory, and the run's directory if it was the last. */
    static void delete(Path store) {
        deleteFiles(store);
        deleteEntries(store, StoreOwner.FILE + "*");
        deleteEntries(store, StoreDirectory.LOCK_FILE);
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
        return found.isEmpty() ? "there are none" : String.join(", ", found);
    }

    private static String describe(Path store) throws IOException {
        String user =
                StoreOwner.read(store)
                        .filter(StoreOwner::runs)
                        .map(owner -> ", in use by process " + owner.pid())
                        .orElse("");
        return "%s (%,d bytes%s)".formatted(store, sizeBytes(store), user);
    }

    private static long sizeBytes(Path store) throws IOException {
        long size = 0;
        try (DirectoryStream<Path> entries = Files.newDirectoryStream(store)) {
            for (Path entry : entries) {
                size += Files.size(entry);
            }
        }
        return size;
    }
}
