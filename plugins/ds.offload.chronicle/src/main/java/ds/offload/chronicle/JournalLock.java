package ds.offload.chronicle;

import ds.offload.StorageException;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Set;

/**
 * Keeps a journal to one writer, by a file beside it: Chronicle locks and unlocks the journal's own
 * where it grows.
 */
record JournalLock(Path file, FileChannel channel) implements AutoCloseable {
    /** Locks, and makes the directory where there is none. */
    static JournalLock of(Path journal) {
        Path absolute = journal.toAbsolutePath();
        Path file = absolute.resolveSibling(absolute.getFileName() + ".lock");
        try {
            Files.createDirectories(file.getParent());
            FileChannel channel =
                    FileChannel.open(
                            file,
                            Set.of(
                                    StandardOpenOption.CREATE,
                                    StandardOpenOption.WRITE,
                                    LinkOption.NOFOLLOW_LINKS));
            JournalLock lock = new JournalLock(file, channel);
            if (!lock.isTaken()) {
                lock.close();
                throw new StorageException(
                        "The journal %s is open in another run; end that run, or name another path."
                                .formatted(journal));
            }
            return lock;
        } catch (IOException e) {
            throw new StorageException("Cannot lock the journal %s: %s.".formatted(journal, e), e);
        }
    }

    private boolean isTaken() throws IOException {
        try {
            return channel.tryLock() != null;
        } catch (OverlappingFileLockException e) {
            return false;
        }
    }

    @Override
    public void close() {
        try {
            channel.close();
        } catch (IOException e) {
            throw new StorageException("Closing %s failed: %s.".formatted(file, e), e);
        }
    }
}
