package ds.kernels;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;

/**
 * A parked pool of worker threads with one caller. {@link #run} spreads numbered parts over the
 * caller and the pool; which worker takes a part never changes a result, since parts split outputs.
 * Idle workers spin briefly, then park. Owned by the thread that calls {@link #run}.
 */
public final class Workers implements AutoCloseable {
    /** One part of a parallel call. */
    @FunctionalInterface
    public interface Part {
        /**
         * Does part {@code index}.
         *
         * @param worker the executing worker, 0 to {@link Workers#count()} − 1: for scratch memory
         * @param index the part, 0 to parts − 1
         */
        void run(int worker, int index);
    }

    private static final int SPINS = 4_000;

    private record Job(Part part, int parts, AtomicInteger next, AtomicInteger running) {}

    private final int count;
    private final Thread[] threads;
    private final AtomicReference<Throwable> failure = new AtomicReference<>();
    private volatile Job job;
    private volatile boolean closed;
    private final CountDownLatch stopped;

    /**
     * Starts {@code count} − 1 daemon threads named {@code name-w1} and so on; the caller is worker 0.
     *
     * @param count workers including the caller, at least 1
     */
    public Workers(String name, int count) {
        if (count < 1) {
            throw new IllegalArgumentException(
                    "A worker pool needs at least 1 worker, was " + count);
        }
        this.count = count;
        this.threads = new Thread[count - 1];
        this.stopped = new CountDownLatch(count - 1);
        for (int i = 0; i < threads.length; i++) {
            int worker = i + 1;
            threads[i] =
                    Thread.ofPlatform()
                            .daemon()
                            .name(name + "-w" + worker)
                            .unstarted(() -> loop(worker));
            threads[i].start();
        }
    }

    /** Returns the number of workers, the caller included. */
    public int count() {
        return count;
    }

    /**
     * Runs parts 0 to {@code parts} − 1, each once, and returns when all have ended.
     *
     * @throws RuntimeException what a part threw, after all others have ended
     */
    public void run(int parts, Part part) {
        if (count == 1 || parts <= 1) {
            for (int i = 0; i < parts; i++) {
                part.run(0, i);
            }
            return;
        }
        Job current = new Job(part, parts, new AtomicInteger(), new AtomicInteger(count - 1));
        job = current;
        for (Thread thread : threads) {
            LockSupport.unpark(thread);
        }
        take(current, 0);
        int spins = 0;
        while (current.running.get() != 0) {
            if (++spins < SPINS) {
                Thread.onSpinWait();
            } else {
                Thread.yield();
            }
        }
        Throwable thrown = failure.getAndSet(null);
        if (thrown instanceof RuntimeException e) {
            throw e;
        }
        if (thrown instanceof Error e) {
            throw e;
        }
    }

    private void take(Job current, int worker) {
        try {
            for (int i = current.next.getAndIncrement();
                    i < current.parts;
                    i = current.next.getAndIncrement()) {
                current.part.run(worker, i);
            }
        } catch (RuntimeException | Error e) {
            failure.compareAndSet(null, e);
        }
    }

    private void loop(int worker) {
        Job last = null;
        int spins = 0;
        while (!closed) {
            Job current = job;
            if (current == last) {
                if (++spins < SPINS) {
                    Thread.onSpinWait();
                } else {
                    LockSupport.park(this);
                }
                continue;
            }
            spins = 0;
            last = current;
            take(current, worker);
            current.running.decrementAndGet();
        }
        stopped.countDown();
    }

    /** Stops the threads and waits for them. */
    @Override
    public void close() {
        closed = true;
        for (Thread thread : threads) {
            LockSupport.unpark(thread);
        }
        boolean interrupted = false;
        while (true) {
            try {
                stopped.await();
                break;
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
