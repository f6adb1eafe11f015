package ds.testkit;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ds.comm.CommException;
import ds.comm.Communicator;
import ds.comm.Split;
import ds.core.DType;
import ds.core.FlatBuffer;
import ds.core.Pending;
import java.lang.foreign.Arena;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/**
 * What every {@link Communicator} promises: contributions reach their owner in rank order, gathers
 * and sums are exact, several operations may be under way, and a rank that dies, leaves, stays away
 * or calls something else makes all others fail with a typed error, never hang. Extend it and
 * connect ranks of one process.
 */
public abstract class CommunicatorContract {
    private static final Duration PATIENT = Duration.ofSeconds(30);
    private static final Duration HASTY = Duration.ofMillis(300);
    private static final int[] WORLDS = {1, 2, 3, 4};

    /** For subclasses. */
    protected CommunicatorContract() {}

    /** Connects {@code ranks} ranks; each communicator will be used and closed by one thread. */
    protected abstract List<Communicator> connect(int ranks, Duration limit);

    /** What one rank does. */
    @FunctionalInterface
    protected interface RankWork {
        /** Runs on the rank's own thread. */
        void run(Communicator communicator) throws Exception;
    }

    /** Runs every rank on a thread of its own and returns, per rank, what it threw, or null. */
    private List<@Nullable Throwable> outcomes(int ranks, Duration limit, RankWork work) {
        List<FutureTask<@Nullable Throwable>> tasks = new ArrayList<>();
        for (Communicator communicator : connect(ranks, limit)) {
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
        for (FutureTask<Throwable> task : tasks) {
            try {
                thrown.add(task.get());
            } catch (InterruptedException | ExecutionException e) {
                throw new AssertionError(e);
            }
        }
        return thrown;
    }

    private void onAll(int ranks, RankWork work) {
        outcomes(ranks, PATIENT, work).stream()
                .filter(Objects::nonNull)
                // The others' CommException only says that one rank is gone.
                .min(Comparator.comparing(CommException.class::isInstance))
                .ifPresent(
                        thrown -> {
                            throw new AssertionError(thrown);
                        });
    }

    private static Split uneven(int ranks) {
        long[] starts = new long[ranks + 1];
        for (int rank = 0; rank < ranks; rank++) {
            starts[rank + 1] = starts[rank] + (rank == 1 ? 0 : 5 + 3L * rank);
        }
        return new Split(starts);
    }

    private static FlatBuffer buffer(Arena arena, DType type, long elements) {
        return FlatBuffer.of(arena.allocate(type.bytesOf(elements + 1)), type).slice(0, elements);
    }

    @Test
    void ownersSeeContributionsInRankOrder() {
        for (int ranks : WORLDS) {
            for (DType type : DType.values()) {
                onAll(ranks, communicator -> reduceScatterOnce(communicator, type));
            }
        }
    }

    private static void reduceScatterOnce(Communicator communicator, DType type) {
        Split split = uneven(communicator.size());
        int me = communicator.rank();
        List<Integer> seen = new ArrayList<>();
        try (Arena arena = Arena.ofShared()) {
            FlatBuffer mine = buffer(arena, type, split.total());
            for (int round = 0; round < 20; round++) {
                for (long i = 0; i < split.total(); i++) {
                    mine.set(i, 100 * me + i + round);
                }
                int offset = round;
                seen.clear();
                communicator
                        .orderedReduceScatter(
                                mine,
                                split,
                                slices -> {
                                    assertEquals(communicator.size(), slices.size());
                                    for (int r = 0; r < slices.size(); r++) {
                                        FlatBuffer slice = slices.get(r);
                                        assertEquals(split.length(me), slice.lengthElements());
                                        for (long i = 0; i < slice.lengthElements(); i++) {
                                            float wanted = 100 * r + split.start(me) + i + offset;
                                            assertEquals(
                                                    ds.core.Rounding.stored(wanted, type),
                                                    slice.get(i));
                                        }
                                        seen.add(r);
                                    }
                                })
                        .await();
                assertEquals(split.length(me) == 0 ? 0 : communicator.size(), seen.size());
            }
        }
    }

    @Test
    void everybodyGetsEveryPart() {
        for (int ranks : WORLDS) {
            onAll(
                    ranks,
                    communicator -> {
                        Split split = uneven(communicator.size());
                        int me = communicator.rank();
                        try (Arena arena = Arena.ofShared()) {
                            for (boolean inPlace : new boolean[] {true, false}) {
                                FlatBuffer all = buffer(arena, DType.BF16, split.total());
                                FlatBuffer own =
                                        inPlace
                                                ? all.slice(split.start(me), split.length(me))
                                                : buffer(arena, DType.BF16, split.length(me));
                                for (long i = 0; i < own.lengthElements(); i++) {
                                    own.set(i, split.start(me) + i);
                                }
                                communicator.allGather(own, all, split).await();
                                for (long i = 0; i < split.total(); i++) {
                                    assertEquals((float) i, all.get(i));
                                }
                            }
                        }
                    });
        }
    }

    @Test
    void integerSumsAreExactAndWrap() {
        for (int ranks : WORLDS) {
            onAll(
                    ranks,
                    communicator -> {
                        int me = communicator.rank();
                        long[] values = {me, Long.MAX_VALUE, -1L << me, me == 0 ? 42 : 0};
                        communicator.allReduce(values).await();
                        long n = communicator.size();
                        assertArrayEquals(
                                new long[] {n * (n - 1) / 2, n * Long.MAX_VALUE, 1 - (1L << n), 42},
                                values);
                    });
        }
    }

    @Test
    void fp64SumsAreLeftFoldsInRankOrder() {
        double[] parts = {1e100, 1, -1e100, 1};
        for (int ranks : WORLDS) {
            double expected = parts[0];
            for (int r = 1; r < ranks; r++) {
                expected += parts[r];
            }
            double wanted = expected;
            onAll(
                    ranks,
                    communicator -> {
                        double[] values = {parts[communicator.rank()]};
                        communicator.allReduce(values).await();
                        assertEquals(wanted, values[0]);
                    });
        }
    }

    @Test
    void broadcastCopiesTheRootsBuffer() {
        onAll(
                3,
                communicator -> {
                    for (int root = 0; root < 3; root++) {
                        FlatBuffer buffer = FlatBuffer.ofFloats(communicator.rank(), 7);
                        communicator.broadcast(buffer, root).await();
                        assertArrayEquals(new float[] {root, 7}, buffer.toFloats());
                    }
                });
    }

    @Test
    void allToAllExchangesParts() {
        onAll(
                3,
                communicator -> {
                    int me = communicator.rank();
                    // Rank r sends r + 1 elements to everybody.
                    long mine = me + 1;
                    Split send = new Split(new long[] {0, mine, 2 * mine, 3 * mine});
                    Split receive = new Split(new long[] {0, 1, 3, 6});
                    FlatBuffer out = FlatBuffer.ofFloats(new float[(int) (3 * mine)]);
                    for (long i = 0; i < 3 * mine; i++) {
                        out.set(i, 10 * me + i / mine);
                    }
                    FlatBuffer in = FlatBuffer.ofFloats(new float[6]);
                    communicator.allToAll(out, send, in, receive).await();
                    assertArrayEquals(
                            new float[] {me, 10 + me, 10 + me, 20 + me, 20 + me, 20 + me},
                            in.toFloats());
                });
    }

    @Test
    void manyOperationsMayBeUnderWay() {
        onAll(
                3,
                communicator -> {
                    List<Pending> underWay = new ArrayList<>();
                    List<long[]> values = new ArrayList<>();
                    for (int i = 0; i < 40; i++) {
                        long[] one = {i, communicator.rank()};
                        values.add(one);
                        underWay.add(communicator.allReduce(one));
                    }
                    underWay.getLast().await();
                    underWay.subList(0, 39).forEach(Pending::await);
                    for (int i = 0; i < 40; i++) {
                        assertArrayEquals(new long[] {3L * i, 3}, values.get(i));
                    }
                });
    }

    @Test
    void groupsHoldTheRanksOfOneColorInKeyOrder() {
        onAll(
                4,
                communicator -> {
                    int me = communicator.rank();
                    try (Communicator group = communicator.split(me % 2, -me)) {
                        assertEquals(2, group.size());
                        assertEquals(me < 2 ? 1 : 0, group.rank());
                        long[] sum = {me};
                        group.allReduce(sum).await();
                        assertEquals(me % 2 == 0 ? 2 : 4, sum[0]);
                    }
                    communicator.barrier();
                });
    }

    @Test
    void trafficCountsWhatMoved() {
        onAll(
                2,
                communicator -> {
                    Split split = new Split(new long[] {0, 6, 10});
                    FlatBuffer all = FlatBuffer.ofFloats(new float[10]);
                    communicator.orderedReduceScatter(all, split, _ -> {}).await();
                    int me = communicator.rank();
                    communicator
                            .allGather(all.slice(split.start(me), split.length(me)), all, split)
                            .await();
                    long others = 4 * (10 - split.length(me));
                    assertEquals(1, communicator.traffic().reduceScatters());
                    assertEquals(others, communicator.traffic().reduceScatterBytes());
                    assertEquals(1, communicator.traffic().allGathers());
                    assertEquals(others, communicator.traffic().allGatherBytes());
                });
    }

    @Test
    void aFailedRankMakesAllOthersFailAtOnce() {
        List<@Nullable Throwable> thrown =
                outcomes(
                        3,
                        PATIENT,
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
                outcomes(
                        3,
                        PATIENT,
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
                outcomes(
                        2,
                        HASTY,
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
                outcomes(
                        3,
                        PATIENT,
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
                outcomes(
                        2,
                        PATIENT,
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
    void aContributionThatDoesNotFitTheSplitIsTheCallersMistake() {
        onAll(
                1,
                communicator ->
                        assertThrows(
                                IllegalArgumentException.class,
                                () ->
                                        communicator.orderedReduceScatter(
                                                FlatBuffer.ofFloats(1, 2, 3),
                                                new Split(new long[] {0, 2}),
                                                _ -> {})));
    }

    private static void rethrow(@Nullable Throwable thrown) throws Throwable {
        if (thrown != null) {
            throw thrown;
        }
    }
}
