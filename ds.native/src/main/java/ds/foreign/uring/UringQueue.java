package ds.foreign.uring;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

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
 * One io_uring over one direct file, its file registered and its buffers where they were announced
 * and the kernel allows. Used by one thread at a time; a thread that submitted must not end before
 * its requests have, since the kernel would cancel them.
 */
final class UringQueue implements TransferQueue {
    private static final System.Logger LOG = System.getLogger(UringQueue.class.getName());

    private static final byte READ_FIXED = 4;
    private static final byte WRITE_FIXED = 5;
    private static final byte READ = 22;
    private static final byte WRITE = 23;
    private static final byte FIXED_FILE = 1;
    private static final int REGISTER_BUFFERS = 0;
    private static final int REGISTER_FILES = 2;
    private static final int ENTER_GETEVENTS = 1;
    private static final int ENTER_EXT_ARG = 8;
    private static final long RETRY_NANOS = 1_000_000;
    private static final long CLOSE_NANOS = 1_000_000_000;

    private final DirectFile file;
    private final AioSettings settings;
    private final UringCalls calls;
    private final Arena arena;
    private final int descriptor;
    private final Rings rings;
    private final MemorySegment timeout;
    private final MemorySegment waiting;
    private final boolean fixedFile;
    private RegisteredBuffers buffers = RegisteredBuffers.NONE;
    private int under;

    /**
     * Maps the rings.
     *
     * @param arena of the queue alone, closed with it
     * @param ring what {@link UringSetup} made, closed with the queue
     */
    UringQueue(
            DirectFile file, AioSettings settings, UringCalls calls, Arena arena, UringSetup ring) {
        this.file = file;
        this.settings = settings;
        this.calls = calls;
        this.arena = arena;
        this.descriptor = ring.descriptor();
        this.rings = new Rings(descriptor, ring.params(), arena);
        this.timeout = arena.allocate(Timespec.LAYOUT);
        this.waiting = arena.allocate(UringLayout.GETEVENTS);
        waiting.set(JAVA_LONG, UringLayout.offset(UringLayout.GETEVENTS, "ts"), timeout.address());
        MemorySegment descriptors = arena.allocateFrom(JAVA_INT, file.descriptor());
        int refusal = calls.register(descriptor, REGISTER_FILES, descriptors, 1);
        this.fixedFile = refusal >= 0;
        if (!fixedFile) {
            refused("file", refusal);
        }
    }

    private void refused(String what, int result) {
        LOG.log(
                System.Logger.Level.DEBUG,
                "io_uring registers no {0} for {1}: {2}.",
                what,
                file.file(),
                Errno.describe(-result));
    }

    @Override
    public int capacity() {
        return settings.queueDepth();
    }

    @Override
    public long requestBytes(long transferBytes) {
        return settings.blockBytes();
    }

    @Override
    public void register(Iterable<MemorySegment> announced) {
        RegisteredBuffers wanted = RegisteredBuffers.of(announced);
        if (buffers.count() > 0 || wanted.count() == 0) {
            return; // once; other memory is used as it is
        }
        try (Arena call = Arena.ofConfined()) {
            int result =
                    calls.register(
                            descriptor, REGISTER_BUFFERS, wanted.vectors(call), wanted.count());
            if (result < 0) {
                refused("buffers", result);
            } else {
                buffers = wanted;
            }
        }
    }

    @Override
    public void offer(int tag, boolean write, long offsetBytes, MemorySegment bytes) {
        int buffer = buffers.indexOf(bytes);
        byte operation = buffer >= 0 ? write ? WRITE_FIXED : READ_FIXED : write ? WRITE : READ;
        rings.write(
                tag,
                operation,
                fixedFile ? FIXED_FILE : 0,
                fixedFile ? 0 : file.descriptor(),
                offsetBytes,
                bytes,
                Math.max(0, buffer));
    }

    @Override
    public void submit() {
        for (int unsent = rings.publish(); unsent > 0; unsent = rings.unsent()) {
            int result = calls.enter(descriptor, unsent, 0, 0, MemorySegment.NULL);
            if (result > 0) {
                under += result; // one that the kernel refuses has a result too
            } else if (result == 0 || result == -Errno.EAGAIN || result == -Errno.EBUSY) {
                return; // no room now: what is left is handed over when something has ended
            } else if (result != -Errno.EINTR) {
                throw failed("handing over %d requests".formatted(unsent), result);
            }
        }
    }

    private StorageException failed(String doing, int result) {
        return new StorageException(
                "io_uring_enter on %s failed while %s, with %d under way: %s."
                        .formatted(file.file(), doing, under, Errno.describe(-result)));
    }

    @Override
    public void take(Results into, long timeoutNanos) {
        if (rings.unsent() > 0) {
            submit();
        }
        if (rings.ready() == 0 && timeoutNanos > 0) {
            if (under > 0) {
                await(timeoutNanos);
            } else {
                // Nothing can end: the kernel has no room, or the caller waits for something else.
                LockSupport.parkNanos(Math.min(timeoutNanos, RETRY_NANOS));
            }
        }
        for (int ready = rings.ready(); ready > 0; ready--) {
            int tag = rings.tag();
            int moved = rings.moved();
            rings.next();
            under--;
            if (moved >= 0) {
                into.moved(tag, moved);
            } else if (moved == -Errno.EAGAIN || moved == -Errno.EINTR) {
                into.again(tag);
            } else {
                into.failed(tag, Errno.describe(-moved));
            }
        }
    }

    private void await(long timeoutNanos) {
        Timespec.set(timeout, timeoutNanos);
        int result = calls.enter(descriptor, 0, 1, ENTER_GETEVENTS | ENTER_EXT_ARG, waiting);
        if (result < 0 && result != -Errno.ETIME && result != -Errno.EINTR) {
            throw failed("waiting", result);
        }
    }

    @Override
    public void close() {
        rings.retract();
        long since = System.nanoTime();
        while (under > 0 && System.nanoTime() - since < CLOSE_NANOS) {
            await(CLOSE_NANOS / 20);
            for (int ready = rings.ready(); ready > 0; ready--) {
                rings.next();
                under--;
            }
        }
        if (under > 0) {
            return; // the kernel still uses the rings and the file
        }
        arena.close();
        DirectFile.close(descriptor, "the io_uring of " + file.file());
        file.close();
    }

    @Override
    public int held() {
        return under;
    }
}
