package ds.engine;

import ds.comm.CommException;
import ds.comm.Communicator;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * One thread per local rank, named {@code ds-r0}. The engine's thread hands all of them the same
 * task and waits; a rank that throws makes the others fail through the communicator, and the first
 * cause comes back to the caller. Once a rank has failed, the others have a limited time to come
 * back, so that a rank that is stuck in a model's own code cannot hold the caller for ever.
 */
final class RankThreads {
    /** What every rank does, with its own state. */
    @FunctionalInterface
    interface Task {
        void run(int rank) throws InterruptedException;
    }

    private static final Task STOP = rank -> {};

    /** A task that a failed one left behind, the last one, and {@link #STOP}. */
    private static final int INBOX_TASKS = 3;

    /** How long {@link #close} waits where a rank is known to be stuck. */
    private static final Duration STUCK = Duration.ofSeconds(1);

    private record Outcome(@Nullable Task task, int rank, @Nullable Throwable failure) {}

    private final List<Communicator> communicators;
    private final Duration limit;
    private final List<BlockingQueue<Task>> inboxes = new ArrayList<>();
    private final BlockingQueue<Outcome> outcomes = new LinkedBlockingQueue<>();
    private final List<Thread> threads = new ArrayList<>();
    private boolean stuck;
    private boolean idle = true;

    /**
     * Starts the threads.
     *
     * @param limit how long ranks may go on after one of them has failed
     */
    RankThreads(List<Communicator> communicators, Duration limit) {
        this.communicators = List.copyOf(communicators);
        this.limit = limit;
        for (int i = 0; i < communicators.size(); i++) {
            int rank = i;
            BlockingQueue<Task> inbox = new ArrayBlockingQueue<>(INBOX_TASKS);
            inboxes.add(inbox);
            Thread thread =
                    Thread.ofPlatform()
                            .daemon()
                            .name("ds-r" + rank)
                            .unstarted(() -> loop(rank, inbox));
            threads.add(thread);
            thread.start();
        }
    }

    /**
     * Runs {@code task} on every rank and waits for all.
     *
     * @throws RuntimeException the first failure that is not merely another rank's failure
     */
    void all(Task task) {
        idle = false;
        inboxes.forEach(inbox -> inbox.add(task));
        try {
            @Nullable Throwable failure = gather();
            idle = true;
            rethrow(failure);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            communicators.forEach(communicator -> communicator.fail(e));
            throw new TrainingException(
                    "Training was interrupted while ranks were at work; close the engine.", e);
        }
    }

    /** Returns whether every rank has come back from its last task. */
    boolean areIdle() {
        return idle;
    }

    private @Nullable Throwable gather() throws InterruptedException {
        @Nullable Throwable first = null;
        long deadline = 0;
        TreeSet<Integer> missing = new TreeSet<>();
        for (int rank = 0; rank < inboxes.size(); rank++) {
            missing.add(rank);
        }
        while (!missing.isEmpty()) {
            Outcome outcome =
                    first == null
                            ? outcomes.take()
                            : outcomes.poll(deadline - System.nanoTime(), TimeUnit.NANOSECONDS);
            if (outcome == null) {
                stuck = true;
                // Only a failure sets a deadline.
                throw late(missing, Objects.requireNonNull(first));
            }
            missing.remove(outcome.rank());
            if (first == null && outcome.failure() != null) {
                deadline = System.nanoTime() + limit.toNanos();
            }
            first = worse(first, outcome.failure());
        }
        return first;
    }

    private TrainingException late(Set<Integer> missing, Throwable first) {
        return new TrainingException(
                "Rank %s did not come back within %s after another rank had failed (%s); look at what the model does there."
                        .formatted(missing, limit, first.getMessage()),
                first);
    }

    private static @Nullable Throwable worse(@Nullable Throwable known, @Nullable Throwable next) {
        if (known == null
                || known instanceof CommException
                        && next != null
                        && !(next instanceof CommException)) {
            return next;
        }
        return known;
    }

    private static void rethrow(@Nullable Throwable failure) {
        switch (failure) {
            case null -> {}
            case RuntimeException e -> throw e;
            case Error e -> throw e;
            default -> throw new TrainingException("A rank was interrupted.", failure);
        }
    }

    private void loop(int rank, BlockingQueue<Task> inbox) {
        @Nullable Task task = null;
        while (task != STOP) {
            @Nullable Throwable failure = null;
            try {
                task = inbox.take();
                task.run(rank);
            } catch (RuntimeException | Error | InterruptedException e) {
                failure = e;
                communicators.get(rank).fail(e);
            }
            outcomes.add(new Outcome(task, rank, failure));
        }
    }

    /**
     * Runs {@code last} on every rank, once it has come back from what it is at, and ends the
     * threads. Not interruptible: an interrupt of the caller is kept for afterwards.
     *
     * @return the threads that did not come back within the limit, whose memory must not be freed
     * @throws RuntimeException the first failure of {@code last}, after all threads have ended
     */
    List<String> close(Task last) {
        for (BlockingQueue<Task> inbox : inboxes) {
            inbox.add(last);
            inbox.add(STOP);
        }
        long deadline = System.nanoTime() + (stuck ? STUCK : limit).toNanos();
        boolean interrupted = false;
        List<String> alive = new ArrayList<>();
        for (Thread thread : threads) {
            while (thread.isAlive() && System.nanoTime() < deadline) {
                try {
                    thread.join(Duration.ofNanos(Math.max(1, deadline - System.nanoTime())));
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
            if (thread.isAlive()) {
                alive.add(thread.getName());
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
        if (!alive.isEmpty()) {
            return alive;
        }
        @Nullable Throwable first = null;
        for (Outcome outcome : outcomes) {
            first = outcome.task() == last ? worse(first, outcome.failure()) : first;
        }
        rethrow(first);
        return alive;
    }
}
