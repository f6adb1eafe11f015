package ds.kernels;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * A parked pool of worker threads with one caller. {@link #run} spreads numbered parts over the
 * caller and the pool; which worker takes a part never changes a result, since parts split outputs.
 * Idle workers spin for some tens of microseconds, then park. Owned by the thread that calls {@link
 * #run}.
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

    private static final int SPINS = 2_000;

    /** One call: parts are taken from {@code next}; it is over when {@code left} is 0. */
    private static final class Job {
        final Part part;
        final int parts;
        final AtomicInteger next = new AtomicInteger();
        final AtomicInteger left;
        final AtomicReference<Throwable> failure = new AtomicReference<>();

        Job(Part part, int parts) {
            this.part = part;
            this.parts = parts;
            this.left = new AtomicInteger(parts);
        }

        /** Takes parts until there are none; after a failure they are only counted. */
        void take(int worker) {
            int taken = 0;
            for (int i = next.getAndIncrement(); i < parts; i = next.getAndIncrement()) {
                taken++;
                if (failure.get() != null) {
                    continue;
                }
                try {
                    part.run(worker, i);
                } catch (RuntimeException | Error e) {
                    failure.compareAndSet(null, e);
                }
            }
            if (taken > 0) {
                left.addAndGet(-taken);
            }
        }
    }

    private final int count;
    private final Thread[] threads;
    private final AtomicIntegerArray parked;
    private volatile @Nullable Job job;
    private volatile boolean closed;
    private final CountDownLatch stopped;

    /**
     * Starts {@code count} − 1 daemon threads named {@code name-w1} and so on; the caller is worker
     * 0.
     *
     * @param count workers including the caller, at least 1
     */
    public Workers(String name, int count) {
        if (count < 1) {
            throw new IllegalArgumentException(
                    "A worker pool needs at least 1 worker, was " + count + ".");
        }
        this.count = count;
        this.threads = new Thread[count - 1];
        this.parked = new AtomicIntegerArray(count);
        this.stopped = new CountDownLatch(count - 1);
        for (int i = 0; i < threads.length; i++) {
            int worker = i + 1;
            threads[i] =
                    Thread.ofPlatform()
                            .daemon()
                            .name(name + "-w" + worker)
                            .unstarted(() -> loop(worker));
        }
        for (Thread thread : threads) {
            thread.start();
        }
    }

    /** Returns the number of workers, the caller included. */
    public int count() {
        return count;
    }

    /**
     * Runs parts 0 to {@code parts} − 1, each once, and returns when all have ended. A part must not
     * call this pool. When a part throws, parts not yet begun are left out.
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
        if (closed) {
            throw new IllegalStateException("The worker pool is closed.");
        }
        Job current = new Job(part, parts);
        job = current;
        int helpers = Math.min(count, parts);
        for (int worker = 1; worker < helpers; worker++) {
            // A worker says that it parks, then looks for a job again: one of the two is seen.
            if (parked.get(worker) != 0) {
                LockSupport.unpark(threads[worker - 1]);
            }
        }
        current.take(0);
        int spins = 0;
        while (current.left.get() != 0) {
            if (++spins < SPINS) {
                Thread.onSpinWait();
            } else {
                Thread.yield();
            }
        }
        Throwable thrown = current.failure.get();
        if (thrown instanceof RuntimeException e) {
            throw e;
        }
        if (thrown instanceof Error e) {
            throw e;
        }
    }

    private void loop(int worker) {
        @Nullable Job last = null;
        int spins = 0;
        while (!closed) {
            @Nullable Job current = job;
            if (current != null && current != last) {
                last = current;
                current.take(worker);
                spins = 0;
            } else if (++spins < SPINS) {
                Thread.onSpinWait();
            } else {
                parked.set(worker, 1);
                if (job == last && !closed) {
                    LockSupport.park(this);
                }
                parked.set(worker, 0);
            }
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
