package ds.core;

import ds.core.spi.HostMemoryProvider;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicLongArray;

/**
 * All off-heap memory of one rank: one shared arena and a ledger of what it is for. Arrays are
 * staggered, so that no two of them lie at equal power-of-two distances (such arrays fight for the
 * same cache sets: measured 7 instead of 40 GB/s). Allocation is for set-up; a test counts that a
 * training step makes none.
 */
public final class RankMemory implements AutoCloseable {
    /** Alignment of every allocation: a page, and a direct-I/O block. */
    public static final int ALIGNMENT_BYTES = 4096;

    private static final int STAGGER_PAGES = 7;
    private static final int STAGGER_STEPS = 13;

    private final Arena arena = Arena.ofShared();
    private final HostMemoryProvider provider;
    private final AtomicLongArray bytes = new AtomicLongArray(MemoryKind.values().length);
    private final AtomicLong allocations = new AtomicLong();
    private final AtomicLong lockedBytes = new AtomicLong();
    private volatile Optional<String> lockRefusal = Optional.empty();
    private final Set<Piece> pieces = ConcurrentHashMap.newKeySet();

    /** Creates the memory of one rank on {@code provider}. */
    public RankMemory(HostMemoryProvider provider) {
        this.provider = provider;
    }

    /** Allocates a zeroed, 4 KiB-aligned, staggered buffer. */
    public FlatBuffer allocate(MemoryKind kind, DType type, long lengthElements) {
        return FlatBuffer.of(allocateBytes(kind, type.bytesOf(lengthElements)), type);
    }

    /** Allocates zeroed, 4 KiB-aligned, staggered bytes. */
    public MemorySegment allocateBytes(MemoryKind kind, long sizeBytes) {
        return allocate(arena, kind, sizeBytes);
    }

    /**
     * Allocates zeroed, 4 KiB-aligned, staggered bytes.
     *
     * @param pinned whether to lock their pages in memory; if the system refuses, they are as usable
     *     without, {@link #lockRefusal} says why, and nothing is locked from then on
     */
    public MemorySegment allocateBytes(MemoryKind kind, long sizeBytes, boolean pinned) {
        MemorySegment segment = allocateBytes(kind, sizeBytes);
        if (pinned && sizeBytes > 0 && lockRefusal.isEmpty()) {
            Optional<String> refusal = provider.lock(segment);
            lockRefusal = refusal;
            lockedBytes.addAndGet(refusal.isEmpty() ? sizeBytes : 0);
        }
        return segment;
    }

    /** Returns the bytes whose pages are locked in memory. */
    public long lockedBytes() {
        return lockedBytes.get();
    }

    /** Returns why memory that was to be locked is not; empty if all of it is. */
    public Optional<String> lockRefusal() {
        return lockRefusal;
    }

    /** Allocates as {@link #allocateBytes} does, but so that it can be given back. */
    public Piece allocatePiece(MemoryKind kind, long sizeBytes) {
        Piece piece = new Piece(kind, sizeBytes);
        pieces.add(piece);
        return piece;
    }

    /** Memory that its owner gives back; at the latest it is freed with the rest. */
    public final class Piece implements AutoCloseable {
        private final Arena own = Arena.ofShared();
        private final MemoryKind kind;
        private final MemorySegment segment;

        private Piece(MemoryKind kind, long sizeBytes) {
            this.kind = kind;
            this.segment = allocate(own, kind, sizeBytes);
        }

        /** Returns the bytes, until closed. */
        public MemorySegment segment() {
            return segment;
        }

        /** Frees the memory; the caller has drained whatever may still touch it. */
        @Override
        public void close() {
            if (pieces.remove(this)) {
                bytes.addAndGet(kind.ordinal(), -segment.byteSize());
                own.close();
            }
        }
    }

    private MemorySegment allocate(Arena of, MemoryKind kind, long sizeBytes) {
        if (sizeBytes == 0) {
            return MemorySegment.NULL;
        }
        long stagger =
                (long) ALIGNMENT_BYTES
                        * (STAGGER_PAGES
                                * (allocations.getAndIncrement() % STAGGER_STEPS)
                                % STAGGER_STEPS);
        MemorySegment slab = provider.allocate(of, sizeBytes + stagger, ALIGNMENT_BYTES);
        bytes.addAndGet(kind.ordinal(), sizeBytes);
        return slab.asSlice(stagger, sizeBytes);
    }

    /** Returns the bytes handed out for {@code kind}. */
    public long bytes(MemoryKind kind) {
        return bytes.get(kind.ordinal());
    }

    /** Returns the bytes handed out for all kinds. */
    public long totalBytes() {
        return Arrays.stream(MemoryKind.values()).mapToLong(this::bytes).sum();
    }

    /** Returns how many allocations were made so far; constant between steps. */
    public long allocationCount() {
        return allocations.get();
    }

    /** Frees everything. The caller has drained whatever may still touch it. */
    @Override
    public void close() {
        List.copyOf(pieces).forEach(Piece::close);
        arena.close();
    }
}
