package ds.testkit;

import ds.comm.CommException;
import ds.comm.Communicator;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import org.jspecify.annotations.Nullable;

/** Runs what every rank of a group does, each on a thread of its own. */
final class RankTasks {
    private RankTasks() {}

    /** What one rank does. */
    @FunctionalInterface
    interface Work {
        /** Runs on the rank's own thread, which closes the communicator afterwards. */
        void run(Communicator communicator) throws Exception;
    }

    /** Returns, per rank, what it threw, or null. */
    static List<@Nullable Throwable> outcomes(List<Communicator> group, Work work) {
        List<FutureTask<@Nullable Throwable>> tasks = new ArrayList<>();
        for (Communicator communicator : group) {
            Callable<@Nullable Throwable> body =
                    () -> {
                        try (communicator) {
                            work.run(communicator);
                            return null;
                        } catch (CommException | IllegalArgumentException | AssertionError e) {
                            return e;
                        }
                    };
            FutureTask<@Nullable Throwable> task = new FutureTask<>(body);
            tasks.add(task);
            Thread.ofPlatform().name("ds-r" + communicator.rank()).start(task);
        }
        List<@Nullable Throwable> thrown = new ArrayList<>();
        for (FutureTask<@Nullable Throwable> task : tasks) {
            try {
                thrown.add(task.get());
            } catch (InterruptedException | ExecutionException e) {
                throw new AssertionError(e);
            }
        }
        return thrown;
    }

    /** Runs {@code work} on all ranks, of which none may fail. */
    static void onAll(List<Communicator> group, Work work) {
        outcomes(group, work).stream()
                .filter(Objects::nonNull)
                // The others' CommException only says that one rank is gone.
                .min(Comparator.comparing(CommException.class::isInstance))
                .ifPresent(
                        thrown -> {
                            throw new AssertionError(thrown);
                        });
    }
}
