package ds.offload;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Syncs of all parts of a file at once: the first on the caller's thread, the others on threads of
 * their own, which end when they have had nothing to do for some seconds. Used by one thread.
 */
final class PartSyncs implements AutoCloseable {
    private static final long IDLE_SECONDS = 10;

    private final ThreadPoolExecutor threads;

    PartSyncs(String name, int parts) {
        int others = Math.max(1, parts - 1);
        this.threads =
                new ThreadPoolExecutor(
                        others,
                        others,
                        IDLE_SECONDS,
                        TimeUnit.SECONDS,
                        new LinkedBlockingQueue<>(),
                        Thread.ofPlatform().daemon(true).name(name).factory());
        threads.allowCoreThreadTimeOut(true);
    }

    /**
     * Syncs all parts, and returns when each has ended.
     *
     * @throws StorageException the first failure in order of the parts, with the others
     */
    void run(List<StorageBackend> parts) {
        List<FutureTask<@Nullable Void>> syncs = new ArrayList<>();
        for (StorageBackend part : parts) {
            syncs.add(new FutureTask<>(part::sync, null));
        }
        syncs.subList(1, syncs.size()).forEach(threads::execute);
        syncs.getFirst().run();
        Throwable failure = null;
        boolean interrupted = false;
        for (FutureTask<@Nullable Void> sync : syncs) {
            for (boolean ended = false; !ended; ) {
                try {
                    sync.get();
                    ended = true;
                } catch (InterruptedException e) {
                    interrupted = true; // a sync cannot be called off
                } catch (ExecutionException e) {
                    ended = true;
                    failure = joined(failure, Objects.requireNonNull(e.getCause()));
                }
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
        rethrow(failure);
    }

    private static Throwable joined(@Nullable Throwable first, Throwable next) {
        if (first == null) {
            return next;
        }
        first.addSuppressed(next);
        return first;
    }

    private static void rethrow(@Nullable Throwable failure) {
        switch (failure) {
            case null -> {}
            case RuntimeException e -> throw e;
            case Error e -> throw e;
            default -> throw new AssertionError("a sync throws nothing checked", failure);
        }
    }

    /** Lets the threads end; one that the operating system keeps is abandoned. */
    @Override
    public void close() {
        threads.shutdown();
    }
}
