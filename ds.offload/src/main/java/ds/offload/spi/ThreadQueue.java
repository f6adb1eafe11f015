package ds.offload.spi;

import ds.offload.StorageException;
import ds.offload.StorageSettings;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * A queue served by threads: each takes the next request and moves its bytes by a call that waits. A
 * transfer is cut into as many parts as there are threads. Closing interrupts them; one that does
 * not come back from the operating system is abandoned.
 */
public final class ThreadQueue implements TransferQueue {
    private static final long CLOSE_MILLIS = 1_000;
    private static final long PAGE_BYTES = 4096;

    /** Moves the bytes of one request, by a call that waits. */
    @FunctionalInterface
    public interface Mover {
        /**
         * Moves as many bytes as one call does.
         *
         * @return the bytes moved from the start of {@code bytes}; 0 or less at the end of the file
         * @throws IOException in the operating system's words
         */
        long move(boolean write, long offsetBytes, MemorySegment bytes) throws IOException;
    }

    private record Request(int tag, boolean write, long offsetBytes, MemorySegment bytes) {}

    private record Result(int tag, long moved, @Nullable String why) {}

    private final Mover mover;
    private final int capacity;
    private final BlockingQueue<Request> requests;
    private final BlockingQueue<Result> results;
    private final Thread[] workers;
    private volatile boolean closed;

    /**
     * Starts the threads.
     *
     * @param name of the threads
     */
    public ThreadQueue(String name, StorageSettings settings, Mover mover) {
        this.mover = mover;
        int count = settings.aio().parallelism();
        this.capacity = settings.depth() * count;
        this.requests = new ArrayBlockingQueue<>(capacity);
        this.results = new ArrayBlockingQueue<>(capacity);
        this.workers = new Thread[count];
        for (int i = 0; i < count; i++) {
            workers[i] =
                    Thread.ofPlatform()
                            .daemon(true)
                            .name(count == 1 ? name : name + "-" + i)
                            .start(this::work);
        }
    }

    @Override
    public int capacity() {
        return capacity;
    }

    @Override
    public long requestBytes(long transferBytes) {
        long share = Math.ceilDiv(transferBytes, workers.length);
        return Math.ceilDiv(share, PAGE_BYTES) * PAGE_BYTES;
    }

    @Override
    public void offer(int tag, boolean write, long offsetBytes, MemorySegment bytes) {
        requests.add(new Request(tag, write, offsetBytes, bytes));
    }

    @Override
    public void submit() {
        // The threads take requests by themselves.
    }

    private void work() {
        try {
            while (!closed) {
                Request request = requests.take();
                Result result = new Result(request.tag, 0, "the worker ended");
                try {
                    result = perform(request);
                } finally {
                    results.add(result); // also for an error that passes through
                }
            }
        } catch (InterruptedException e) {
            assert closed : "only close() interrupts " + Thread.currentThread();
        }
    }

    private Result perform(Request request) {
        try {
            long moved = mover.move(request.write, request.offsetBytes, request.bytes);
            return new Result(request.tag, Math.max(0, moved), null);
        } catch (IOException | IllegalStateException | StorageException e) {
            return new Result(request.tag, 0, String.valueOf(e.getMessage()));
        }
    }

    @Override
    public void take(Results into, long timeoutNanos) {
        Result next = results.poll();
        if (next == null && timeoutNanos > 0) {
            try {
                next = results.poll(timeoutNanos, TimeUnit.NANOSECONDS);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt(); // the waiting backend looks
            }
        }
        for (; next != null; next = results.poll()) {
            if (next.why == null) {
                into.moved(next.tag, next.moved);
            } else {
                into.failed(next.tag, next.why);
            }
        }
    }

    @Override
    public int held() {
        int stuck = 0;
        for (Thread worker : workers) {
            stuck += worker.isAlive() ? 1 : 0;
        }
        return stuck;
    }

    @Override
    public void close() {
        closed = true;
        for (Thread worker : workers) {
            worker.interrupt();
        }
        boolean interrupted = false;
        long since = System.nanoTime();
        for (Thread worker : workers) {
            long leftMillis = CLOSE_MILLIS - (System.nanoTime() - since) / 1_000_000;
            try {
                worker.join(Math.max(1, leftMillis));
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
