package ds.offload;

import java.time.Duration;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * The thread on which a store commits, one commit at a time, while its owner computes. Owned by the
 * rank's thread.
 */
final class CommitLane {
    private static final long CLOSE_SECONDS = 10;

    private final ExecutorService thread;

    /** Null while nothing is under way. */
    private @Nullable Future<?> underWay;

    /** So many times the age at which a single transfer is an error: a sync flushes many. */
    private static final int SYNC_TRANSFERS = 10;

    private final long limitNanos;

    CommitLane(String name, Duration stuckAfter) {
        this.limitNanos = stuckAfter.multipliedBy(SYNC_TRANSFERS).toNanos();
        this.thread =
                Executors.newSingleThreadExecutor(
                        Thread.ofPlatform().daemon(true).name(name).factory());
    }

    boolean isBusy() {
        return underWay != null;
    }

    void start(Runnable commit) {
        if (underWay != null) {
            throw new IllegalStateException("A commit is under way; it is awaited first.");
        }
        underWay = thread.submit(commit);
    }

    /**
     * Waits for the commit under way.
     *
     * @throws StorageException if it failed, or this thread was interrupted meanwhile
     */
    void await() {
        Future<?> commit = underWay;
        if (commit == null) {
            return;
        }
        try {
            commit.get(limitNanos, TimeUnit.NANOSECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new StorageException("The rank's thread was interrupted during a commit.", e);
        } catch (TimeoutException e) {
            throw new StorageException(
                    "A commit does not end; it was given %,d ms. The device is stuck, and the commit before is whole."
                            .formatted(limitNanos / 1_000_000),
                    e);
        } catch (ExecutionException e) {
            throw failure(e);
        } finally {
            underWay = null;
        }
    }

    private static RuntimeException failure(ExecutionException e) {
        return switch (e.getCause()) {
            case StorageException cause ->
                    new StorageException(String.valueOf(cause.getMessage()), cause);
            case Error error -> throw error;
            case RuntimeException unforeseen -> unforeseen;
            case null, default -> new StorageException("A commit failed: " + e.getCause(), e);
        };
    }

    /** Ends the thread, which has a limited time to finish what is under way; returns whether it did. */
    boolean end() {
        thread.shutdown();
        boolean interrupted = Thread.interrupted(); // kept for the caller
        try {
            return thread.awaitTermination(CLOSE_SECONDS, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            interrupted = true;
            return false;
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }
}
