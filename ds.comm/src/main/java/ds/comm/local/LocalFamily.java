package ds.comm.local;

import ds.comm.CommException;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * What a group and all groups split from it share: the first failure, and how a rank waits. A waiter
 * spins briefly, since the others are usually close, then parks, since cores may be fewer than ranks.
 */
final class LocalFamily {
    private static final int SPINS = 2_000;
    private static final int SPINS_CROWDED = 50;
    private static final long LOOK_ROUND_NANOS = TimeUnit.MILLISECONDS.toNanos(100);

    private final int processors = Runtime.getRuntime().availableProcessors();
    private final Duration limit;
    private final AtomicReference<CommException> failure = new AtomicReference<>();
    private final AtomicReferenceArray<CommException> failedRanks;
    private final AtomicInteger parked = new AtomicInteger();
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition news = lock.newCondition();

    /**
     * Creates a family.
     *
     * @param size ranks of its first group, whose numbers stand for them in all groups
     */
    LocalFamily(int size, Duration limit) {
        this.limit = limit;
        this.failedRanks = new AtomicReferenceArray<>(size);
    }

    Duration limit() {
        return limit;
    }

    /** Makes every present and later wait of every group fail; the first failure stays. */
    void fail(CommException cause) {
        failure.compareAndSet(null, cause);
        announce();
    }

    /**
     * Says that a rank of the first group will make no call any more. What it has begun, others can
     * still end, so how far each of them comes does not depend on who is faster.
     */
    void fail(int rank, CommException cause) {
        failedRanks.compareAndSet(rank, null, cause);
        announce();
    }

    /** Forgets the failures; nobody waits. */
    void recover() {
        failure.set(null);
        for (int rank = 0; rank < failedRanks.length(); rank++) {
            failedRanks.set(rank, null);
        }
    }

    /** Throws if the family has failed. */
    void check() {
        rethrow(failure.get());
    }

    /** Throws if a rank of the first group has failed. */
    void check(int rank) {
        rethrow(failedRanks.get(rank));
    }

    private static void rethrow(@Nullable CommException cause) {
        if (cause != null) {
            // Each rank gets an exception of its own: a shared one would carry a foreign stack
            // trace.
            throw new CommException(cause.getMessage(), cause);
        }
    }

    /** Wakes parked ranks after something they may wait for has changed. */
    void announce() {
        if (parked.get() > 0) {
            lock.lock();
            try {
                news.signalAll();
            } finally {
                lock.unlock();
            }
        }
    }

    /**
     * Waits until {@code met}.
     *
     * @param ranks how many ranks share the cores
     * @param gone says which awaited rank has left for good, or nothing while all may still come;
     *     throws if one has failed
     * @param late says who is missing, when the limit has passed
     */
    void await(BooleanSupplier met, int ranks, Supplier<String> gone, Supplier<String> late) {
        int spins = ranks > processors ? SPINS_CROWDED : SPINS;
        for (int i = 0; i < spins; i++) {
            if (met.getAsBoolean()) {
                return;
            }
            Thread.onSpinWait();
        }
        lock.lock();
        parked.incrementAndGet();
        try {
            park(met, gone, late);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            CommException cause = new CommException("Interrupted while waiting: " + late.get(), e);
            fail(cause);
            throw cause;
        } finally {
            parked.decrementAndGet();
            lock.unlock();
        }
    }

    private void park(BooleanSupplier met, Supplier<String> gone, Supplier<String> late)
            throws InterruptedException {
        long deadline = System.nanoTime() + limit.toNanos();
        while (!met.getAsBoolean()) {
            check();
            String left = gone.get();
            // A rank may have arrived and left between the two looks.
            if (!left.isEmpty() && !met.getAsBoolean()) {
                throw failed(left);
            }
            long remaining = deadline - System.nanoTime();
            if (remaining <= 0) {
                throw failed(late.get());
            }
            news.awaitNanos(Math.min(remaining, LOOK_ROUND_NANOS));
        }
    }

    private CommException failed(String message) {
        CommException cause = new CommException(message);
        fail(cause);
        return cause;
    }
}
