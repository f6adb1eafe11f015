package ds.offload;

import ds.core.FlatBuffer;
import ds.core.MemoryKind;
import ds.core.RankMemory;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.concurrent.ThreadLocalRandom;
import org.jspecify.annotations.Nullable;

/**
 * Arrays in files with more than one slot per extent, and a journal that says which are current. A
 * commit: what stays in memory is written, every write is complete, the files are synced, the record
 * is appended, the journal is synced; on a thread of its own, while the rank computes. Whatever
 * touches the store next waits for it.
 */
final class CommittedStateStore implements DurableStore {
    private static final System.Logger LOG = System.getLogger(DurableStore.class.getName());

    private final NvmeStateStore store;
    private final StoreJournal journal;
    private final StoreDirectory directory;
    private final StoreShape shape;
    private final StoreIdentity identity;
    private final CommitLane lane;

    /** Null unless the store was reopened and waits for its recovery. */
    private @Nullable StoreHistory history;

    private long lastCommit;
    private long epoch;

    /** The commit that {@link #newestWhole} found; 0 if it was not asked, or found none. */
    private long whole;

    private long commitNanos;
    private boolean closed;

    private CommittedStateStore(
            NvmeStateStore store,
            StoreJournal journal,
            StoreDirectory directory,
            StoreShape shape,
            StoreIdentity identity,
            Duration stuckAfter) {
        this.store = store;
        this.journal = journal;
        this.directory = directory;
        this.shape = shape;
        this.identity = identity;
        this.lane =
                new CommitLane("ds-r%d-commit".formatted(directory.location().rank()), stuckAfter);
    }

    /** Returns the bytes of a store's journal. */
    static long journalBytes(StoreShape shape) {
        return StoreJournal.fileBytes(CommitCodec.payloadBytesMax(shape));
    }

    /** Returns the bytes of the memory in which records of a journal are made. */
    static int recordBytes(StoreShape shape) {
        return JournalFile.recordBytes(CommitCodec.payloadBytesMax(shape));
    }

    private static ByteBuffer buffer(RankMemory memory, StoreShape shape) {
        return memory.allocateBytes(MemoryKind.STAGING, recordBytes(shape)).asByteBuffer();
    }

    static CommittedStateStore create(
            NvmeStateStore.Parts parts,
            RankMemory memory,
            StoreDirectory directory,
            StoreIdentity identity) {
        StoreShape shape = parts.shape();
        directory.requireSpace(shape.fileSizes(), journalBytes(shape));
        ByteBuffer buffer = buffer(memory, shape);
        long storeId = ThreadLocalRandom.current().nextLong();
        List<ExtentFile> files = NvmeStateStore.createFiles(parts, directory, storeId, true);
        NvmeStateStore store = NvmeStateStore.over(parts, files, directory);
        boolean whole = false;
        try {
            StoreJournal journal =
                    StoreJournal.create(
                            directory, storeId, CommitCodec.payloadBytesMax(shape), buffer);
            whole = true;
            return new CommittedStateStore(
                    store, journal, directory, shape, identity, parts.settings().stuckAfter());
        } finally {
            if (!whole) {
                store.close();
            }
        }
    }

    /** Returns {@code layout} as the store was made with it, if it was before some arrays lacked runs. */
    static StateLayout asMade(StateLayout layout, StoreDirectory directory) {
        boolean knowsWholes =
                layout.wholes().isEmpty()
                        || !StoreHistory.read(directory.parts(), directory.files())
                                .frame()
                                .shape()
                                .layout()
                                .wholes()
                                .isEmpty();
        return knowsWholes ? layout : layout.withoutWholes();
    }

    static CommittedStateStore reopen(
            NvmeStateStore.Parts parts,
            RankMemory memory,
            StoreDirectory directory,
            StoreIdentity identity) {
        StoreHistory history = StoreHistory.read(directory.parts(), directory.files());
        requireSame(history, parts.shape(), directory, identity);
        history.notes()
                .forEach(note -> LOG.log(System.Logger.Level.WARNING, note.replace("{", "'{'")));
        List<ExtentTable> tables = history.tablesAt(history.size() - 1);
        List<ExtentFile> files = new ArrayList<>();
        ByteBuffer buffer = buffer(memory, parts.shape());
        boolean whole = false;
        try {
            for (ExtentFile.Shape file : parts.shape().files()) {
                ExtentFile opened =
                        ExtentFile.reopen(
                                directory, file, history.storeId(), parts.settings().storage());
                files.add(opened);
                opened.table().copyFrom(tables.get(files.size() - 1));
            }
            StoreJournal journal = StoreJournal.reopen(directory, history, buffer);
            CommittedStateStore reopened =
                    new CommittedStateStore(
                            NvmeStateStore.over(parts, List.copyOf(files), directory),
                            journal,
                            directory,
                            parts.shape(),
                            identity,
                            parts.settings().stuckAfter());
            reopened.history = history;
            reopened.lastCommit = history.last().commit();
            reopened.epoch = history.last().epoch();
            whole = true;
            return reopened;
        } finally {
            if (!whole) {
                files.forEach(ExtentFile::close);
            }
        }
    }

    private static void requireSame(
            StoreHistory history,
            StoreShape mine,
            StoreDirectory directory,
            StoreIdentity identity) {
        CommitCodec.Commit commit = history.commit();
        StoreShape theirs = history.frame().shape();
        StoreLocation place = directory.location();
        if (commit.rank() != place.rank() || commit.world() != place.world()) {
            throw new StorageException(
                    "%s holds the state of rank %d of %d, not of rank %d of %d; a store goes on at its own world size, other ones go by a checkpoint."
                            .formatted(
                                    directory.path(),
                                    commit.rank(),
                                    commit.world(),
                                    place.rank(),
                                    place.world()));
        }
        String codec = theirs.layout().coding().name();
        if (!codec.equals(mine.layout().coding().name())) {
            throw new StorageException(
                    "%s keeps optimizer state as '%s', this run asks for '%s'; a store keeps the codec it was made with, so set jvm.state_codec to \"%s\", or go by a checkpoint."
                            .formatted(
                                    directory.path(), codec, mine.layout().coding().name(), codec));
        }
        if (!commit.identity().layoutHash().equals(identity.layoutHash())
                || !theirs.layout().equals(mine.layout())) {
            throw new StorageException(
                    "%s is of another model, optimizer or stage: it holds %s of %,d elements, this run has %s of %,d. Resume with what it was made with, or from a checkpoint."
                            .formatted(
                                    directory.path(),
                                    theirs.layout().arrays(),
                                    theirs.layout().elements(),
                                    mine.layout().arrays(),
                                    mine.layout().elements()));
        }
        if (theirs.slots() != mine.slots() || theirs.blockBytes() != mine.blockBytes()) {
            throw new StorageException(
                    "%s keeps %d generations in blocks of %,d bytes, this run asks for %d in blocks of %,d; a store keeps what it was made with, so set jvm.generations and jvm.chunk_bytes as they were, or go by a checkpoint."
                            .formatted(
                                    directory.path(),
                                    theirs.slots(),
                                    theirs.blockBytes(),
                                    mine.slots(),
                                    mine.blockBytes()));
        }
        if (!commit.identity().configHash().equals(identity.configHash())) {
            LOG.log(
                    System.Logger.Level.INFO,
                    "The configuration has changed since {0} was written.",
                    directory.path());
        }
    }

    @Override
    public void commit(CommitRecord record) {
        requireRecovered();
        settled();
        store.requireUsable();
        store.guarded(
                () -> {
                    store.sealResident();
                    boolean full = fill(record);
                    long number = lastCommit + 1;
                    lane.start(
                            () -> {
                                store.writeResident();
                                for (ExtentFile file : store.files()) {
                                    if (file.table().isMoved()) {
                                        file.sync();
                                    }
                                }
                                journal.append(
                                        full
                                                ? JournalRecord.Kind.SNAPSHOT
                                                : JournalRecord.Kind.STEP,
                                        epoch,
                                        number);
                            });
                });
    }

    /** Puts the record into the journal's buffer; returns whether it stands by itself. */
    private boolean fill(CommitRecord record) {
        StoreLocation place = directory.location();
        CommitCodec.Commit commit =
                new CommitCodec.Commit(
                        place.runId(), place.rank(), place.world(), identity, record);
        List<ExtentTable> tables = store.files().stream().map(ExtentFile::table).toList();
        if (lastCommit > 0) {
            CommitCodec.encodeStep(journal.begin(), commit, tables);
            if (journal.fits()) {
                return false;
            }
        }
        fillFull(commit, tables);
        return true;
    }

    private void fillFull(CommitCodec.Commit commit, List<ExtentTable> tables) {
        CommitCodec.encodeFull(
                journal.begin(), commit, new CommitCodec.Frame(shape, journal.halfBytes()), tables);
    }

    /** Waits for the commit that is under way, if any. */
    private void settled() {
        if (!lane.isBusy()) {
            return;
        }
        long since = System.nanoTime();
        try {
            store.guarded(lane::await);
        } finally {
            commitNanos += System.nanoTime() - since;
        }
        store.files().forEach(file -> file.table().settle());
        lastCommit++;
        directory.committed();
    }

    @Override
    public void awaitCommit() {
        settled();
    }

    @Override
    public long newestWhole(long commit) {
        StoreHistory read = unrecovered();
        for (long candidate = commit - 1; candidate > 0; candidate--) {
            OptionalInt index = read.find(candidate);
            if (index.isEmpty()) {
                break; // the journal begins later
            }
            if (StoreVerification.isWhole(read, index.getAsInt(), directory.files())) {
                whole = candidate;
                return candidate;
            }
        }
        return 0;
    }

    @Override
    public void goBack(long commit, long newEpoch) {
        StoreHistory read = unrecovered();
        int index = held(read, commit);
        epoch = newEpoch;
        if (commit < lastCommit) {
            rollBack(read.tablesAt(index), read.commit(index), commit);
        }
    }

    @Override
    public CommitRecord recover(long commit, long newEpoch) {
        StoreHistory read = unrecovered();
        goBack(commit, newEpoch);
        store.loadResident();
        history = null;
        return read.commit(held(read, commit)).run();
    }

    private StoreHistory unrecovered() {
        StoreHistory read = history;
        if (read == null) {
            throw new IllegalStateException(
                    "Only a store that was reopened is recovered, and once.");
        }
        return read;
    }

    private int held(StoreHistory read, long commit) {
        OptionalInt index = read.find(commit);
        if (index.isEmpty() || commit < lastCommit - 1 && commit != whole) {
            throw new StorageException(
                    "%s does not hold commit %,d any more: its last one is %,d."
                            .formatted(directory.path(), commit, lastCommit));
        }
        return index.getAsInt();
    }

    private void rollBack(List<ExtentTable> tables, CommitCodec.Commit found, long commit) {
        store.guarded(
                () -> {
                    for (int i = 0; i < tables.size(); i++) {
                        store.files().get(i).table().copyFrom(tables.get(i));
                    }
                    fillFull(found, tables);
                    journal.append(JournalRecord.Kind.ROLLBACK, epoch, commit);
                });
        boolean asked = commit == whole;
        LOG.log(
                asked ? System.Logger.Level.WARNING : System.Logger.Level.INFO,
                "{0} went back from commit {1} to {2}, {3}.",
                directory.path(),
                Long.toString(lastCommit),
                Long.toString(commit),
                asked
                        ? "the newest before it that is whole; what came after is given up"
                        : "the last one that all ranks have");
        lastCommit = commit;
    }

    private void requireRecovered() {
        if (history != null) {
            throw new IllegalStateException("A reopened store is recovered before it is used.");
        }
    }

    @Override
    public void step(Resident resident, ChunkStep step, Spread spread) {
        requireRecovered();
        settled();
        store.step(resident, step, spread);
    }

    @Override
    public void read(int array, long firstElement, FlatBuffer into) {
        requireRecovered();
        settled();
        store.read(array, firstElement, into);
    }

    @Override
    public void write(int array, long firstElement, FlatBuffer from) {
        requireRecovered();
        settled();
        store.write(array, firstElement, from);
    }

    @Override
    public long lastCommit() {
        return lastCommit;
    }

    @Override
    public long epoch() {
        return epoch;
    }

    @Override
    public StoreIdentity identity() {
        return identity;
    }

    @Override
    public StateLayout layout() {
        return store.layout();
    }

    @Override
    public long storedBytes() {
        return store.storedBytes();
    }

    @Override
    public long stallNanos() {
        return store.stallNanos() + commitNanos;
    }

    @Override
    public Transfers transfers() {
        return store.transfers();
    }

    /** Ends the commit that is under way, and closes the files, which stay if they were committed. */
    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        try {
            if (lane.isBusy()) {
                settled();
            }
        } finally {
            if (lane.end()) {
                store.close();
                journal.close();
            } else {
                // Closing a channel waits for the threads in it.
                LOG.log(
                        System.Logger.Level.WARNING,
                        "A commit of {0} does not come back; its files stay open.",
                        directory.path());
            }
        }
    }
}
