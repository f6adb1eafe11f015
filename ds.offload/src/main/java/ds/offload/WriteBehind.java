package ds.offload;

import ds.core.DsException;
import ds.core.Pending;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Iterator;
import org.jspecify.annotations.Nullable;

/**
 * Writes to one file that follow on each other: put together to whole blocks, and written while the
 * caller goes on. Owned by the rank's thread, as the buffers are that it borrows.
 */
final class WriteBehind {
    private final ExtentFile file;
    private final Staging direct;
    private final Deque<Staging> free;
    private final int limit;
    private final Deque<UnderWay> underWay = new ArrayDeque<>();

    /** Null while nothing waits for its neighbour. */
    private @Nullable Gathered gathered;

    /** Blocks on their way. */
    private record UnderWay(long firstByte, long sizeBytes, Staging staging, Pending write) {}

    /** Bytes from the first of a block on, which wait for more. */
    private static final class Gathered {
        final ExtentMap.Span room;
        final long firstByte;
        final Staging staging;
        long filled;

        Gathered(ExtentMap.Span room, long firstByte, Staging staging) {
            this.room = room;
            this.firstByte = firstByte;
            this.staging = staging;
        }

        MemorySegment bytes() {
            return staging.areas().getFirst();
        }
    }

    /**
     * Creates an idle one.
     *
     * @param direct for writes that are not put together; free between calls
     * @param free buffers to borrow, of which it holds at most {@code limit}
     */
    WriteBehind(ExtentFile file, Staging direct, Deque<Staging> free, int limit) {
        this.file = file;
        this.direct = direct;
        this.free = free;
        this.limit = limit;
    }

    /** Writes payload bytes from {@code firstByte} on, now or later. */
    void write(long firstByte, MemorySegment from) {
        long done = 0;
        while (done < from.byteSize()) {
            Gathered open = gathered;
            if (open != null && open.firstByte + open.filled != firstByte + done) {
                writeGathered(open);
                open = null;
            }
            if (open == null) {
                open = begin(firstByte + done);
            }
            if (open == null) {
                MemorySegment rest = from.asSlice(done);
                settle(firstByte + done, rest.byteSize());
                file.write(firstByte + done, rest, direct);
                return;
            }
            long count = Math.min(from.byteSize() - done, open.room.payloadBytes() - open.filled);
            MemorySegment.copy(from, done, open.bytes(), open.filled, count);
            open.filled += count;
            done += count;
            if (open.filled == open.room.payloadBytes()) {
                submit(open);
            }
        }
    }

    /** Returns room for bytes from {@code firstByte} on; null if no block begins there. */
    private @Nullable Gathered begin(long firstByte) {
        if (limit == 0) {
            return null;
        }
        ExtentMap.Span room = file.span(firstByte, Long.MAX_VALUE - firstByte, direct);
        if (room.skip() != 0) {
            return null;
        }
        settle(firstByte, room.payloadBytes());
        while (free.isEmpty() || underWay.size() >= limit) {
            if (underWay.isEmpty()) {
                return null; // all buffers hold what was read ahead
            }
            end(underWay.remove());
        }
        Gathered made = new Gathered(room, firstByte, free.removeFirst());
        gathered = made;
        return made;
    }

    private void submit(Gathered full) {
        gathered = null;
        ExtentMap.Span room = full.room;
        full.bytes().asSlice(full.filled, room.sizeBytes() - full.filled).fill((byte) 0);
        file.seal(room.extent(), room.offset(), full.staging.bytes().getFirst(), room.sizeBytes());
        underWay.add(
                new UnderWay(
                        full.firstByte,
                        room.sizeBytes(),
                        full.staging,
                        file.write(
                                room.extent(),
                                room.offset(),
                                full.bytes().asSlice(0, room.sizeBytes()))));
    }

    /** Writes what has no neighbour, at once: the last block keeps the rest of what it holds. */
    private void writeGathered(Gathered open) {
        gathered = null;
        file.write(open.firstByte, open.bytes().asSlice(0, open.filled), direct);
        free.add(open.staging);
    }

    /** Waits until bytes that may lie in the same blocks as the given ones are in the file. */
    void settle(long firstByte, long sizeBytes) {
        Gathered open = gathered;
        if (open != null && touch(open.firstByte, blocks(open), firstByte, sizeBytes)) {
            writeGathered(open);
        }
        for (Iterator<UnderWay> each = underWay.iterator(); each.hasNext(); ) {
            UnderWay candidate = each.next();
            if (touch(candidate.firstByte(), candidate.sizeBytes(), firstByte, sizeBytes)) {
                each.remove();
                end(candidate);
            }
        }
    }

    /** Waits for a write, so that a buffer is free. */
    void giveBack() {
        Gathered open = gathered;
        if (!underWay.isEmpty()) {
            end(underWay.remove());
        } else if (open != null) {
            writeGathered(open);
        }
    }

    /** Returns the bytes of the blocks that are filled or begun. */
    private long blocks(Gathered open) {
        return (open.filled + file.blockBytes() - 1) / file.blockBytes() * file.blockBytes();
    }

    private static boolean touch(long a, long aBytes, long b, long bBytes) {
        return a < b + bBytes && b < a + aBytes;
    }

    private void end(UnderWay write) {
        write.write().await();
        free.add(write.staging());
    }

    /**
     * Waits for what is under way, and forgets what is not: before the file is deleted.
     *
     * @throws DsException the first failure, when nothing touches the buffers any more
     */
    void drop() {
        gathered = null;
        DsException first = null;
        while (!underWay.isEmpty()) {
            try {
                underWay.remove().write().await();
            } catch (DsException e) {
                first = first == null ? e : first;
            }
        }
        if (first != null) {
            throw first;
        }
    }
}
