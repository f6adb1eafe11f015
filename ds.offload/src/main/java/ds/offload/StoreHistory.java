package ds.offload;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * The commits of a store as its journal tells them: what can be gone on from. Reading changes
 * nothing.
 */
final class StoreHistory {
    /** A record of which one copy is bad. */
    record Repair(int file, long offset, JournalFile.Found found) {}

    /** What one file holds: its records up to the first that does not follow. */
    private record Chain(List<JournalRecord> records, long end, long storeId) {
        boolean isEmpty() {
            return records.isEmpty();
        }

        long last() {
            return records.isEmpty() ? 0 : records.getLast().sequence();
        }
    }

    private final Path directory;
    private final StoreParts parts;
    private final List<JournalRecord> records = new ArrayList<>();
    private final List<Repair> repairs = new ArrayList<>();
    private final List<String> notes = new ArrayList<>();
    private int activeFile;
    private long end;
    private long storeId;
    private long highestSeen;

    private StoreHistory(StoreParts parts) {
        this.parts = parts;
        this.directory = parts.home();
    }

    /**
     * Returns whether a store may hold a commit: its journal is there and was written to, or has lost
     * its size.
     */
    static boolean mayHoldCommits(Path rankDirectory) {
        for (String name : StoreJournal.FILES) {
            Path file = rankDirectory.resolve(name);
            if (!Files.exists(file, LinkOption.NOFOLLOW_LINKS)) {
                continue;
            }
            try {
                long half = Files.size(file) / 2;
                if (half < JournalFile.PAGE_BYTES) {
                    return true;
                }
                try (JournalFile journal =
                        JournalFile.open(file, FileOperations.system(), half, false)) {
                    if (journal.isUsed(0)) {
                        return true;
                    }
                }
            } catch (IOException | StorageException e) {
                return true;
            }
        }
        return false;
    }

    /** As the other one, of a store that lies where its directory at home says. */
    static StoreHistory read(Path directory, FileOperations files) {
        return read(StoreParts.of(directory), files);
    }

    /**
     * Reads the journal of a store.
     *
     * @throws StorageException if it holds no commit, is truncated, or has lost its last commits
     */
    static StoreHistory read(StoreParts parts, FileOperations files) {
        Path directory = parts.home();
        StoreHistory history = new StoreHistory(parts);
        List<Chain> chains = new ArrayList<>();
        for (int i = 0; i < StoreJournal.FILES.size(); i++) {
            chains.add(history.chain(i, files));
        }
        history.join(chains);
        if (history.records.isEmpty()) {
            throw new StorageException(
                    "The offload store %s holds no commit: %s"
                            .formatted(
                                    directory,
                                    history.notes.isEmpty()
                                            ? "its journal is empty."
                                            : String.join(" ", history.notes)));
        }
        if (history.highestSeen > history.last().sequence()) {
            throw new StorageException(
                    "The journal of the offload store %s is corrupt: it has record %,d, but not all between it and %,d. %s Resume from a checkpoint."
                            .formatted(
                                    directory,
                                    history.highestSeen,
                                    history.last().sequence(),
                                    String.join(" ", history.notes)));
        }
        history.requireSizes();
        return history;
    }

    private Chain chain(int index, FileOperations files) {
        Path file = directory.resolve(StoreJournal.FILES.get(index));
        long half;
        try {
            half = Files.size(file) / 2 / JournalFile.PAGE_BYTES * JournalFile.PAGE_BYTES;
        } catch (IOException e) {
            notes.add("%s cannot be read: %s.".formatted(file, e));
            return new Chain(List.of(), 0, 0);
        }
        try (JournalFile journal =
                JournalFile.open(file, files, halfOf(file, half, files), false)) {
            return chain(index, journal);
        } catch (IOException e) {
            throw new StorageException("Cannot read %s: %s.".formatted(file, e.getMessage()), e);
        }
    }

    /** Returns what the first record says of its file's size, or what the size says. */
    private static long halfOf(Path file, long guess, FileOperations files) throws IOException {
        if (Files.size(file) != 2 * guess || guess == 0) {
            throw new StorageException(
                    "%s has %,d bytes, which no journal has; it was truncated, so resume from a checkpoint."
                            .formatted(file, Files.size(file)));
        }
        try (JournalFile journal = JournalFile.open(file, files, guess, false)) {
            Optional<JournalFile.Found> first = journal.read(0);
            if (first.isEmpty() || !first.get().record().kind().isFull()) {
                return guess;
            }
            CommitCodec.Reader reader = new CommitCodec.Reader(first.get().record());
            reader.commit();
            return reader.frame().journalBytes();
        }
    }

    private Chain chain(int index, JournalFile journal) throws IOException {
        List<JournalRecord> found = new ArrayList<>();
        long at = 0;
        long id = 0;
        Optional<JournalFile.Found> next = journal.read(0);
        while (next.isPresent()) {
            JournalRecord record = next.get().record();
            boolean follows =
                    found.isEmpty()
                            ? record.kind().isFull()
                            : record.sequence() == found.getLast().sequence() + 1
                                    && next.get().storeId() == id;
            if (!follows) {
                break;
            }
            if (!next.get().badCopies().isEmpty()) {
                repairs.add(new Repair(index, at, next.get()));
                notes.add(
                        "Record %,d in %s has a damaged copy at offset %,d; the other one is whole."
                                .formatted(
                                        record.sequence(),
                                        journal.file(),
                                        next.get().badCopies().getFirst() * journal.halfBytes()
                                                + at));
            }
            id = next.get().storeId();
            found.add(record);
            at += next.get().sizeBytes();
            next = journal.read(at);
        }
        lookBeyond(journal, at);
        return new Chain(found, at, id);
    }

    /** Looks for records that do not follow, and for bytes that are no record. */
    private void lookBeyond(JournalFile journal, long from) throws IOException {
        boolean noted = false;
        for (long at = from; at < journal.halfBytes(); ) {
            Optional<JournalFile.Found> found = journal.read(at);
            if (found.isPresent()) {
                highestSeen = Math.max(highestSeen, found.get().record().sequence());
                at += found.get().sizeBytes();
                continue;
            }
            if (!noted && journal.isUsed(at)) {
                noted = true;
                notes.add(
                        "%s holds bytes at offset %,d that are no record: a commit that was cut off, or damage."
                                .formatted(journal.file(), at));
            }
            at += JournalFile.PAGE_BYTES;
        }
    }

    /** Puts the older file's records before the newer one's, where they follow. */
    private void join(List<Chain> chains) {
        activeFile = chains.get(0).last() >= chains.get(1).last() ? 0 : 1;
        Chain newer = chains.get(activeFile);
        Chain older = chains.get(1 - activeFile);
        end = newer.end();
        storeId = newer.storeId();
        if (newer.isEmpty()) {
            return;
        }
        if (!older.isEmpty()) {
            if (older.storeId() == newer.storeId()
                    && older.last() + 1 == newer.records().getFirst().sequence()) {
                records.addAll(older.records());
            } else {
                notes.add(
                        "The older journal of %s does not end where the newer one begins."
                                .formatted(directory));
            }
        }
        records.addAll(newer.records());
    }

    private void requireSizes() {
        for (String name : StoreJournal.FILES) {
            ExtentFile.requireSize(directory.resolve(name), 2 * frame().journalBytes());
        }
        for (ExtentFile.Shape shape : frame().shape().files()) {
            ExtentFile.requireSizes(parts.of(shape.fileName(), shape.fileBytes()));
        }
    }

    Path directory() {
        return directory;
    }

    /** Returns where the extents lie. */
    StoreParts parts() {
        return parts;
    }

    /** Returns the last record. */
    JournalRecord last() {
        return records.getLast();
    }

    int activeFile() {
        return activeFile;
    }

    /** Returns where the next record goes in the active file. */
    long end() {
        return end;
    }

    long storeId() {
        return storeId;
    }

    List<Repair> repairs() {
        return repairs;
    }

    /** Returns what was found damaged and can be done without, one sentence each. */
    List<String> notes() {
        return List.copyOf(notes);
    }

    /** Returns what the store is. */
    CommitCodec.Frame frame() {
        CommitCodec.Reader reader = new CommitCodec.Reader(full(records.size() - 1));
        reader.commit();
        return reader.frame();
    }

    /** Returns what the last record says. */
    CommitCodec.Commit commit() {
        return commit(records.size() - 1);
    }

    /** Returns what the record at {@code index} says, with what its run is known by. */
    CommitCodec.Commit commit(int index) {
        CommitCodec.Commit commit = new CommitCodec.Reader(records.get(index)).commit();
        CommitCodec.Reader reader = new CommitCodec.Reader(full(index));
        reader.commit();
        reader.frame();
        Map<String, String> about = reader.about();
        return new CommitCodec.Commit(
                commit.runId(),
                commit.rank(),
                commit.world(),
                new StoreIdentity(
                        commit.identity().layoutHash(), commit.identity().configHash(), about),
                commit.run());
    }

    private JournalRecord full(int index) {
        return records.get(fullIndex(index));
    }

    private int fullIndex(int index) {
        int at = index;
        while (!records.get(at).kind().isFull()) {
            at--;
        }
        return at;
    }

    /** Returns the newest record that holds {@code commit}; empty if it is not there any more. */
    OptionalInt find(long commit) {
        for (int i = records.size() - 1; i >= 0; i--) {
            if (records.get(i).commit() == commit) {
                return OptionalInt.of(i);
            }
            if (records.get(i).commit() < commit) {
                break; // only rollbacks go back, and what they undid is no commit any more
            }
        }
        return OptionalInt.empty();
    }

    /** Returns the tables as they were after the record at {@code index}. */
    List<ExtentTable> tablesAt(int index) {
        List<ExtentTable> tables = frame().shape().tables();
        for (int i = fullIndex(index); i <= index; i++) {
            CommitCodec.Reader reader = new CommitCodec.Reader(records.get(i));
            reader.commit();
            if (records.get(i).kind().isFull()) {
                reader.frame();
                reader.about();
            }
            reader.tables(tables);
        }
        return tables;
    }

    int size() {
        return records.size();
    }

    JournalRecord get(int index) {
        return records.get(index);
    }
}
