package ds.engine;

import ds.comm.CommException;
import ds.comm.Communicator;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.SynchronousQueue;

/**
 * One thread per local rank, named {@code ds-r0}. The engine's thread hands all of them the same
 * task and waits; a rank that throws makes the others fail through the communicator, and the first
 * cause comes back to the caller.
 */
final class RankThreads implements AutoCloseable {
    /** What every rank does, with its own state. */
    @FunctionalInterface
    interface Task {
        void run(int rank) throws InterruptedException;
    }

    private static final Task STOP = rank -> {};

    private record Outcome(int rank, Throwable failure) {}

    private final List<Communicator> communicators;
    private final List<SynchronousQueue<Task>> inboxes = new ArrayList<>();
    private final BlockingQueue<Outcome> outcomes = new LinkedBlockingQueue<>();
    private final List<Thread> threads = new ArrayList<>();

    RankThreads(List<Communicator> communicators) {
        this.communicators = List.copyOf(communicators);
        for (int i = 0; i < communicators.size(); i++) {
            int rank = i;
            SynchronousQueue<Task> inbox = new SynchronousQueue<>();
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
        try {
            for (SynchronousQueue<Task> inbox : inboxes) {
                inbox.put(task);
            }
            Throwable first = null;
            for (int i = 0; i < inboxes.size(); i++) {
                Outcome outcome = outcomes.take();
                first = worse(first, outcome.failure());
            }
            rethrow(first);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            communicators.forEach(communicator -> communicator.fail(e));
            throw new TrainingException(
                    "Training was interrupted while ranks were at work; close the engine.", e);
        }
    }

    private static Throwable worse(Throwable known, Throwable next) {
        if (known == null
                || known instanceof CommException
                        && next != null
                        && !(next instanceof CommException)) {
            return next;
        }
        return known;
    }

    private static void rethrow(Throwable failure) {
        switch (failure) {
            case null -> {}
            case RuntimeException e -> throw e;
            case Error e -> throw e;
            default -> throw new TrainingException("A rank was interrupted.", failure);
        }
    }

    private void loop(int rank, SynchronousQueue<Task> inbox) {
        while (true) {
            Throwable failure = null;
            try {
                Task task = inbox.take();
                if (task == STOP) {
                    return;
                }
                task.run(rank);
            } catch (RuntimeException | Error | InterruptedException e) {
                failure = e;
                communicators.get(rank).fail(e);
            }
            outcomes.add(new Outcome(rank, failure));
        }
    }

    /** Ends the threads, which are idle. */
    @Override
    public void close() {
        try {
            for (SynchronousQueue<Task> inbox : inboxes) {
                inbox.put(STOP);
            }
            for (Thread thread : threads) {
                thread.join();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
