package ds.offload;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Optional;
import java.util.Set;

/**
 * The lock of a store, which its process holds as long as it has the store open: an empty file at
 * home. Closing <em>any</em> channel on it drops all locks of this process there, so that it is
 * tried only where the {@link StoreOwner} does not say that the store is this process's own.
 */
final class StoreLock implements AutoCloseable {
    static final String FILE = "lock";

    private final FileChannel channel;
    private final FileLock lock;

    private StoreLock(FileChannel channel, FileLock lock) {
        this.channel = channel;
        this.lock = lock;
    }

    /** Makes and takes the lock of a new store; empty if another process was quicker. */
    static Optional<StoreLock> ofNew(Path store) throws IOException {
        return take(PrivateFiles.create(store.resolve(FILE)));
    }

    /** Takes the lock of a store that was left, and makes it where it is gone. */
    static Optional<StoreLock> ofLeft(Path store) throws IOException {
        return take(
                FileChannel.open(
                        store.resolve(FILE),
                        Set.of(
                                StandardOpenOption.CREATE,
                                StandardOpenOption.WRITE,
                                LinkOption.NOFOLLOW_LINKS)));
    }

    /**
     * Takes the lock that a store has; empty if another process holds it.
     *
     * @throws java.nio.file.NoSuchFileException if it has none
     * @throws OverlappingFileLockException if this process holds it
     */
    static Optional<StoreLock> ofExisting(Path store) throws IOException {
        return take(
                FileChannel.open(
                        store.resolve(FILE), StandardOpenOption.WRITE, LinkOption.NOFOLLOW_LINKS));
    }

    private static Optional<StoreLock> take(FileChannel channel) throws IOException {
        Optional<StoreLock> taken = Optional.empty();
        try {
            taken =
                    Optional.ofNullable(channel.tryLock())
                            .map(held -> new StoreLock(channel, held));
            return taken;
        } finally {
            if (taken.isEmpty()) {
                channel.close();
            }
        }
    }

    /** Returns whether somebody holds the lock of a store, which is not this process's own. */
    static boolean isHeld(Path store) {
        try {
            Optional<StoreLock> free = ofExisting(store);
            if (free.isPresent()) {
                free.get().close();
            }
            return free.isEmpty();
        } catch (OverlappingFileLockException e) {
            return true;
        } catch (IOException e) {
            return false; // not there, or not ours to open
        }
    }

    /** Gives the lock up after a failure, of which none in this may take the place. */
    void abandon() {
        try {
            close();
        } catch (IOException e) {
            System.getLogger(StoreLock.class.getName())
                    .log(System.Logger.Level.WARNING, "Closing a lock file failed: " + e);
        }
    }

    /** Gives the lock up; its file stays. */
    @Override
    public void close() throws IOException {
        try (channel) {
            lock.release();
        }
    }
}
