package ds.zero;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ds.core.DType;
import ds.core.MemoryKind;
import ds.offload.RestingPlace;
import ds.testkit.DetachedDevice;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The same inputs give the same bits at every stage and with any number of ranks. */
class StageParityTest {
    private static final int MICRO_BATCHES = 12;
    private static final int STEPS = 3;
    private static final long SEED = 7;

    /** So many elements stay in memory beside a file: what is kept of each of two ranks. */
    private static final long PARTLY = 5_000;

    private static final long[] PARTLY_KEPT = {2_048 + 1_024 + 1_024, 2_048 + 1_024 + 1_024};

    private static RankThreads.Outcome train(int stage, int world, DType precision) {
        ZeroOptions options = ZeroOptions.inMemory(stage, precision, SEED);
        return RankThreads.train(
                RankThreads.Setup.of(world, options, new Momentum()), MICRO_BATCHES, STEPS);
    }

    @ParameterizedTest
    @EnumSource(DType.class)
    void everyStageAndWorldGivesTheSameBits(DType precision) {
        RankThreads.Outcome expected = train(0, 1, precision);
        expected.tensors()
                .forEach(
                        (name, bits) ->
                                assertFalse(
                                        Arrays.stream(bits).anyMatch(b -> b == RankThreads.UNSET),
                                        name));
        for (int stage = 0; stage <= 3; stage++) {
            for (int world : List.of(1, 2, 3, 4)) {
                String where = "stage %d, %d ranks, %s".formatted(stage, world, precision);
                RankThreads.Outcome actual = train(stage, world, precision);
                assertSame(expected, actual, where);
                assertStageDid(stage, world, precision, actual.usages(), where);
            }
        }
    }

    /** What a stage is for: the bytes it keeps, and what it moved to keep no more. */
    private static void assertStageDid(
            int stage, int world, DType precision, List<ZeroUsage> usages, String where) {
        PartitionMap map = ZeroRank.partition(SyntheticModel.LAYOUT, world, new Momentum());
        int size = precision.sizeBytes();
        int accumulation = MICRO_BATCHES / world;
        long trainedUnits = 4; // embed, block, idle, head
        for (int rank = 0; rank < world; rank++) {
            ZeroUsage usage = usages.get(rank);
            long all = map.trainableElements();
            long mine = map.owned(rank, false).elements();
            long states = 4 * (stage >= 1 ? mine : all);
            long kept = size * (stage >= 3 ? map.owned(rank, true).elements() : map.elements());
            assertEquals(
                    precision == DType.FP32 ? 0 : states,
                    usage.bytes().get(MemoryKind.MASTERS),
                    where);
            assertEquals(states, usage.bytes().get(MemoryKind.OPTIMIZER_STATES), where);
            assertEquals(
                    4 * (stage >= 2 ? mine : all), usage.bytes().get(MemoryKind.GRADIENTS), where);
            assertEquals(kept, usage.bytes().get(MemoryKind.PARAMETERS), where);
            assertEquals(0, usage.storedBytes(), where);

            assertEquals(STEPS * accumulation * trainedUnits, usage.exchanges(), where);
            assertEquals(STEPS * accumulation * trainedUnits, usage.traffic().reduceScatters());
            assertEquals(
                    STEPS * accumulation * size * (all - mine),
                    usage.traffic().reduceScatterBytes(),
                    where);
            assertEquals(STEPS, usage.traffic().allReduces(), where);
            assertEquals(stage >= 3 ? largestLoan(map) : 0, usage.liveElementsHighWater(), where);
            if (stage == 1 || stage == 2) {
                // New parameters once per step, and everything once at the start.
                long notMine = map.elements() - map.owned(rank, true).elements();
                assertEquals(
                        size * (STEPS * (all - mine) + notMine),
                        usage.traffic().allGatherBytes(),
                        where);
            }
        }
    }

    /** Units are lent one at a time; the head brings the table's unit with it. */
    private static long largestLoan(PartitionMap map) {
        long head = map.elements(map.unitIndex(SyntheticModel.HEAD_UNIT));
        long embed = map.elements(map.unitIndex(SyntheticModel.EMBED));
        return Math.max(head + embed, map.elements(map.unitIndex(SyntheticModel.BLOCK)));
    }

    @ParameterizedTest
    @EnumSource(
            value = DType.class,
            names = {"FP32", "BF16"})
    void everyRestingPlaceGivesTheSameBits(DType precision, @TempDir Path directory) {
        RankThreads.Outcome expected = train(0, 1, precision);
        RestingPlace device = new RestingPlace.OnDevice();
        RestingPlace host = new RestingPlace.InHost(false);
        RestingPlace nvme = new RestingPlace.OnNvme(directory, 3);
        List<ZeroOptions> cases = new ArrayList<>();
        for (int stage = 0; stage <= 3; stage++) {
            cases.add(options(stage, precision, nvme, device));
        }
        cases.add(options(2, precision, host, device));
        cases.add(options(3, precision, host, nvme));
        cases.add(options(3, precision, nvme, nvme));
        cases.add(withGradientsAt(nvme, options(2, precision, nvme, device)));
        cases.add(withGradientsAt(nvme, options(3, precision, nvme, nvme)));
        ParameterStorage partly = new ParameterStorage(nvme, PARTLY);
        cases.add(withParameters(partly, options(3, precision, host, device)));
        cases.add(withParameters(partly, options(3, precision, nvme, device)));
        cases.add(
                withParameters(
                        new ParameterStorage(nvme, Long.MAX_VALUE),
                        options(3, precision, host, device)));
        for (ZeroOptions options : cases) {
            RankThreads.Outcome actual =
                    RankThreads.train(
                            RankThreads.Setup.of(2, options, new Momentum()), MICRO_BATCHES, STEPS);
            assertSame(expected, actual, options.toString());
            boolean files = options.optimizer() instanceof RestingPlace.OnNvme;
            boolean parameterFiles =
                    options.parameters().place() instanceof RestingPlace.OnNvme
                            && options.parameters().maxInMemoryElements() < Long.MAX_VALUE;
            PartitionMap map = ZeroRank.partition(SyntheticModel.LAYOUT, 2, new Momentum());
            for (int rank = 0; rank < 2; rank++) {
                ZeroUsage usage = actual.usages().get(rank);
                assertEquals(files || parameterFiles, usage.storedBytes() > 0, options.toString());
                if (files) {
                    assertEquals(0, usage.bytes().get(MemoryKind.OPTIMIZER_STATES));
                    assertEquals(0, usage.bytes().get(MemoryKind.MASTERS));
                    boolean sharded = options.residency().shardStates();
                    long stepped =
                            sharded ? map.owned(rank, false).elements() : map.trainableElements();
                    assertTrue(usage.storedBytes() >= 8 * stepped, options.toString());
                }
                if (parameterFiles) {
                    long kept =
                            options.parameters().maxInMemoryElements() == 0
                                    ? 0
                                    : PARTLY_KEPT[rank] * precision.sizeBytes();
                    assertEquals(kept, usage.bytes().get(MemoryKind.PARAMETERS));
                }
                boolean gradientFiles = options.gradients().place() instanceof RestingPlace.OnNvme;
                assertEquals(gradientFiles, usage.bytes().get(MemoryKind.GRADIENTS) == 0);
            }
        }
    }

    @ParameterizedTest
    @EnumSource(
            value = DType.class,
            names = {"FP32", "BF16"})
    void aDeviceWithItsOwnMemoryGivesTheSameBits(DType precision, @TempDir Path directory) {
        RankThreads.Outcome expected = train(0, 1, precision);
        RestingPlace device = new RestingPlace.OnDevice();
        for (ZeroOptions options :
                List.of(
                        options(1, precision, device, device),
                        options(3, precision, device, device),
                        options(2, precision, new RestingPlace.OnNvme(directory, 2), device),
                        withGradientsAt(
                                new RestingPlace.OnNvme(directory, 2),
                                options(
                                        3,
                                        precision,
                                        new RestingPlace.OnNvme(directory, 2),
                                        device)),
                        withParameters(
                                new ParameterStorage(new RestingPlace.OnNvme(directory, 2), PARTLY),
                                options(
                                        3,
                                        precision,
                                        new RestingPlace.OnNvme(directory, 2),
                                        device)))) {
            RankThreads.Outcome actual =
                    RankThreads.train(
                            RankThreads.Setup.of(2, options, new Momentum())
                                    .on(() -> new DetachedDevice(SEED)),
                            MICRO_BATCHES,
                            STEPS);
            assertSame(expected, actual, "detached, " + options);
        }
    }

    private static ZeroOptions options(
            int stage, DType precision, RestingPlace optimizer, RestingPlace parameters) {
        return new ZeroOptions(
                Residency.ofStage(stage),
                precision,
                optimizer,
                parameters,
                Long.MAX_VALUE,
                0,
                16_384,
                SEED);
    }

    private static ZeroOptions withGradientsAt(RestingPlace place, ZeroOptions options) {
        return with(options.parameters(), options.gradients().at(place), options);
    }

    private static ZeroOptions withParameters(ParameterStorage parameters, ZeroOptions options) {
        return with(parameters, options.gradients(), options);
    }

    private static ZeroOptions with(
            ParameterStorage parameters, GradientStorage gradients, ZeroOptions options) {
        return new ZeroOptions(
                options.residency(),
                options.precision(),
                options.optimizer(),
                parameters,
                options.maxLiveParameters(),
                options.persistenceThreshold(),
                options.chunkBytes(),
                options.seed(),
                gradients,
                options.states(),
                options.products(),
                options.wideNorms());
    }

    private static void assertSame(
            RankThreads.Outcome expected, RankThreads.Outcome actual, String where) {
        assertEquals(expected.tensors().keySet(), actual.tensors().keySet(), where);
        expected.tensors()
                .forEach(
                        (name, bits) ->
                                assertArrayEquals(
                                        bits, actual.tensors().get(name), name + " at " + where));
        for (int step = 0; step < STEPS; step++) {
            Boundary wanted = expected.boundaries().get(step);
            Boundary got = actual.boundaries().get(step);
            assertEquals(wanted.norm(), got.norm(), where);
            assertArrayEquals(wanted.losses(), got.losses(), where);
            assertFalse(got.overflow(), where);
        }
    }
}
