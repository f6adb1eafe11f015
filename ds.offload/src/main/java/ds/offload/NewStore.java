package ds.offload;

import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.ThreadLocalRandom;

/**
 * The making of a store: its directories, lock, owner and parts, in an order in which nobody takes
 * one that is half made for one that is stale. What fails is undone.
 *
 * @param access how to come to it
 * @param use what it is for
 * @param stripes how its files are dealt out to the paths
 */
record NewStore(StoreAccess access, StoreUse use, Stripes stripes) {
    private static final int ATTEMPTS = 10;

    /** Makes it, in paths that are made too where they are missing; what is stale there goes first. */
    StoreDirectory make() {
        StoreLocation location = access.location();
        for (int path = 0; path < location.nvmePaths().size(); path++) {
            try {
                Files.createDirectories(location.nvmePaths().get(path));
                StaleStores.reclaim(location.nvmePaths().get(path));
            } catch (IOException e) {
                throw unwritable(location.in(path), e);
            }
        }
        create(location.in(0));
        StoreOwner owner = StoreOwner.current(use, access.provider().name());
        StoreDirectory made = new StoreDirectory(access, stripes, lock(), owner);
        boolean whole = false;
        try {
            say(owner);
            whole = true;
            return made;
        } catch (IOException e) {
            throw unlockable(e);
        } finally {
            if (!whole) {
                made.close(); // which deletes what holds no commit
            }
        }
    }

    private StoreLock lock() {
        Path directory = access.directory();
        Optional<StoreLock> lock = Optional.empty();
        try {
            lock = StoreLock.ofNew(directory);
            return lock.orElseThrow(
                    () ->
                            new StorageException(
                                    "The offload store %s was locked by another process while it was made."
                                            .formatted(directory)));
        } catch (IOException e) {
            throw unlockable(e);
        } finally {
            if (lock.isEmpty()) {
                StaleStores.deleteEmptied(directory);
            }
        }
    }

    /**
     * Writes whose the store is and where it lies. The owner's file comes after the lock: a store
     * without one is never reclaimed, so that nobody can find this one before it is locked. Other
     * parts come after both, and after home says where: whoever removes home then finds them.
     */
    private void say(StoreOwner owner) throws IOException {
        StoreLocation location = access.location();
        boolean durable = use == StoreUse.DURABLE;
        if (location.nvmePaths().size() == 1) {
            owner.write(access.directory(), access.files());
            return;
        }
        PartsFile home =
                new PartsFile(
                        ThreadLocalRandom.current().nextLong(), 0, stripes, location.absolute());
        home.write(access.directory(), access.files(), durable);
        owner.write(access.directory(), access.files());
        for (int path = 1; path < location.nvmePaths().size(); path++) {
            StoreLocation place = location.in(path);
            create(place);
            home.withIndex(path).write(place.rankDirectory(), access.files(), durable);
        }
    }

    /** Creates the directory in one path. */
    private void create(StoreLocation location) {
        try {
            createRankDirectory(location);
            if (use == StoreUse.DURABLE) {
                access.files().syncDirectory(location.runDirectory());
                access.files().syncDirectory(location.nvmePath());
            }
        } catch (FileAlreadyExistsException e) {
            throw new StorageException(
                    "The offload store %s is there already%s; end that run, or use another nvme_path."
                            .formatted(
                                    location.rankDirectory(),
                                    StoreOwner.read(location.rankDirectory())
                                            .map(owner -> " and belongs to process " + owner.pid())
                                            .orElse("")),
                    e);
        } catch (IOException e) {
            throw unwritable(location, e);
        }
    }

    private static void createRankDirectory(StoreLocation location) throws IOException {
        Path run = location.runDirectory();
        for (int attempt = 1; ; attempt++) {
            try {
                PrivateFiles.createDirectory(run);
            } catch (FileAlreadyExistsException e) {
                requirePlainDirectory(run); // another rank of this run made it
            }
            try {
                PrivateFiles.createDirectory(location.rankDirectory());
                break;
            } catch (NoSuchFileException e) {
                if (attempt == ATTEMPTS) { // an ending rank deletes the empty run directory
                    throw e;
                }
            }
        }
        if (!Files.getOwner(run, LinkOption.NOFOLLOW_LINKS)
                .equals(Files.getOwner(location.rankDirectory(), LinkOption.NOFOLLOW_LINKS))) {
            Files.delete(location.rankDirectory());
            throw new StorageException(
                    "The directory %s belongs to %s, not to this user; remove it or use another nvme_path."
                            .formatted(run, Files.getOwner(run, LinkOption.NOFOLLOW_LINKS)));
        }
    }

    private static void requirePlainDirectory(Path run) {
        if (!Files.isDirectory(run, LinkOption.NOFOLLOW_LINKS)) {
            throw new StorageException(
                    "%s is a link or a file, not a directory; remove it or use another nvme_path."
                            .formatted(run));
        }
    }

    private static StorageException unwritable(StoreLocation location, IOException cause) {
        return new StorageException(
                "Cannot create the offload store %s: %s; make nvme_path a directory that this user may write."
                        .formatted(location.rankDirectory(), cause),
                cause);
    }

    private StorageException unlockable(IOException cause) {
        return new StorageException(
                "Cannot lock the offload store %s: %s; nvme_path must be on a file system with file locks."
                        .formatted(access.directory(), cause),
                cause);
    }
}
