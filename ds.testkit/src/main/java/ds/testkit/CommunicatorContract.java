package ds.testkit;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import ds.comm.Communicator;
import ds.comm.Split;
import ds.core.DType;
import ds.core.FlatBuffer;
import ds.core.Pending;
import java.lang.foreign.Arena;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/**
 * What every {@link Communicator} promises: contributions reach their owner in rank order, gathers
 * and sums are exact, several operations may be under way. What happens when a rank fails is in {@link
 * CommunicatorFailureContract}. Extend it and connect ranks of one process.
 */
public abstract class CommunicatorContract {
    private static final Duration PATIENT = Duration.ofSeconds(30);
    private static final int[] WORLDS = {1, 2, 3, 4};

    /** For subclasses. */
    protected CommunicatorContract() {}

    /** Connects {@code ranks} ranks; each communicator will be used and closed by one thread. */
    protected abstract List<Communicator> connect(int ranks, Duration limit);

    private void onAll(int ranks, RankTasks.Work work) {
        RankTasks.onAll(connect(ranks, PATIENT), work);
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
}
