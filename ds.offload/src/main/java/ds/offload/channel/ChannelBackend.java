package ds.offload.channel;

import ds.core.Pending;
import ds.offload.FileOperations;
import ds.offload.StorageBackend;
import ds.offload.StorageException;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import org.jspecify.annotations.Nullable;

/**
 * One file, one thread that transfers its requests in order. The thread lives as long as the
 * backend and is parked while there is nothing to do. Closing interrupts it; a thread that does not
 * come back from the operating system is abandoned together with its channel, since closing a
 * channel waits for the threads in it.
 */
final class ChannelBackend implements StorageBackend {
    private static final long CLOSE_MILLIS = 1_000;

    private final Path file;
    private final FileOperations files;
    private final FileChannel channel;
    private final long stuckNanos;
    private final int depth;
    private final BlockingQueue<Request> queue;
    private final Thread worker;
    private volatile boolean closed;

    ChannelBackend(Path file, int depth, Duration stuckAfter, FileOperations files) {
        this.file = file;
        this.files = files;
        this.depth = depth;
        this.stuckNanos = stuckAfter.toNanos();
        this.queue = new ArrayBlockingQueue<>(depth);
        try {
            this.channel =
                    FileChannel.open(
                            file,
                            StandardOpenOption.READ,
                            StandardOpenOption.WRITE,
                            LinkOption.NOFOLLOW_LINKS);
        } catch (IOException e) {
            throw new StorageException("Cannot open %s: %s.".formatted(file, e), e);
        }
        this.worker =
                Thread.ofPlatform()
                        .daemon(true)
                        .name("ds-channel-" + file.getFileName())
                        .start(this::work);
    }

    @Override
    public Pending read(long offsetBytes, MemorySegment into) {
        return submit(new Request(false, offsetBytes, into.asByteBuffer()));
    }

    @Override
    public Pending write(long offsetBytes, MemorySegment from) {
        return submit(new Request(true, offsetBytes, from.asByteBuffer()));
    }

    private Pending submit(Request request) {
        if (closed) {
            throw new IllegalStateException("The backend of %s is closed.".formatted(file));
        }
        if (!queue.offer(request)) {
            throw new IllegalStateException(
                    "More than %d requests are in flight on %s.".formatted(depth, file));
        }
        return request;
    }

    private void work() {
        try {
            while (!closed) {
                queue.take().perform();
            }
        } catch (InterruptedException e) {
            assert closed : "only close() interrupts " + Thread.currentThread();
        }
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
        return "channel";
    }

    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        worker.interrupt();
        boolean interrupted = false;
        try {
            worker.join(CLOSE_MILLIS);
        } catch (InterruptedException e) {
            interrupted = true;
        }
        if (!worker.isAlive()) {
            try {
                channel.close();
            } catch (IOException e) {
                throw new StorageException("Closing %s failed: %s.".formatted(file, e), e);
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    /** One transfer. Its bytes belong to the worker from submission until it is done. */
    private final class Request implements Pending {
        private final boolean write;
        private final long offset;
        private final ByteBuffer bytes;
        private final int size;
        private final long startedNanos = System.nanoTime();
        private boolean done;

        /** Null until the transfer failed. */
        private @Nullable StorageException failure;

        Request(boolean write, long offset, ByteBuffer bytes) {
            this.write = write;
            this.offset = offset;
            this.bytes = bytes;
            this.size = bytes.remaining();
        }

        void perform() {
            StorageException problem =
                    failed("the worker ended", null); // unless replaced: an error passed through
            try {
                problem = transfer();
            } catch (IOException | IllegalStateException e) {
                problem = failed(String.valueOf(e.getMessage()), e);
            } finally {
                finish(problem);
            }
        }

        private @Nullable StorageException transfer() throws IOException {
            while (bytes.hasRemaining()) {
                int before = bytes.position();
                int moved =
                        write
                                ? files.write(channel, file, bytes, offset + before)
                                : files.read(channel, file, bytes, offset + before);
                if (moved < 0) {
                    return failed("the file ends there; it was truncated", null);
                }
                if (moved == 0) {
                    return failed("the operating system made no progress", null);
                }
                if (bytes.position() != before + moved) {
                    return failed(
                            "%,d bytes were reported and %,d were moved"
                                    .formatted(moved, bytes.position() - before),
                            null);
                }
            }
            return null;
        }

        private StorageException failed(String why, @Nullable Exception cause) {
            String message =
                    "%s %,d bytes at offset %,d of %s failed after %,d bytes: %s."
                            .formatted(
                                    write ? "Writing" : "Reading",
                                    size,
                                    offset,
                                    file,
                                    bytes.position(),
                                    why);
            return cause == null
                    ? new StorageException(message)
                    : new StorageException(message, cause);
        }

        private synchronized void finish(@Nullable StorageException problem) {
            done = true;
            failure = problem;
            notifyAll();
        }

        @Override
        public synchronized long await() {
            while (!done) {
                long ageNanos = System.nanoTime() - startedNanos;
                if (ageNanos >= stuckNanos) {
                    throw failed(
                            "no answer for %,d ms, the limit is %,d ms; the device is stuck"
                                    .formatted(ageNanos / 1_000_000, stuckNanos / 1_000_000),
                            null);
                }
                try {
                    wait((stuckNanos - ageNanos) / 1_000_000 + 1);
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                    throw failed("the waiting thread was interrupted", e);
                }
            }
            if (failure != null) {
                throw failure;
            }
            return size;
        }
    }
}
