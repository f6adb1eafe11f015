package ds.offload;

import java.io.IOException;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * A store that was left, to be gone on from: its process is gone or has closed it.
 *
 * @param access how to come to it
 */
record LeftStore(StoreAccess access) {
    /** Opens and locks it, dealt out to its paths as it was made. */
    StoreDirectory open() {
        requireLeft();
        requireOwnUser(access.directory());
        Optional<PartsFile> parts = PartsFile.require(access.location());
        for (Path part : access.location().rankDirectories()) {
            requireOwnUser(part);
        }
        StoreLock lock = lock();
        boolean whole = false;
        try {
            StoreOwner owner = StoreOwner.current(StoreUse.DURABLE, access.provider().name());
            owner.write(access.directory(), access.files());
            if (parts.isPresent()) {
                move(parts.get());
            }
            Stripes stripes = parts.map(PartsFile::stripes).orElse(Stripes.NONE);
            StoreDirectory opened = new StoreDirectory(access, stripes, lock, owner);
            opened.committed();
            whole = true;
            return opened;
        } catch (IOException e) {
            throw unlockable(e);
        } finally {
            if (!whole) {
                lock.abandon();
            }
        }
    }

    private void requireLeft() {
        Path directory = access.directory();
        if (!Files.isDirectory(directory, LinkOption.NOFOLLOW_LINKS)) {
            throw new StorageException(
                    "There is no offload store %s; a run goes on only with the stores of all its ranks."
                            .formatted(directory));
        }
        Optional<StoreOwner> before = StoreOwner.read(directory);
        if (before.filter(StoreOwner::runs).isPresent()) {
            throw new StorageException(
                    "The offload store %s is in use by %s; end that run first."
                            .formatted(directory, before.get().user(access.provider().name())));
        }
        if (before.filter(StoreOwner::released).isPresent()) {
            throw new StorageException(
                    "The run of the offload store %s ended in order, so it is kept no more; resume from a checkpoint."
                            .formatted(directory));
        }
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

    private StoreLock lock() {
        Path directory = access.directory();
        try {
            return StoreLock.ofLeft(directory)
                    .orElseThrow(
                            () ->
                                    new StorageException(
                                            "The offload store %s is locked by another process%s; end that run first."
                                                    .formatted(directory, holder())));
        } catch (IOException | OverlappingFileLockException e) {
            throw unlockable(e);
        }
    }

    private String holder() {
        return StoreOwner.read(access.directory())
                .filter(owner -> owner.pid() != 0)
                .map(owner -> ": " + owner.user(access.provider().name()))
                .orElse("");
    }

    /** Notes where the parts are now, where a drive was mounted elsewhere. */
    private void move(PartsFile parts) throws IOException {
        List<Path> now = access.location().absolute();
        if (!now.equals(parts.nvmePaths())) {
            PartsFile home = new PartsFile(parts.set(), 0, parts.stripes(), now);
            for (int path = 0; path < now.size(); path++) {
                home.withIndex(path)
                        .write(access.location().in(path).rankDirectory(), access.files(), true);
            }
        }
    }

    private StorageException unlockable(Exception cause) {
        return new StorageException(
                "Cannot lock the offload store %s: %s.".formatted(access.directory(), cause),
                cause);
    }
}
