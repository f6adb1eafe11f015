package ds.testkit;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ds.comm.CommException;
import ds.comm.Communicator;
import ds.comm.Split;
import ds.core.FlatBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/**
 * What every {@link Communicator} promises when something goes wrong: a rank that dies, leaves, stays
 * away or calls something else makes all others fail with a typed error, never hang, and at a place
 * that does not depend on who is faster. Extend it and connect ranks of one process.
 */
public abstract class CommunicatorFailureContract {
    private static final Duration PATIENT = Duration.ofSeconds(30);
    private static final Duration HASTY = Duration.ofMillis(300);

    /** For subclasses. */
    protected CommunicatorFailureContract() {}

    /** Connects {@code ranks} ranks; each communicator will be used and closed by one thread. */
    protected abstract List<Communicator> connect(int ranks, Duration limit);

    @Test
    void aFailedRankMakesAllOthersFailAtOnce() {
        List<@Nullable Throwable> thrown =
                RankTasks.outcomes(
                        connect(3, PATIENT),
                        communicator -> {
                            if (communicator.rank() == 1) {
                                communicator.fail(new IllegalStateException("out of luck"));
                                return;
                            }
                            communicator.allReduce(new long[5]).await();
                        });
        for (int rank : new int[] {0, 2}) {
            assertEquals(
                    "Rank 1 failed: java.lang.IllegalStateException: out of luck",
                    assertThrows(CommException.class, () -> rethrow(thrown.get(rank)))
                            .getMessage());
        }
    }

    @Test
    void aRankWhoseThreadEndsMakesAllOthersFailAtOnce() {
        List<@Nullable Throwable> thrown =
                RankTasks.outcomes(
                        connect(3, PATIENT),
                        communicator -> {
                            communicator.barrier();
                            if (communicator.rank() != 1) {
                                communicator.allReduce(new long[5]).await();
                            }
                        });
        for (int rank : new int[] {0, 2}) {
            String message =
                    assertThrows(CommException.class, () -> rethrow(thrown.get(rank))).getMessage();
            assertTrue(
                    message.startsWith("Rank 1 will not join allReduce of 5 integers, where rank"),
                    message);
        }
    }

    @Test
    void aRankThatStaysAwayIsNamedAfterTheLimit() {
        List<@Nullable Throwable> thrown =
                RankTasks.outcomes(
                        connect(2, HASTY),
                        communicator -> {
                            if (communicator.rank() == 1) {
                                Thread.sleep(HASTY.multipliedBy(5));
                            }
                            communicator.allReduce(new double[3]).await();
                        });
        String message =
                assertThrows(CommException.class, () -> rethrow(thrown.getFirst())).getMessage();
        assertTrue(
                message.startsWith("Rank 1 did not join allReduce of 3 fp64 within PT0.3S"),
                message);
        assertThrows(CommException.class, () -> rethrow(thrown.get(1)));
    }

    @Test
    void ranksThatCallDifferentThingsAreTold() {
        List<@Nullable Throwable> thrown =
                RankTasks.outcomes(
                        connect(3, PATIENT),
                        communicator -> {
                            if (communicator.rank() == 2) {
                                communicator.allReduce(new long[4]).await();
                            } else {
                                communicator.barrier();
                            }
                        });
        for (@Nullable Throwable one : thrown) {
            assertEquals(
                    "Rank 0 calls barrier, but rank 2 calls allReduce of 4 integers; every rank must make the same calls in the same order.",
                    assertThrows(CommException.class, () -> rethrow(one)).getMessage());
        }
    }

    @Test
    void ranksThatDisagreeAboutSizesAreTold() {
        List<@Nullable Throwable> thrown =
                RankTasks.outcomes(
                        connect(2, PATIENT),
                        communicator -> {
                            long half = communicator.rank() == 0 ? 2 : 3;
                            Split split = new Split(new long[] {0, half, 2 * half});
                            FlatBuffer all = FlatBuffer.ofFloats(new float[(int) (2 * half)]);
                            communicator.orderedReduceScatter(all, split, _ -> {}).await();
                        });
        for (@Nullable Throwable one : thrown) {
            assertEquals(
                    "Rank 0 calls orderedReduceScatter of 4 fp32 elements, divided at [0, 2, 4], but rank 1 calls orderedReduceScatter of 6 fp32 elements, divided at [0, 3, 6]; every rank must make the same calls in the same order.",
                    assertThrows(CommException.class, () -> rethrow(one)).getMessage());
        }
    }

    @Test
    void whatAFailedRankHasEndedIsEndedByTheOthersToo() {
        for (int attempt = 0; attempt < 50; attempt++) {
            long[][] sums = new long[3][1];
            List<@Nullable Throwable> thrown =
                    RankTasks.outcomes(
                            connect(3, PATIENT),
                            communicator -> {
                                int me = communicator.rank();
                                sums[me][0] = 1;
                                communicator.allReduce(sums[me]).await();
                                if (me == 0) {
                                    communicator.fail(new IllegalStateException("out of luck"));
                                    return;
                                }
                                communicator.barrier();
                            });
            assertNull(thrown.getFirst());
            for (int rank = 1; rank < 3; rank++) {
                assertArrayEquals(new long[] {3}, sums[rank]);
                Throwable other = thrown.get(rank);
                assertEquals(
                        "Rank 0 failed: java.lang.IllegalStateException: out of luck",
                        assertThrows(CommException.class, () -> rethrow(other)).getMessage());
            }
        }
    }

    @Test
    void aRankThatFailedInAGroupHasFailedInAll() {
        List<@Nullable Throwable> thrown =
                RankTasks.outcomes(
                        connect(3, PATIENT),
                        communicator -> {
                            // Ranks 1 and 2 are 1 and 0 in a group of their own.
                            int color = communicator.rank() == 0 ? 0 : 1;
                            Communicator part = communicator.split(color, -communicator.rank());
                            if (communicator.rank() == 2) {
                                part.fail(new IllegalStateException("out of luck"));
                            } else if (communicator.rank() == 1) {
                                part.barrier();
                            } else {
                                communicator.barrier();
                            }
                        });
        assertNull(thrown.get(2));
        for (int rank = 0; rank < 2; rank++) {
            Throwable other = thrown.get(rank);
            assertTrue(
                    assertThrows(CommException.class, () -> rethrow(other))
                            .getMessage()
                            .endsWith("failed: java.lang.IllegalStateException: out of luck"));
        }
    }

    @Test
    void aGroupThatRecoversBeginsAnew() throws Exception {
        List<Communicator> group = connect(3, PATIENT);
        List<ExecutorService> threads = new ArrayList<>();
        group.forEach(_ -> threads.add(Executors.newSingleThreadExecutor()));
        try {
            onThreads(group, threads, Communicator::barrier);
            boolean recovers = true;
            for (int attempt = 0; attempt < 20 && recovers; attempt++) {
                var failure =
                        assertThrows(
                                ExecutionException.class,
                                () -> onThreads(group, threads, CommunicatorFailureContract::fall));
                assertInstanceOf(CommException.class, failure.getCause());
                for (Communicator communicator : group) {
                    recovers &= communicator.recover();
                }
                if (recovers) {
                    onThreads(group, threads, CommunicatorFailureContract::assertAdds);
                } else {
                    assertThrows(
                            ExecutionException.class,
                            () -> onThreads(group, threads, Communicator::barrier));
                }
            }
        } finally {
            threads.forEach(ExecutorService::shutdownNow);
            group.forEach(Communicator::close);
        }
    }

    /** Rank 1 makes fewer calls than the others and fails; rank 2 has several under way. */
    private static void fall(Communicator communicator) {
        if (communicator.rank() == 1) {
            communicator.fail(new IllegalStateException("out of luck"));
            return;
        }
        if (communicator.rank() == 2) {
            communicator.allReduce(new long[4]);
            communicator.allReduce(new long[4]);
        }
        communicator.allReduce(new long[4]).await();
    }

    private static void assertAdds(Communicator communicator) {
        long[] values = {communicator.rank(), 10};
        communicator.allReduce(values).await();
        assertArrayEquals(new long[] {3, 30}, values);
    }

    private static void onThreads(
            List<Communicator> group, List<ExecutorService> threads, RankTasks.Work work)
            throws Exception {
        List<Future<?>> running = new ArrayList<>();
        for (int rank = 0; rank < group.size(); rank++) {
            Communicator communicator = group.get(rank);
            running.add(
                    threads.get(rank)
                            .submit(
                                    () -> {
                                        work.run(communicator);
                                        return null;
                                    }));
        }
        ExecutionException failed = null;
        for (Future<?> one : running) {
            try {
                one.get();
            } catch (ExecutionException e) {
                failed = e;
            }
        }
        if (failed != null) {
            throw failed;
        }
    }

    private static void rethrow(@Nullable Throwable thrown) throws Throwable {
        if (thrown != null) {
            throw thrown;
        }
    }
}
