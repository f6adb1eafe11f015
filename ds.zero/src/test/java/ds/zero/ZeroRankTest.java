package ds.zero;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ds.comm.CommException;
import ds.core.DType;
import ds.core.MemoryKind;
import ds.model.BackwardContext;
import ds.model.ForwardContext;
import ds.model.Lease;
import ds.model.Mode;
import ds.model.Unit;
import ds.model.Workspace;
import ds.offload.RestingPlace;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a rank promises to models, engines and checkpoints. */
class ZeroRankTest {
    private static final int MICRO_BATCHES = 6;

    private static RankThreads.Setup setup(int stage, int world, DType precision) {
        return RankThreads.Setup.of(
                world, ZeroOptions.inMemory(stage, precision, 7), new Momentum());
    }

    private static RankThreads.Setup bounded(long maxLive, long persistence) {
        ZeroOptions options =
                new ZeroOptions(
                        Residency.ofStage(3),
                        DType.BF16,
                        new RestingPlace.OnDevice(),
                        new RestingPlace.OnDevice(),
                        maxLive,
                        persistence,
                        8192,
                        7);
        return RankThreads.Setup.of(2, options, new Momentum());
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2, 3})
    void aStepAllocatesNothingAfterTheFirst(int stage) {
        RankThreads.Setup setup = setup(stage, 2, DType.BF16);
        RankThreads.run(
                setup,
                (rank, parts) -> {
                    rank.drawInitialValues();
                    RankThreads.steps(rank, parts, setup, MICRO_BATCHES, 0, 1);
                    long before = parts.memory().allocationCount();
                    RankThreads.steps(rank, parts, setup, MICRO_BATCHES, 1, 3);
                    assertEquals(before, parts.memory().allocationCount());
                    return before;
                });
    }

    @Test
    void aStepOnFilesAllocatesNothingAfterTheFirst(@TempDir Path directory) {
        RestingPlace nvme = new RestingPlace.OnNvme(directory, 3);
        ZeroOptions options =
                new ZeroOptions(
                        Residency.ofStage(3), DType.BF16, nvme, nvme, 1 << 20, 0, 16_384, 7);
        RankThreads.Setup setup = RankThreads.Setup.of(2, options, new Momentum());
        RankThreads.run(
                setup,
                (rank, parts) -> {
                    rank.drawInitialValues();
                    RankThreads.steps(rank, parts, setup, MICRO_BATCHES, 0, 1);
                    long before = parts.memory().allocationCount();
                    RankThreads.steps(rank, parts, setup, MICRO_BATCHES, 1, 3);
                    assertEquals(before, parts.memory().allocationCount());
                    return before;
                });
    }

    @Test
    void anotherFoldOrderChangesTheBits() {
        RankThreads.Setup setup = setup(2, 4, DType.FP32);
        RankThreads.Outcome ordered = RankThreads.train(setup, 12, 2);
        RankThreads.Outcome reversed = RankThreads.train(setup.wrapping(ReversedFolds::new), 12, 2);
        boolean differs =
                ordered.tensors().entrySet().stream()
                        .anyMatch(
                                e ->
                                        !java.util.Arrays.equals(
                                                e.getValue(), reversed.tensors().get(e.getKey())));
        assertTrue(differs, "the parity tests would not notice another order of the sums");
    }

    @Test
    void tensorsLoadIntoAnyWorldAndStage() {
        RankThreads.Setup before = setup(2, 2, DType.FP16);
        Map<String, int[]> saved = RankThreads.train(before, MICRO_BATCHES, 2).tensors();
        Map<String, int[]> straight = RankThreads.train(before, MICRO_BATCHES, 3).tensors();
        RankThreads.Setup after = setup(3, 3, DType.FP16);
        Map<String, int[]> resumed = new ConcurrentHashMap<>();
        RankThreads.run(
                after,
                (rank, parts) -> {
                    rank.importTensors(
                            (parameter, kind, offset, into) -> {
                                int[] bits = saved.get(kind + " " + parameter.name());
                                for (int i = 0; i < into.lengthElements(); i++) {
                                    into.set(i, Float.intBitsToFloat(bits[(int) offset + i]));
                                }
                            });
                    RankThreads.steps(rank, parts, after, MICRO_BATCHES, 2, 3);
                    RankThreads.collect(rank, resumed);
                    return 0;
                });
        straight.forEach((name, bits) -> assertArrayEquals(bits, resumed.get(name), name));
    }

    @Test
    void overflowIsSeenByAllAndNamedAndASkippedStepMovesNothing() {
        RankThreads.Setup setup = setup(2, 2, DType.BF16);
        Map<String, int[]> untouched = RankThreads.train(setup, MICRO_BATCHES, 0).tensors();
        Map<String, int[]> after = new ConcurrentHashMap<>();
        List<Optional<String>> named =
                RankThreads.run(
                        setup,
                        (rank, parts) -> {
                            rank.drawInitialValues();
                            Workspace workspace = new Workspace(parts.memory());
                            BackwardContext context =
                                    rank.backward(new MicroStep(0, 1, 0), workspace);
                            boolean poison = parts.communicator().rank() == 1;
                            context.gradient(SyntheticModel.BIAS)
                                    .accumulate(
                                            (to, _) -> {
                                                to.zero();
                                                to.set(5, poison ? Float.NaN : 1);
                                            });
                            SyntheticModel.LAYOUT.units().forEach(context::complete);
                            Boundary boundary = rank.boundary(new double[] {1}, 2);
                            assertTrue(boundary.overflow());
                            assertEquals(Double.POSITIVE_INFINITY, boundary.norm());
                            Optional<String> first = rank.firstNonFinite(false);
                            rank.skip();
                            RankThreads.collect(rank, after);
                            return first;
                        });
        assertEquals(
                List.of(
                        Optional.of("parameter 'block.bias' of unit 'block'"),
                        Optional.of("parameter 'block.bias' of unit 'block'")),
                named);
        untouched.forEach((name, bits) -> assertArrayEquals(bits, after.get(name), name));
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1})
    void anOverflowOfARanksOwnGradientsIsNamedWhoeverOwnsThePart(int poisoned) {
        RankThreads.Setup setup =
                RankThreads.Setup.of(2, ZeroOptions.inMemory(0, DType.FP32, 7), new LocalSteps());
        List<Optional<String>> named =
                RankThreads.run(
                        setup,
                        (rank, parts) -> {
                            rank.drawInitialValues();
                            BackwardContext context =
                                    rank.backward(
                                            new MicroStep(0, 1, 1), new Workspace(parts.memory()));
                            boolean poison = parts.communicator().rank() == poisoned;
                            context.gradient(SyntheticModel.BIAS)
                                    .accumulate(
                                            (to, _) -> {
                                                to.zero();
                                                to.set(5, poison ? Float.NaN : 1);
                                            });
                            SyntheticModel.LAYOUT.units().forEach(context::complete);
                            assertTrue(rank.boundary(new double[] {1}, 2).overflow());
                            return rank.firstNonFinite(false);
                        });
        Optional<String> expected = Optional.of("parameter 'block.bias' of unit 'block'");
        assertEquals(List.of(expected, expected), named);
    }

    private static String failure(
            int world, java.util.function.BiConsumer<Integer, BackwardContext> work) {
        RuntimeException thrown =
                assertThrows(
                        RuntimeException.class,
                        () ->
                                RankThreads.run(
                                        setup(2, world, DType.FP32),
                                        (rank, parts) -> {
                                            rank.drawInitialValues();
                                            BackwardContext context =
                                                    rank.backward(
                                                            new MicroStep(0, 1, 0),
                                                            new Workspace(parts.memory()));
                                            work.accept(parts.communicator().rank(), context);
                                            return rank.boundary(new double[] {0}, 1);
                                        }));
        return thrown.getMessage();
    }

    @Test
    void completingAUnitTwiceIsAnError() {
        assertEquals(
                "Unit 'block' was completed twice in micro-batch 0 of rank 0; complete it once, after its last gradient.",
                failure(
                        1,
                        (_, context) -> {
                            context.complete(SyntheticModel.BLOCK);
                            context.complete(SyntheticModel.BLOCK);
                        }));
    }

    @Test
    void forgettingAUnitIsAnError() {
        assertEquals(
                "Unit 'block' was not completed in micro-batch 0 of rank 0; complete every unit once, with or without gradients.",
                failure(1, (_, context) -> context.complete(SyntheticModel.EMBED)));
    }

    @Test
    void aGradientAfterItsUnitWasCompletedIsAnError() {
        assertEquals(
                "A gradient of 'head.gain' came after its unit 'head' was completed; complete a unit after its last gradient.",
                failure(
                        1,
                        (_, context) -> {
                            context.complete(SyntheticModel.HEAD_UNIT);
                            context.gradient(SyntheticModel.GAIN).accumulate((to, _) -> to.zero());
                        }));
    }

    @Test
    void aGradientOfTheWrongLengthIsAnError() {
        assertEquals(
                "The gradient of 'block.bias' [96] in unit 'block' needs 96 elements, was given 3; hand over one per element of the parameter, row-major.",
                failure(
                        1,
                        (_, context) ->
                                context.gradient(SyntheticModel.BIAS)
                                        .accumulate(ds.core.FlatBuffer.ofFloats(1, 2, 3))));
    }

    @Test
    void ranksThatCompleteInDifferentOrdersAreTold() {
        // Units without trained parameters exchange nothing, so only the orders can tell.
        RuntimeException thrown =
                assertThrows(
                        CommException.class,
                        () ->
                                RankThreads.run(
                                        setup(2, 3, DType.FP32),
                                        (rank, parts) -> {
                                            rank.drawInitialValues();
                                            BackwardContext context =
                                                    rank.backward(
                                                            new MicroStep(0, 1, 0),
                                                            new Workspace(parts.memory()));
                                            boolean odd = parts.communicator().rank() == 2;
                                            for (Unit unit :
                                                    odd
                                                            ? swapped()
                                                            : SyntheticModel.LAYOUT.units()) {
                                                context.complete(unit);
                                            }
                                            return rank.boundary(new double[] {0}, 1);
                                        }));
        assertEquals(
                "Rank 0 completed unit 'none' where rank 2 completed unit 'idle' (completion 2 of the step); every rank must complete units in the same order.",
                thrown.getMessage());
    }

    private static List<Unit> swapped() {
        return List.of(
                SyntheticModel.EMBED,
                SyntheticModel.BLOCK,
                SyntheticModel.IDLE_UNIT,
                SyntheticModel.NONE,
                SyntheticModel.STILL_UNIT,
                SyntheticModel.HEAD_UNIT);
    }

    @Test
    void liveParametersAreBoundedAndReused() {
        PartitionMap map = ZeroRank.partition(SyntheticModel.LAYOUT, 2, new Momentum());
        long largest = map.elements(map.unitIndex(SyntheticModel.BLOCK));
        long embed = map.elements(map.unitIndex(SyntheticModel.EMBED));
        long head = map.elements(map.unitIndex(SyntheticModel.HEAD_UNIT));
        RankThreads.Setup setup = bounded(largest + head, 0);
        List<ZeroUsage> usage =
                RankThreads.run(
                        setup,
                        (rank, parts) -> {
                            rank.drawInitialValues();
                            RankThreads.steps(rank, parts, setup, MICRO_BATCHES, 0, 2);
                            return rank.usage();
                        });
        assertEquals(largest, usage.getFirst().liveElementsHighWater());
        assertTrue(embed + head <= largest);
        assertEquals(2 * (largest + head), usage.getFirst().bytes().get(MemoryKind.LIVE_UNITS));
    }

    @Test
    void aUnitBeyondTheLiveBoundIsAnErrorThatNamesIt() {
        RuntimeException thrown =
                assertThrows(
                        IllegalStateException.class,
                        () -> RankThreads.train(bounded(4096, 0), MICRO_BATCHES, 1));
        assertEquals(
                "Unit 'block' needs 9,216 gathered elements beside 0 on loan, but at most 4,096 may be live; raise stage3_max_live_parameters.",
                thrown.getMessage());
    }

    @Test
    void smallUnitsStayGatheredUntilTheNextStep() {
        RankThreads.Setup none = bounded(Long.MAX_VALUE, 0);
        RankThreads.Setup all = bounded(Long.MAX_VALUE, 1 << 20);
        RankThreads.Outcome a = RankThreads.train(none, MICRO_BATCHES, 2);
        RankThreads.Outcome b = RankThreads.train(all, MICRO_BATCHES, 2);
        a.tensors().forEach((name, bits) -> assertArrayEquals(bits, b.tensors().get(name), name));
        List<Long> gathers =
                RankThreads.run(
                        all,
                        (rank, parts) -> {
                            rank.drawInitialValues();
                            RankThreads.steps(rank, parts, all, MICRO_BATCHES, 0, 2);
                            return rank.usage().traffic().allGathers();
                        });
        // Per step every region of every unit once: three of block and one each of four others.
        assertEquals(2 * 6, gathers.getFirst());
    }

    @Test
    void shardedPartsShrinkWithTheWorld() {
        PartitionMap map = ZeroRank.partition(SyntheticModel.LAYOUT, 2, new Momentum());
        for (int stage = 0; stage <= 3; stage++) {
            RankThreads.Setup setup = setup(stage, 2, DType.BF16);
            int at = stage;
            RankThreads.run(
                    setup,
                    (rank, parts) -> {
                        int me = parts.communicator().rank();
                        long mine = map.owned(me, false).elements();
                        long all = map.trainableElements();
                        Map<MemoryKind, Long> bytes = rank.usage().bytes();
                        assertEquals(4 * (at >= 1 ? mine : all), bytes.get(MemoryKind.MASTERS));
                        assertEquals(
                                4 * (at >= 1 ? mine : all), bytes.get(MemoryKind.OPTIMIZER_STATES));
                        assertEquals(4 * (at >= 2 ? mine : all), bytes.get(MemoryKind.GRADIENTS));
                        assertEquals(
                                2 * (at >= 3 ? map.owned(me, true).elements() : map.elements()),
                                bytes.get(MemoryKind.PARAMETERS));
                        return 0;
                    });
        }
    }

    @Test
    void fp32KeepsNoSecondCopyOfTheParameters() {
        RankThreads.run(
                setup(3, 2, DType.FP32),
                (rank, _) -> {
                    assertEquals(0, rank.usage().bytes().get(MemoryKind.MASTERS));
                    return 0;
                });
    }

    @Test
    void evaluationTakesNoGradients() {
        RankThreads.run(
                setup(1, 1, DType.FP32),
                (rank, parts) -> {
                    rank.drawInitialValues();
                    ForwardContext context = rank.forward(Mode.EVAL, new Workspace(parts.memory()));
                    try (Lease lease = context.acquire(SyntheticModel.BLOCK)) {
                        assertEquals(0f, lease.parameter(SyntheticModel.BIAS).get(0));
                    }
                    long tiedSum = 4 * SyntheticModel.TABLE.elements();
                    assertEquals(tiedSum, rank.usage().bytes().get(MemoryKind.BUCKETS));
                    assertEquals(0, rank.usage().exchanges());
                    return 0;
                });
    }
}
