package ds.offload;

import ds.core.DType;
import ds.core.FlatBuffer;
import ds.core.Pending;
import ds.core.RankMemory;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.Iterator;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * A typed array in one file; reads ahead on request, writes neighbours together and behind, as far as
 * its slots do.
 */
final class NvmeShardFile implements ShardFile {
    private static final int BLOCK_BYTES_MAX = 1 << 20;
    private static final int FILE_NUMBER =
            1_000; // unlike a state array's; their store ids differ too

    /** Of so many buffers one is for writes. */
    private static final int BUFFERS_PER_WRITE = 3;

    /** A read that was asked for ahead of time. */
    private record Ahead(
            long firstByte, long sizeBytes, ExtentMap.Span span, Staging staging, Pending read) {
        boolean touches(long first, long size) {
            long blocksBegin = firstByte - span.skip();
            return first < blocksBegin + span.sizeBytes() && blocksBegin < first + size;
        }
    }

    private final ShardFiles.Shape shape;
    private final ExtentFile file;
    private final Staging direct;
    private final Deque<Staging> free = new ArrayDeque<>();
    private final Deque<Ahead> ahead = new ArrayDeque<>();
    private final WriteBehind behind;
    private final AheadSlots aheadSlots;
    private final long elements;
    private long stallNanos;
    private boolean closed;

    /** Null until a transfer failed. */
    private @Nullable StorageException broken;

    static NvmeShardFile create(
            ShardFiles.Shape shape,
            RankMemory memory,
            StoreDirectory directory,
            PipelineSettings settings) {
        var fileShape =
                new ExtentFile.Shape(
                        shape.name(), FILE_NUMBER, extents(shape), blockBytes(settings), 1);
        directory.requireSpace(List.of(fileShape.fileBytes()), 0);
        long slotBytes = slotBytes(shape, settings);
        boolean pinned = settings.slots().pinned();
        List<Staging> stagings =
                Stream.generate(() -> Staging.allocate(memory, List.of(slotBytes), pinned))
                        .limit(settings.slots().used())
                        .toList();
        ExtentFile file =
                ExtentFile.create(
                        directory,
                        fileShape,
                        ThreadLocalRandom.current().nextLong(),
                        stagings.getFirst(),
                        settings.storage(),
                        new Preallocation(false, false));
        return new NvmeShardFile(shape, file, stagings, settings);
    }

    private static int blockBytes(PipelineSettings settings) {
        return (int) Math.min(BLOCK_BYTES_MAX, Long.highestOneBit(settings.chunkBytes()));
    }

    static long slotBytes(ShardFiles.Shape shape, PipelineSettings settings) {
        long block = blockBytes(settings);
        long longest = extents(shape).stream().mapToLong(ExtentFile::padded).max().orElse(0);
        return Math.max(
                ExtentFile.padded(1), Math.min(settings.chunkBytes() / block * block, longest));
    }

    static long fileBytes(ShardFiles.Shape shape) {
        return ExtentFile.fileBytes(extents(shape));
    }

    private static List<Long> extents(ShardFiles.Shape shape) {
        return shape.extentLengths().stream().map(shape.type()::bytesOf).toList();
    }

    private NvmeShardFile(
            ShardFiles.Shape shape,
            ExtentFile file,
            List<Staging> stagings,
            PipelineSettings settings) {
        this.shape = shape;
        this.file = file;
        this.direct = stagings.getFirst();
        this.free.addAll(stagings.subList(1, stagings.size()));
        this.behind = new WriteBehind(file, direct, free, writes(settings.slots()));
        this.aheadSlots = aheadSlots(shape, settings);
        this.elements = shape.extentLengths().stream().mapToLong(Long::longValue).sum();
    }

    static AheadSlots aheadSlots(ShardFiles.Shape shape, PipelineSettings settings) {
        StagingSlots slots = settings.slots();
        int free = slots.used() - 1;
        int count = slots.readAhead() ? Math.min(free, Math.max(1, free - writes(slots))) : 0;
        long block = blockBytes(settings);
        long size = slotBytes(shape, settings);
        return new AheadSlots(count, size < block ? size : size / block * block);
    }

    /** Returns how many of the free buffers may hold what is written behind. */
    private static int writes(StagingSlots slots) {
        int free = slots.used() - 1;
        if (!slots.writeBehind()) {
            return 0;
        }
        return slots.readAhead() ? Math.min(free, Math.max(1, free / BUFFERS_PER_WRITE)) : free;
    }

    @Override
    public DType type() {
        return shape.type();
    }

    @Override
    public List<Long> extentLengths() {
        return shape.extentLengths();
    }

    @Override
    public long elements() {
        return elements;
    }

    @Override
    public void prefetch(long firstElement, long length) {
        requireUsable();
        Objects.checkFromIndexSize(firstElement, length, elements);
        long first = type().bytesOf(firstElement);
        timed(
                () -> {
                    if (free.isEmpty() && ahead.size() < aheadSlots.count()) {
                        behind.giveBack(); // the one slot that there is for both
                    }
                    readAhead(first, first + type().bytesOf(length));
                });
    }

    /**
     * Starts reading the pieces from {@code firstByte} on, while slots are free. Returns where the first
     * piece begins that is not under way.
     */
    private long readAhead(long firstByte, long endByte) {
        long at = firstByte;
        while (at < endByte) {
            Ahead piece = find(at, endByte);
            if (piece == null) {
                piece = begin(at, endByte - at);
            }
            if (piece == null) {
                return at;
            }
            at += piece.sizeBytes();
        }
        return at;
    }

    /** Returns the piece that begins at a byte and ends at another or before it, if it is under way. */
    private @Nullable Ahead find(long firstByte, long endByte) {
        for (Ahead candidate : ahead) {
            if (candidate.firstByte() == firstByte
                    && firstByte + candidate.sizeBytes() <= endByte) {
                return candidate;
            }
        }
        return null;
    }

    /** Starts reading as much as a slot holds; returns null if none is free. */
    private @Nullable Ahead begin(long firstByte, long wantedBytes) {
        if (ahead.size() >= aheadSlots.count()) {
            return null;
        }
        ExtentMap.Span span = file.span(firstByte, wantedBytes, direct);
        behind.settle(firstByte, span.payloadBytes());
        if (free.isEmpty()) {
            return null;
        }
        Staging staging = free.removeFirst();
        MemorySegment area = staging.areas().getFirst().asSlice(0, span.sizeBytes());
        Ahead begun =
                new Ahead(
                        firstByte,
                        span.payloadBytes(),
                        span,
                        staging,
                        file.read(span.extent(), span.offset(), area));
        ahead.add(begun);
        return begun;
    }

    @Override
    public void read(long firstElement, FlatBuffer into) {
        check(firstElement, into);
        long first = type().bytesOf(firstElement);
        timed(() -> readPieces(first, into.segment()));
    }

    /** Takes the pieces one after the other, while the ones that follow are read. */
    private void readPieces(long firstByte, MemorySegment into) {
        long end = firstByte + into.byteSize();
        long begun = firstByte;
        for (long at = firstByte; at < end; ) {
            begun = readAhead(Math.max(at, begun), end);
            Ahead found = find(at, end);
            long size =
                    found == null
                            ? file.span(at, end - at, direct).payloadBytes()
                            : found.sizeBytes();
            MemorySegment part = into.asSlice(at - firstByte, size);
            if (found == null) {
                behind.settle(at, size);
                file.read(at, part, direct);
            } else {
                ahead.remove(found);
                take(found, part);
            }
            at += size;
        }
    }

    private void take(Ahead found, MemorySegment into) {
        found.read().await();
        ExtentMap.Span span = found.span();
        Staging staging = found.staging();
        file.verify(span.extent(), span.offset(), staging.bytes().getFirst(), span.sizeBytes());
        MemorySegment.copy(staging.areas().getFirst(), span.skip(), into, 0, span.payloadBytes());
        free.add(staging);
    }

    @Override
    public void write(long firstElement, FlatBuffer from) {
        check(firstElement, from);
        long first = type().bytesOf(firstElement);
        timed(
                () -> {
                    // What is about to change, neighbours in the same blocks included.
                    drop(each -> each.touches(first, from.sizeBytes()));
                    behind.write(first, from.segment());
                });
    }

    @Override
    public void forget(long firstElement, long length) {
        requireUsable();
        Objects.checkFromIndexSize(firstElement, length, elements);
        long first = type().bytesOf(firstElement);
        long end = first + type().bytesOf(length);
        timed(() -> drop(each -> each.firstByte() >= first && each.firstByte() < end));
    }

    @Override
    public AheadSlots aheadSlots() {
        return aheadSlots;
    }

    private void drop(Predicate<Ahead> unwanted) {
        for (Iterator<Ahead> each = ahead.iterator(); each.hasNext(); ) {
            Ahead candidate = each.next();
            if (unwanted.test(candidate)) {
                each.remove();
                candidate.read().await();
                free.add(candidate.staging());
            }
        }
    }

    private void check(long firstElement, FlatBuffer buffer) {
        requireUsable();
        Objects.checkFromIndexSize(firstElement, buffer.lengthElements(), elements);
        if (buffer.type() != type()) {
            throw new IllegalArgumentException(
                    "The shard file '%s' holds %s, the buffer is %s."
                            .formatted(shape.name(), type().jsonName(), buffer.type().jsonName()));
        }
    }

    private void timed(Runnable transfer) {
        long since = System.nanoTime();
        try {
            transfer.run();
        } catch (StorageException e) {
            broken = e;
            throw e;
        } finally {
            stallNanos += System.nanoTime() - since;
        }
    }

    private void requireUsable() {
        if (closed) {
            throw new IllegalStateException(
                    "The shard file '%s' is closed.".formatted(shape.name()));
        }
        if (broken != null) {
            throw new StorageException(
                    "The shard file '%s' cannot be used any more, since an earlier operation failed: %s"
                            .formatted(shape.name(), broken.getMessage()),
                    broken);
        }
    }

    @Override
    public long storedBytes() {
        return file.fileBytes();
    }

    @Override
    public long stallNanos() {
        return stallNanos;
    }

    @Override
    public Transfers transfers() {
        return file.transfers();
    }

    /** Waits for what is under way, and deletes the file. */
    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        List<Ahead> left = new ArrayList<>(ahead);
        ahead.clear();
        try {
            left.forEach(each -> each.read().await());
        } finally {
            try {
                behind.drop();
            } finally {
                file.close();
                file.delete();
            }
        }
    }
}
