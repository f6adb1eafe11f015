package ds.offload;

import ds.offload.spi.StorageProvider;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ThreadLocalRandom;
import org.jspecify.annotations.Nullable;

/**
 * One rank's directory on an NVMe volume, locked while it is open; of several paths one in each, of
 * which the first is home and has the lock. Closing deletes it, unless it holds a commit and was not
 * {@link #release}d: then it stays, to be gone on from. Opening it first reclaims what dead processes
 * left in the same paths and nobody can need. Owned by the rank's thread.
 */
public final class StoreDirectory implements AutoCloseable {
    static final String LOCK_FILE = "lock";

    private static final Set<PosixFilePermission> DIRECTORY_MODE =
            PosixFilePermissions.fromString("rwx------");
    private static final Set<PosixFilePermission> FILE_MODE =
            PosixFilePermissions.fromString("rw-------");
    private static final int ATTEMPTS = 10;

    private final StoreLocation location;
    private final StorageProvider provider;
    private final StorageProvider ofParts;
    private final FileOperations files;
    private final Path directory;
    private final StoreParts parts;
    private final FileChannel lockChannel;
    private final FileLock lock;
    private final StoreOwner owner;
    private boolean committed;
    private boolean released;
    private boolean closed;
    private boolean reserves = true; // until the backend refused

    private StoreDirectory(
            StoreLocation location,
            StorageProvider provider,
            FileOperations files,
            Stripes stripes,
            FileChannel lockChannel,
            FileLock lock,
            StoreOwner owner) {
        this.location = location;
        this.parts = new StoreParts(location.rankDirectories(), stripes);
        this.provider = parts.provider(provider);
        this.ofParts = provider;
        this.files = files;
        this.directory = location.rankDirectory();
        this.lockChannel = lockChannel;
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
        for (int path = 0; path < location.nvmePaths().size(); path++) {
            try {
                Files.createDirectories(location.nvmePaths().get(path));
                StaleStores.reclaim(location.nvmePaths().get(path));
            } catch (IOException e) {
                throw unwritable(location.in(path), e);
            }
        }
        create(location.in(0), files, use);
        return lock(location, provider, files, use, stripes);
    }

    /** Creates the directory in one path. */
    private static void create(StoreLocation location, FileOperations files, StoreUse use) {
        try {
            createRankDirectory(location);
            if (use == StoreUse.DURABLE) {
                files.syncDirectory(location.runDirectory());
                files.syncDirectory(location.nvmePath());
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

    /** Creates the other parts of a store whose home is locked. */
    private static void createParts(
            StoreLocation location, PartsFile home, FileOperations files, StoreUse use)
            throws IOException {
        for (int path = 1; path < location.nvmePaths().size(); path++) {
            StoreLocation place = location.in(path);
            create(place, files, use);
            home.withIndex(path).write(place.rankDirectory(), files, use == StoreUse.DURABLE);
        }
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
        Path directory = location.rankDirectory();
        if (!Files.isDirectory(directory, LinkOption.NOFOLLOW_LINKS)) {
            throw new StorageException(
                    "There is no offload store %s; a run goes on only with the stores of all its ranks."
                            .formatted(directory));
        }
        Optional<StoreOwner> before = StoreOwner.read(directory);
        if (before.filter(StoreOwner::runs).isPresent()) {
            throw new StorageException(
                    "The offload store %s is in use by %s; end that run first."
                            .formatted(directory, before.get().user(provider.name())));
        }
        if (before.filter(StoreOwner::released).isPresent()) {
            throw new StorageException(
                    "The run of the offload store %s ended in order, so it is kept no more; resume from a checkpoint."
                            .formatted(directory));
        }
        requireOwnUser(directory);
        Optional<PartsFile> parts = PartsFile.require(location);
        for (Path part : location.rankDirectories()) {
            requireOwnUser(part);
        }
        return relock(location, provider, files, parts);
    }

    /**
     * Returns how a store that was left is dealt out to its paths.
     *
     * @throws StorageException if a part of it is missing or in another's place
     */
    public static Stripes stripes(StoreLocation location) {
        return PartsFile.require(location).map(PartsFile::stripes).orElse(Stripes.NONE);
    }

    private static void requireOwnUser(Path directory) {
        try {
            if (!Files.isWritable(directory)
                    || Files.isSymbolicLink(directory.getParent())
                    || !Files.getOwner(directory, LinkOption.NOFOLLOW_LINKS)
                            .equals(
                                    Files.getOwner(
                                            directory.getParent(), LinkOption.NOFOLLOW_LINKS))) {
                throw new StorageException(
                        "The offload store %s is not this user's own; resume as the user who made it."
                                .formatted(directory));
            }
        } catch (IOException e) {
            throw new StorageException("Cannot open %s: %s.".formatted(directory, e), e);
        }
    }

    private static StoreDirectory relock(
            StoreLocation location,
            StorageProvider provider,
            FileOperations files,
            Optional<PartsFile> parts) {
        Path directory = location.rankDirectory();
        @Nullable FileChannel channel = null;
        boolean whole = false;
        try {
            channel =
                    FileChannel.open(
                            directory.resolve(LOCK_FILE),
                            Set.of(
                                    StandardOpenOption.CREATE,
                                    StandardOpenOption.WRITE,
                                    LinkOption.NOFOLLOW_LINKS));
            FileLock lock = channel.tryLock();
            if (lock == null) {
                throw new StorageException(
                        "The offload store %s is locked by another process%s; end that run first."
                                .formatted(
                                        directory,
                                        StoreOwner.read(directory)
                                                .filter(owner -> owner.pid() != 0)
                                                .map(owner -> ": " + owner.user(provider.name()))
                                                .orElse("")));
            }
            StoreOwner owner = StoreOwner.current(StoreUse.DURABLE, provider.name());
            owner.write(directory, files);
            if (parts.isPresent()) {
                moved(parts.get(), location, files);
            }
            StoreDirectory reopened =
                    new StoreDirectory(
                            location,
                            provider,
                            files,
                            parts.map(PartsFile::stripes).orElse(Stripes.NONE),
                            channel,
                            lock,
                            owner);
            reopened.committed = true;
            whole = true;
            return reopened;
        } catch (IOException | OverlappingFileLockException e) {
            throw new StorageException(
                    "Cannot lock the offload store %s: %s.".formatted(directory, e), e);
        } finally {
            if (!whole) {
                closeQuietly(channel);
            }
        }
    }

    /** Notes where the parts are now, where a drive was mounted elsewhere. */
    private static void moved(PartsFile parts, StoreLocation location, FileOperations files)
            throws IOException {
        List<Path> now = absolute(location);
        if (!now.equals(parts.nvmePaths())) {
            PartsFile home = new PartsFile(parts.set(), 0, parts.stripes(), now);
            for (int path = 0; path < now.size(); path++) {
                home.withIndex(path).write(location.in(path).rankDirectory(), files, true);
            }
        }
    }

    private static List<Path> absolute(StoreLocation location) {
        return location.nvmePaths().stream()
                .map(path -> path.toAbsolutePath().normalize())
                .toList();
    }

    private static StorageException unwritable(StoreLocation location, IOException cause) {
        return new StorageException(
                "Cannot create the offload store %s: %s; make nvme_path a directory that this user may write."
                        .formatted(location.rankDirectory(), cause),
                cause);
    }

    private static StoreDirectory lock(
            StoreLocation location,
            StorageProvider provider,
            FileOperations files,
            StoreUse use,
            Stripes stripes) {
        Path directory = location.rankDirectory();
        @Nullable FileChannel channel = null;
        @Nullable FileLock lock = null;
        boolean whole = false;
        try {
            // The owner's file comes after the lock: a store without one is never reclaimed, so
            // that
            // nobody can find this one before it is locked. Other parts come after both, and after
            // home says where: whoever removes home then finds them.
            channel = createFile(directory.resolve(LOCK_FILE));
            lock = channel.tryLock();
            if (lock == null) {
                throw new StorageException(
                        "The offload store %s was locked by another process while it was made."
                                .formatted(directory));
            }
            boolean striped = location.nvmePaths().size() > 1;
            PartsFile parts =
                    new PartsFile(
                            ThreadLocalRandom.current().nextLong(), 0, stripes, absolute(location));
            if (striped) {
                parts.write(directory, files, use == StoreUse.DURABLE);
            }
            StoreOwner owner = StoreOwner.current(use, provider.name());
            owner.write(directory, files);
            if (striped) {
                createParts(location, parts, files, use);
            }
            StoreDirectory made =
                    new StoreDirectory(location, provider, files, stripes, channel, lock, owner);
            whole = true;
            return made;
        } catch (IOException e) {
            throw new StorageException(
                    "Cannot lock the offload store %s: %s; nvme_path must be on a file system with file locks."
                            .formatted(directory, e),
                    e);
        } finally {
            if (!whole) {
                closeQuietly(channel);
                StaleStores.delete(directory);
            }
        }
    }

    private static void closeQuietly(@Nullable FileChannel channel) {
        if (channel != null) {
            try {
                channel.close();
            } catch (IOException e) {
                System.getLogger(StoreDirectory.class.getName())
                        .log(System.Logger.Level.WARNING, "Closing a lock file failed: " + e);
            }
        }
    }

    private static void createRankDirectory(StoreLocation location) throws IOException {
        Path run = location.runDirectory();
        for (int attempt = 1; ; attempt++) {
            try {
                Files.createDirectory(run, mode(run, DIRECTORY_MODE));
            } catch (FileAlreadyExistsException e) {
                requirePlainDirectory(run); // another rank of this run made it
            }
            try {
                Files.createDirectory(
                        location.rankDirectory(), mode(location.rankDirectory(), DIRECTORY_MODE));
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

    private static FileAttribute<?>[] mode(Path path, Set<PosixFilePermission> permissions) {
        return path.getFileSystem().supportedFileAttributeViews().contains("posix")
                ? new FileAttribute<?>[] {PosixFilePermissions.asFileAttribute(permissions)}
                : new FileAttribute<?>[0];
    }

    private static FileChannel createFile(Path file) throws IOException {
        return FileChannel.open(
                file,
                Set.of(
                        StandardOpenOption.CREATE_NEW,
                        StandardOpenOption.WRITE,
                        LinkOption.NOFOLLOW_LINKS),
                mode(file, FILE_MODE));
    }

    /** Creates a new file of this store, for writing. */
    FileChannel create(Path file) throws IOException {
        return createFile(file);
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
        Optional<String> refusal = ofParts.reserve(file, sizeBytes);
        if (refusal.isPresent()) {
            reserves = false;
            System.getLogger(StoreDirectory.class.getName())
                    .log(
                            System.Logger.Level.WARNING,
                            "fast_init: the files of {0} are filled with zeros all the same, since {1}.",
                            directory,
                            refusal.get());
        }
        return reserves;
    }

    /** Returns where the store is. */
    public StoreLocation location() {
        return location;
    }

    /** Returns where the extents lie. */
    StoreParts parts() {
        return parts;
    }

    /** Returns the rank's directory, at home. */
    public Path path() {
        return directory;
    }

    /** Returns how files are opened. */
    StorageProvider provider() {
        return provider;
    }

    /** Returns the door through which every byte goes. */
    FileOperations files() {
        return files;
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
        Map<Path, Long> needed = new HashMap<>();
        for (int path = 0; path < location.nvmePaths().size(); path++) {
            int part = path;
            long bytes =
                    fileBytes.stream()
                            .mapToLong(size -> parts.stripes().partBytes(part, size))
                            .sum();
            needed.put(location.nvmePaths().get(path), bytes + (path == 0 ? homeBytes : 0));
        }
        StoreSpace.require(needed, files);
    }

    /**
     * Checks that {@code neededBytes} more can be written. A later disk full is still an error, but
     * this one comes before anything is written and says the way out.
     *
     * @throws StorageException naming what is needed, what is available, and the stores of other
     *     runs in the same {@code nvme_path}
     */
    public void requireSpace(long neededBytes) {
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
        try {
            if (stays) {
                owner.left().write(directory, files);
            } else {
                if (committed) {
                    owner.release().write(directory, files); // a deletion may be cut off
                }
                StaleStores.deleteFiles(directory);
            }
            lock.release();
            lockChannel.close();
        } catch (IOException e) {
            throw new StorageException("Cannot close %s: %s.".formatted(directory, e), e);
        } finally {
            closeQuietly(lockChannel);
            if (!stays) {
                StaleStores.delete(directory);
            }
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }
}
