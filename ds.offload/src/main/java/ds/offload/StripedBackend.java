package ds.offload;

import ds.core.Pending;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Collection;
import java.util.List;
import java.util.Queue;
import org.jspecify.annotations.Nullable;

/**
 * One file that lies in several paths. A transfer is cut where another path begins, and has ended
 * when all its pieces have: none of its memory is in use any more then, whatever failed. A sync is
 * one of every part: a commit rests on it. Used by one thread at a time, as its parts are.
 */
final class StripedBackend implements StorageBackend {
    /**
     * Pieces of a transfer that are under way at most: as many as a path's queue can hold, and more;
     * others follow as the first ones are awaited.
     */
    static final int PIECES_MAX = 32;

    private final Path file;
    private final StripeMap map;
    private final List<StorageBackend> parts;
    private final int depth;
    private final PartSyncs syncs;
    private int transfers;
    private boolean closed;

    /**
     * Puts a backend before its parts, which it closes.
     *
     * @param file the part at home, by which people know it
     * @param parts in order of the paths, each taking {@value #PIECES_MAX} times {@code depth}
     *     transfers
     * @param depth transfers in flight at most
     */
    StripedBackend(Path file, StripeMap map, List<StorageBackend> parts, int depth) {
        this.file = file;
        this.map = map;
        this.parts = List.copyOf(parts);
        this.depth = depth;
        this.syncs = new PartSyncs("ds-sync-" + file.getFileName(), parts.size());
    }

    /** One direction of a part. */
    @FunctionalInterface
    private interface Direction {
        Pending start(StorageBackend part, long offset, MemorySegment memory);
    }

    @Override
    public Pending read(long offsetBytes, MemorySegment into) {
        return start(new Transfer("Reading", offsetBytes, into, StorageBackend::read));
    }

    @Override
    public Pending write(long offsetBytes, MemorySegment from) {
        return start(new Transfer("Writing", offsetBytes, from, StorageBackend::write));
    }

    private Pending start(Transfer transfer) {
        if (closed) {
            throw new IllegalStateException("The backend of %s is closed.".formatted(file));
        }
        if (transfers == depth) {
            throw new IllegalStateException(
                    "More than %d requests are in flight on %s.".formatted(depth, file));
        }
        transfers++;
        transfer.startPieces();
        return transfer;
    }

    /** {@inheritDoc} All parts at once; it has ended when each has, whatever failed. */
    @Override
    public void sync() {
        syncs.run(parts);
    }

    @Override
    public void poll() {
        parts.forEach(StorageBackend::poll);
    }

    @Override
    public void register(Collection<MemorySegment> buffers) {
        parts.forEach(part -> part.register(buffers));
    }

    @Override
    public String name() {
        return parts.getFirst().name();
    }

    @Override
    public void close() {
        if (!closed) {
            closed = true;
            syncs.close();
            closeAll(parts);
        }
    }

    /** Closes all, also those after one that fails. */
    static void closeAll(List<StorageBackend> parts) {
        @Nullable StorageException failure = null;
        for (StorageBackend part : parts) {
            try {
                part.close();
            } catch (StorageException e) {
                if (failure == null) {
                    failure = e;
                } else {
                    failure.addSuppressed(e);
                }
            }
        }
        if (failure != null) {
            throw failure;
        }
    }

    /** A piece that is under way. */
    private record Piece(Pending pending, long sizeBytes) {}

    /** One transfer. */
    private final class Transfer implements Pending {
        private final String operation;
        private final long offset;
        private final MemorySegment memory;
        private final Direction direction;
        private final Queue<Piece> underWay = new ArrayDeque<>();
        private long started;
        private long moved;
        private boolean awaited;

        /** Null until a piece failed. */
        private @Nullable StorageException failure;

        Transfer(String operation, long offset, MemorySegment memory, Direction direction) {
            this.operation = operation;
            this.offset = offset;
            this.memory = memory;
            this.direction = direction;
        }

        void startPieces() {
            while (failure == null && started < memory.byteSize() && underWay.size() < PIECES_MAX) {
                StripeMap.Piece next = map.at(offset + started, memory.byteSize() - started);
                underWay.add(
                        new Piece(
                                direction.start(
                                        parts.get(next.path()),
                                        next.offset(),
                                        memory.asSlice(started, next.sizeBytes())),
                                next.sizeBytes()));
                started += next.sizeBytes();
            }
        }

        /** Awaits pieces in order; the other paths go on with the ones that follow. */
        @Override
        public long await() {
            for (Piece piece = underWay.poll(); piece != null; piece = underWay.poll()) {
                try {
                    poll();
                } catch (StorageException e) {
                    fail(String.valueOf(e.getMessage()), e); // the piece is awaited all the same
                }
                try {
                    long done = piece.pending().await();
                    moved += done;
                    if (done != piece.sizeBytes()) {
                        fail(
                                "%,d bytes of a piece of %,d were reported"
                                        .formatted(done, piece.sizeBytes()),
                                null);
                    }
                } catch (StorageException e) {
                    fail(String.valueOf(e.getMessage()), e);
                }
                startPieces();
            }
            if (!awaited) {
                awaited = true;
                transfers--;
            }
            if (failure != null) {
                throw failure;
            }
            return moved;
        }

        private void fail(String why, @Nullable StorageException cause) {
            String message =
                    "%s %,d bytes at offset %,d of %s, which lies in %d paths, failed: %s"
                            .formatted(
                                    operation, memory.byteSize(), offset, file, parts.size(), why);
            if (failure == null) {
                failure =
                        cause == null
                                ? new StorageException(message + ".")
                                : new StorageException(message, cause);
            } else if (cause != null) {
                failure.addSuppressed(cause);
            }
        }
    }
}
