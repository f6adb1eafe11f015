package ds.offload.chronicle;

import java.nio.file.Path;
import java.util.Optional;

/**
 * An append-only file of commits, written by one process and followed by others on the same machine.
 * Used by one thread at a time. An entry is visible to followers when {@link #append} returns, and
 * survives a failure of the machine once {@link #sync} did.
 */
public final class ChronicleJournal implements AutoCloseable {
    private final JournalBytes bytes;
    private final JournalLock lock;
    private long size;
    private boolean closed;

    private ChronicleJournal(JournalBytes bytes, JournalLock lock) {
        this.bytes = bytes;
        this.lock = lock;
        if (!bytes.begun()) {
            bytes.begin();
        }
        while (bytes.read(size) != null) {
            size++;
        }
    }

    /**
     * Opens a journal for appending behind its last whole entry, and creates it if there is none.
     * The file {@code <name>.lock} beside it is locked meanwhile, and stays.
     *
     * @throws ds.offload.StorageException if it cannot be opened, is open so elsewhere, is something
     *     else, or is damaged
     */
    public static ChronicleJournal open(Path file) {
        JournalLock lock = JournalLock.of(file);
        boolean whole = false;
        try {
            JournalBytes bytes = JournalBytes.open(file, true);
            try {
                ChronicleJournal journal = new ChronicleJournal(bytes, lock);
                whole = true;
                return journal;
            } finally {
                if (!whole) {
                    bytes.close();
                }
            }
        } finally {
            if (!whole) {
                lock.close();
            }
        }
    }

    /**
     * Appends one entry.
     *
     * @throws ds.offload.StorageException if the operating system has no room for it
     */
    public void append(JournalEntry entry) {
        requireOpen(closed);
        bytes.write(size, entry);
        size++;
    }

    /** Returns the number of entries. */
    public long size() {
        return size;
    }

    /**
     * Makes every entry durable.
     *
     * @throws ds.offload.StorageException if the operating system cannot
     */
    public void sync() {
        requireOpen(closed);
        bytes.sync();
    }

    @Override
    public void close() {
        if (!closed) {
            closed = true;
            try (lock) {
                bytes.close();
            }
        }
    }

    private static void requireOpen(boolean closed) {
        if (closed) {
            throw new IllegalStateException("The journal is closed.");
        }
    }

    /**
     * Opens a journal for reading from its first entry.
     *
     * @throws ds.offload.StorageException if it cannot be opened
     */
    public static Follower follow(Path file) {
        return new Follower(JournalBytes.open(file, false));
    }

    /** Reads entries in order while another process appends. Used by one thread at a time. */
    public static final class Follower implements AutoCloseable {
        private final JournalBytes bytes;
        private long next;
        private boolean closed;

        private Follower(JournalBytes bytes) {
            this.bytes = bytes;
        }

        /**
         * Returns the next entry, without waiting; empty if it is not there, or not whole yet.
         *
         * @throws ds.offload.StorageException if the file is no journal, or damaged before its tail
         */
        public Optional<JournalEntry> poll() {
            requireOpen(closed);
            if (!bytes.begun()) {
                return Optional.empty();
            }
            Optional<JournalEntry> entry = Optional.ofNullable(bytes.read(next));
            if (entry.isPresent()) {
                next++;
            }
            return entry;
        }

        @Override
        public void close() {
            if (!closed) {
                closed = true;
                bytes.close();
            }
        }
    }
}
