package ds.foreign.aio;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import ds.foreign.libc.DirectFile;
import ds.foreign.libc.Errno;
import ds.foreign.libc.Timespec;
import ds.offload.AioSettings;
import ds.offload.StorageException;
import ds.offload.spi.TransferQueue;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.locks.LockSupport;

/**
 * One context of Linux's asynchronous I/O over one direct file. Its {@code struct iocb}s are
 * allocated once, one per tag. Used by one thread at a time.
 */
final class AioQueue implements TransferQueue {
    private static final short READ = 0;
    private static final short WRITE = 1;
    private static final long RETRY_NANOS = 1_000_000;
    private static final long CLOSE_NANOS = 1_000_000_000;

    private final DirectFile file;
    private final AioSettings settings;
    private final AioCalls calls;
    private final Arena arena;
    private final MemorySegment iocbs;
    private final MemorySegment pointers;
    private final MemorySegment events;
    private final MemorySegment timeout;
    private final long context;

    /** Tags that were offered and not yet taken by the kernel, in order. */
    private final int[] offered;

    /** Tags that the kernel refused to take, and why. */
    private final int[] refused;

    private final int[] refusals;
    private int offeredCount;
    private int refusedCount;
    private int under;

    /**
     * Sets the context up.
     *
     * @param file closed with the queue
     * @param arena of the queue alone, closed with it
     * @throws StorageException if the kernel has no context left
     */
    AioQueue(DirectFile file, AioSettings settings, AioCalls calls, Arena arena) {
        this.file = file;
        this.settings = settings;
        this.calls = calls;
        this.arena = arena;
        int depth = settings.queueDepth();
        this.iocbs = arena.allocate(AioLayout.IOCB, depth);
        this.pointers = arena.allocate(ADDRESS, depth);
        this.events = arena.allocate(AioLayout.EVENT, depth);
        this.timeout = arena.allocate(Timespec.LAYOUT);
        this.offered = new int[depth];
        this.refused = new int[depth];
        this.refusals = new int[depth];
        for (int tag = 0; tag < depth; tag++) {
            long at = iocb(tag);
            iocbs.set(JAVA_LONG, at + AioLayout.DATA, tag);
            iocbs.set(JAVA_INT, at + AioLayout.FILE, file.descriptor());
        }
        MemorySegment pointer = arena.allocate(JAVA_LONG);
        int result = calls.setup(depth, pointer);
        if (result < 0) {
            throw new StorageException(
                    "io_setup for %,d requests on %s failed: %s.%s"
                            .formatted(
                                    depth,
                                    file.file(),
                                    Errno.describe(-result),
                                    result == -Errno.EAGAIN
                                            ? " Raise the limit in /proc/sys/fs/aio-max-nr, or lower queue_depth."
                                            : ""));
        }
        this.context = pointer.get(JAVA_LONG, 0);
    }

    private static long iocb(int tag) {
        return tag * AioLayout.IOCB.byteSize();
    }

    @Override
    public int capacity() {
        return offered.length;
    }

    @Override
    public long requestBytes(long transferBytes) {
        return settings.blockBytes();
    }

    @Override
    public void offer(int tag, boolean write, long offsetBytes, MemorySegment bytes) {
        long at = iocb(tag);
        iocbs.set(JAVA_SHORT, at + AioLayout.OPCODE, write ? WRITE : READ);
        iocbs.set(JAVA_LONG, at + AioLayout.BUFFER, bytes.address());
        iocbs.set(JAVA_LONG, at + AioLayout.BYTES, bytes.byteSize());
        iocbs.set(JAVA_LONG, at + AioLayout.OFFSET, offsetBytes);
        offered[offeredCount++] = tag;
    }

    @Override
    public void submit() {
        int taken = 0;
        while (taken < offeredCount) {
            for (int i = taken; i < offeredCount; i++) {
                pointers.setAtIndex(JAVA_LONG, i - taken, iocbs.address() + iocb(offered[i]));
            }
            int result = calls.submit(context, offeredCount - taken, pointers);
            if (result > 0) {
                taken += result;
                under += result;
            } else if (result == 0 || result == -Errno.EAGAIN) {
                break; // no room now: what is left is handed over when something has ended
            } else if (result != -Errno.EINTR) {
                // The error is the first request's: the kernel reports how far it came otherwise.
                refused[refusedCount] = offered[taken++];
                refusals[refusedCount++] = -result;
            }
        }
        System.arraycopy(offered, taken, offered, 0, offeredCount - taken);
        offeredCount -= taken;
    }

    @Override
    public void take(Results into, long timeoutNanos) {
        if (offeredCount > 0) {
            submit();
        }
        boolean any = refusedCount > 0;
        while (refusedCount > 0) {
            refusedCount--;
            into.failed(refused[refusedCount], Errno.describe(refusals[refusedCount]));
        }
        if (under > 0) {
            give(into, any ? 0 : timeoutNanos);
        } else if (!any && timeoutNanos > 0) {
            // Nothing can end: the kernel has no room, or the caller waits for something else.
            LockSupport.parkNanos(Math.min(timeoutNanos, RETRY_NANOS));
        }
    }

    private void give(Results into, long timeoutNanos) {
        int count = await(timeoutNanos);
        for (int i = 0; i < count; i++) {
            long at = i * AioLayout.EVENT.byteSize();
            int tag = (int) events.get(JAVA_LONG, at + AioLayout.EVENT_DATA);
            long result = events.get(JAVA_LONG, at + AioLayout.EVENT_RESULT);
            if (result >= 0) {
                into.moved(tag, result);
            } else if (result == -Errno.EAGAIN || result == -Errno.EINTR) {
                into.again(tag);
            } else {
                into.failed(tag, Errno.describe((int) -result));
            }
        }
    }

    private int await(long timeoutNanos) {
        Timespec.set(timeout, timeoutNanos);
        int result =
                calls.getEvents(context, timeoutNanos > 0 ? 1 : 0, offered.length, events, timeout);
        if (result == -Errno.EINTR) {
            return 0; // the caller asks again
        }
        if (result < 0) {
            throw new StorageException(
                    "io_getevents on %s with %d requests under way failed: %s."
                            .formatted(file.file(), under, Errno.describe(-result)));
        }
        under -= result;
        return result;
    }

    @Override
    public void close() {
        offeredCount = 0;
        long since = System.nanoTime();
        while (under > 0 && System.nanoTime() - since < CLOSE_NANOS) {
            await(CLOSE_NANOS / 20);
        }
        if (under > 0) {
            return; // destroying the context would wait for the device
        }
        int result = calls.destroy(context);
        file.close();
        arena.close();
        if (result < 0) {
            throw new StorageException(
                    "io_destroy on %s failed: %s.".formatted(file.file(), Errno.describe(-result)));
        }
    }

    @Override
    public int held() {
        return under;
    }
}
