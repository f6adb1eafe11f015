package ds.offload;

import ds.offload.spi.StorageProvider;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * One rank's directory on an NVMe volume, locked while it is open; of several paths one in each, of
 * which the first is home and has the lock. Closing deletes it, unless it holds a commit and was not
 * {@link #release}d: then it stays, to be gone on from. Opening it first reclaims what dead processes
 * left in the same paths and nobody can need. Owned by the rank's thread.
 */
public final class StoreDirectory implements AutoCloseable {
    private final StoreAccess access;
    private final StoreParts parts;
    private final StorageProvider provider;
    private final StoreLock lock;
    private final StoreOwner owner;
    private boolean committed;
    private boolean released;
    private boolean closed;
    private boolean reserves = true; // until the backend refused

    /** Holds a store that is locked. */
    StoreDirectory(StoreAccess access, Stripes stripes, StoreLock lock, StoreOwner owner) {
        this.access = access;
        this.parts = new StoreParts(access.location().rankDirectories(), stripes);
        this.provider = parts.provider(access.provider());
        this.lock = lock;
        this.owner = owner;
    }

    /** As the other one, for what is written in place. */
    public static StoreDirectory open(
            StoreLocation location, StorageProvider provider, FileOperations files) {
        return open(location, provider, files, StoreUse.IN_PLACE);
    }

    /** As the other one, in paths that get as much each. */
    public static StoreDirectory open(
            StoreLocation location, StorageProvider provider, FileOperations files, StoreUse use) {
        int paths = location.nvmePaths().size();
        Stripes stripes = Stripes.equal(paths, Stripes.NONE.stripeBytes());
        return open(location, provider, files, use, stripes);
    }

    /**
     * Creates and locks the directory of {@code location}, in each of its paths, and the paths where
     * they are not there yet.
     *
     * @param provider how the files in it are opened
     * @param files the door through which every byte goes
     * @param use what the store is for
     * @param stripes how its files are dealt out to the paths
     * @throws StorageException if a path cannot be written, the store is another live process's, or
     *     a directory on the way is a link or somebody else's
     */
    public static StoreDirectory open(
            StoreLocation location,
            StorageProvider provider,
            FileOperations files,
            StoreUse use,
            Stripes stripes) {
        return new NewStore(new StoreAccess(location, provider, files), use, stripes).make();
    }

    /**
     * Opens and locks a store that was left, to be gone on from: its process is gone or has closed
     * it. How it is dealt out to its paths is as it was made.
     *
     * @throws StorageException if it is not there, is in use, was ended in order, or is somebody
     *     else's; if a part of it is missing or in another's place
     */
    public static StoreDirectory reopen(
            StoreLocation location, StorageProvider provider, FileOperations files) {
        return new LeftStore(new StoreAccess(location, provider, files)).open();
    }

    /**
     * Returns how a store that was left is dealt out to its paths.
     *
     * @throws StorageException if a part of it is missing or in another's place
     */
    public static Stripes stripes(StoreLocation location) {
        return PartsFile.require(location).map(PartsFile::stripes).orElse(Stripes.NONE);
    }

    /** Creates a new file of this store, for writing. */
    FileChannel create(Path file) throws IOException {
        return PrivateFiles.create(file);
    }

    /**
     * Gives an empty file its space without writing it, if the backend can; says once that it cannot.
     *
     * @return whether it did
     */
    boolean reserve(Path file, long sizeBytes) {
        if (!reserves) {
            return false;
        }
        Optional<String> refusal = access.provider().reserve(file, sizeBytes);
        if (refusal.isPresent()) {
            reserves = false;
            System.getLogger(StoreDirectory.class.getName())
                    .log(
                            System.Logger.Level.WARNING,
                            "fast_init: the files of {0} are filled with zeros all the same, since {1}.",
                            path(),
                            refusal.get());
        }
        return reserves;
    }

    /** Returns where the store is. */
    public StoreLocation location() {
        return access.location();
    }

    /** Returns where the extents lie. */
    StoreParts parts() {
        return parts;
    }

    /** Returns the rank's directory, at home. */
    public Path path() {
        return access.directory();
    }

    /** Returns how files are opened. */
    StorageProvider provider() {
        return provider;
    }

    /** Returns the door through which every byte goes. */
    FileOperations files() {
        return access.files();
    }

    /**
     * Checks that files of these sizes can be written, dealt out to the paths, and {@code homeBytes}
     * more at home.
     *
     * @throws StorageException as the other one
     */
    void requireSpace(List<Long> fileBytes, long homeBytes) {
        long all = fileBytes.stream().mapToLong(Long::longValue).sum();
        if (!parts.isStriped()) {
            requireSpace(all + homeBytes);
            return;
        }
        List<Path> nvmePaths = location().nvmePaths();
        Map<Path, Long> needed = new HashMap<>();
        for (int path = 0; path < nvmePaths.size(); path++) {
            int part = path;
            long bytes =
                    fileBytes.stream()
                            .mapToLong(size -> parts.stripes().partBytes(part, size))
                            .sum();
            needed.put(nvmePaths.get(path), bytes + (path == 0 ? homeBytes : 0));
        }
        StoreSpace.require(needed, files());
    }

    /**
     * Checks that {@code neededBytes} more can be written. A later disk full is still an error, but
     * this one comes before anything is written and says the way out.
     *
     * @throws StorageException naming what is needed, what is available, and the stores of other
     *     runs in the same {@code nvme_path}
     */
    public void requireSpace(long neededBytes) {
        StoreSpace.require(location(), neededBytes, files());
    }

    /**
     * Checks that the stores of all local ranks together fit on the devices that they share, before
     * any of them opens its directory. Stores that nobody needs any more are deleted first.
     *
     * @param neededBytes by {@code nvme_path}, over all local ranks
     * @throws StorageException naming what is needed, what is available, and the way out
     */
    public static void requireSpace(Map<Path, Long> neededBytes, FileOperations files) {
        StoreSpace.require(neededBytes, files);
    }

    /** Says that the store holds a commit, so that it outlives its process. */
    void committed() {
        committed = true;
    }

    /** Says that nobody needs the store any more, whatever it holds: closing it deletes it. */
    public void release() {
        released = true;
    }

    /** Unlocks the store, and deletes it unless a run can go on from it. Its files are closed. */
    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        boolean interrupted = Thread.interrupted(); // it would close the channels written to
        boolean stays = committed && !released;
        try (lock) {
            if (stays) {
                owner.left().write(path(), files());
            } else {
                deleteFiles();
            }
        } catch (IOException e) {
            throw new StorageException("Cannot close %s: %s.".formatted(path(), e), e);
        } finally {
            if (!stays) {
                StaleStores.deleteEmptied(path());
            }
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    private void deleteFiles() throws IOException {
        try {
            if (committed) {
                owner.release().write(path(), files()); // a deletion may be cut off
            }
        } finally {
            StaleStores.deleteFiles(path());
        }
    }
}
