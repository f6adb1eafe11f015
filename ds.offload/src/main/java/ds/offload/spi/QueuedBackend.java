package ds.offload.spi;

import ds.core.DsException;
import ds.core.Pending;
import ds.offload.AioSettings;
import ds.offload.FileOperations;
import ds.offload.StorageBackend;
import ds.offload.StorageException;
import ds.offload.StorageSettings;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayDeque;
import java.util.Collection;
import java.util.Queue;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * A backend before any {@link TransferQueue}: cuts transfers into requests, continues short ones,
 * watches their age and tells failures apart. It has no thread: whoever awaits or submits also hands
 * over what waits and takes what has ended. Allocates nothing off the heap after its construction.
 */
public final class QueuedBackend implements StorageBackend {
    private static final System.Logger LOG = System.getLogger(QueuedBackend.class.getName());
    private static final long SLICE_NANOS = 100_000_000; // an interrupt is noticed after it

    private final String name;
    private final Path file;
    private final FileOperations files;
    private final FileChannel channel;
    private final TransferQueue queue;
    private final int depth;
    private final long stuckNanos;
    private final boolean singleSubmit;
    private final boolean overlapEvents;
    private final Request[] requests;
    private final int[] free;
    private final Queue<Transfer> waiting = new ArrayDeque<>();
    private final TransferQueue.Results results = new Ends();
    private int freeCount;
    private int transfers;
    private long touchedNanos = System.nanoTime();
    private long idleNanos;
    private boolean closed;

    /**
     * Puts a backend before {@code queue}, which it closes.
     *
     * @param name the provider's
     * @param channel of the same file, for {@link #sync}; closed with the backend
     */
    public QueuedBackend(
            String name,
            Path file,
            FileChannel channel,
            StorageSettings settings,
            FileOperations files,
            TransferQueue queue) {
        this.name = name;
        this.file = file;
        this.files = files;
        this.channel = channel;
        this.queue = queue;
        this.depth = settings.depth();
        this.stuckNanos = settings.stuckAfter().toNanos();
        AioSettings aio = settings.aio();
        this.singleSubmit = aio.singleSubmit();
        this.overlapEvents = aio.overlapEvents();
        this.requests = new Request[queue.capacity()];
        this.free = new int[requests.length];
        for (int tag = 0; tag < requests.length; tag++) {
            requests[tag] = new Request(tag);
            free[freeCount++] = tag;
        }
    }

    /**
     * Puts a backend before the queue that {@code queue} makes, by way of the door.
     *
     * @param name the provider's
     * @throws StorageException if the file cannot be opened
     */
    public static QueuedBackend over(
            String name,
            Path file,
            StorageSettings settings,
            FileOperations files,
            Supplier<TransferQueue> queue) {
        FileChannel channel = channel(file);
        TransferQueue own;
        try {
            own = queue.get();
        } catch (DsException e) {
            try {
                channel.close();
            } catch (IOException second) {
                e.addSuppressed(second);
            }
            throw e;
        }
        return new QueuedBackend(name, file, channel, settings, files, files.queue(file, own));
    }

    /**
     * Opens the channel of a file that exists.
     *
     * @throws StorageException if it cannot be opened, or is a link
     */
    public static FileChannel channel(Path file) {
        try {
            return FileChannel.open(
                    file,
                    StandardOpenOption.READ,
                    StandardOpenOption.WRITE,
                    LinkOption.NOFOLLOW_LINKS);
        } catch (IOException e) {
            throw new StorageException("Cannot open %s: %s.".formatted(file, e), e);
        }
    }

    @Override
    public Pending read(long offsetBytes, MemorySegment into) {
        attend();
        return start(new Transfer(false, offsetBytes, into));
    }

    @Override
    public Pending write(long offsetBytes, MemorySegment from) {
        attend();
        return start(new Transfer(true, offsetBytes, from));
    }

    /** What goes by before this call does not count as age: only a call sees what has ended. */
    private void attend() {
        long now = System.nanoTime();
        idleNanos += now - touchedNanos;
        touchedNanos = now;
    }

    private long attendedNanos() {
        return touchedNanos - idleNanos;
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
        if (transfer.size > 0) {
            waiting.add(transfer);
        }
        handOver();
        return transfer;
    }

    @Override
    public void poll() {
        queue.take(results, 0);
        handOver();
    }

    /** Hands over as much of what waits as the queue has room for. */
    private void handOver() {
        if (!overlapEvents && freeCount < requests.length) {
            return;
        }
        boolean any = false;
        for (Transfer next = waiting.peek(); next != null && freeCount > 0; next = waiting.peek()) {
            if (next.failure == null) {
                requests[free[--freeCount]].begin(next);
                any = true;
                if (singleSubmit) {
                    queue.submit();
                }
            }
            if (next.handedOver == next.size || next.failure != null) {
                waiting.remove();
            }
        }
        if (any && !singleSubmit) {
            queue.submit();
        }
    }

    @Override
    public void register(Collection<MemorySegment> buffers) {
        queue.register(buffers);
    }

    @Override
    public void sync() {
        try {
            files.force(channel, file, false);
        } catch (IOException e) {
            throw new StorageException(
                    "Syncing %s failed: %s. Nothing written since the last sync can be relied on."
                            .formatted(file, e.getMessage()),
                    e);
        }
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        waiting.clear();
        queue.close();
        if (queue.held() > 0) {
            // Closing a channel waits for the threads in it, which is what must not happen.
            LOG.log(
                    System.Logger.Level.WARNING,
                    "{0} requests on {1} never came back; their memory and the file stay open.",
                    queue.held(),
                    file);
            return;
        }
        try {
            channel.close();
        } catch (IOException e) {
            throw new StorageException("Closing %s failed: %s.".formatted(file, e), e);
        }
    }

    /** A piece of a transfer that the queue holds. One per tag, used again and again. */
    private final class Request {
        private final int tag;
        private long start;
        private long size;
        private long done;

        /** Null while the tag is free. */
        private @Nullable Transfer transfer;

        Request(int tag) {
            this.tag = tag;
        }

        void begin(Transfer whole) {
            transfer = whole;
            start = whole.handedOver;
            size = Math.min(queue.requestBytes(whole.size), whole.size - start);
            done = 0;
            whole.handedOver += size;
            whole.under++;
            offer(whole);
        }

        private void offer(Transfer whole) {
            queue.offer(
                    tag,
                    whole.write,
                    whole.offset + start + done,
                    whole.bytes.asSlice(start + done, size - done));
        }

        private Transfer current() {
            if (transfer == null) {
                throw new IllegalStateException(
                        "Request %d on %s ended twice.".formatted(tag, file));
            }
            return transfer;
        }

        void moved(long bytes) {
            Transfer whole = current();
            if (bytes < 0 || bytes > size - done) {
                end(
                        whole,
                        "%,d bytes were reported and %,d were asked".formatted(bytes, size - done));
            } else if (bytes == 0) {
                end(
                        whole,
                        whole.write
                                ? "the operating system made no progress"
                                : "the file ends there; it was truncated");
            } else {
                done += bytes;
                whole.moved += bytes;
                if (done == size) {
                    end(whole, null);
                } else {
                    again(); // a short transfer goes on where it stopped
                }
            }
        }

        void again() {
            offer(current());
            queue.submit();
        }

        void failed(String why) {
            end(current(), why);
        }

        private void end(Transfer whole, @Nullable String why) {
            if (why != null && whole.failure == null) {
                whole.failure = whole.failed(why, null);
            }
            whole.under--;
            transfer = null;
            free[freeCount++] = tag;
        }
    }

    /** Takes the queue's results. */
    private final class Ends implements TransferQueue.Results {
        @Override
        public void moved(int tag, long bytes) {
            requests[tag].moved(bytes);
        }

        @Override
        public void failed(int tag, String why) {
            requests[tag].failed(why);
        }

        @Override
        public void again(int tag) {
            requests[tag].again();
        }
    }

    /** One transfer. Its memory belongs to the queue from submission until it has ended. */
    private final class Transfer implements Pending {
        private final boolean write;
        private final long offset;
        private final MemorySegment bytes;
        private final long size;
        private final long startedNanos = attendedNanos();
        private long handedOver;
        private long moved;
        private int under;
        private boolean awaited;

        /** Null until a request of it failed. */
        private @Nullable StorageException failure;

        Transfer(boolean write, long offset, MemorySegment bytes) {
            this.write = write;
            this.offset = offset;
            this.bytes = bytes;
            this.size = bytes.byteSize();
        }

        private boolean ended() {
            return under == 0 && (handedOver == size || failure != null);
        }

        @Override
        public long await() {
            attend();
            while (!ended()) {
                long ageNanos = attendedNanos() - startedNanos;
                if (ageNanos >= stuckNanos) {
                    throw failed(
                            "no answer for %,d ms, the limit is %,d ms; the device is stuck"
                                    .formatted(ageNanos / 1_000_000, stuckNanos / 1_000_000),
                            null);
                }
                if (Thread.currentThread().isInterrupted()) {
                    throw failed("the waiting thread was interrupted", null);
                }
                if (closed) {
                    throw failed("the backend was closed before", null);
                }
                queue.take(results, Math.min(SLICE_NANOS, stuckNanos - ageNanos));
                touchedNanos = System.nanoTime();
                handOver();
            }
            if (!awaited) {
                awaited = true;
                transfers--;
            }
            if (failure != null) {
                throw failure;
            }
            return size;
        }

        private StorageException failed(String why, @Nullable Exception cause) {
            String message =
                    "%s %,d bytes at offset %,d of %s failed after %,d bytes: %s."
                            .formatted(
                                    write ? "Writing" : "Reading", size, offset, file, moved, why);
            return cause == null
                    ? new StorageException(message)
                    : new StorageException(message, cause);
        }
    }
}
