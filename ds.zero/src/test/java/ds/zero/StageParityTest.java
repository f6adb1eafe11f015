package ds.zero;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import ds.core.DType;
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
            }
        }
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
        for (ZeroOptions options : cases) {
            RankThreads.Outcome actual =
                    RankThreads.train(
                            RankThreads.Setup.of(2, options, new Momentum()), MICRO_BATCHES, STEPS);
            assertSame(expected, actual, options.toString());
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
                        options(2, precision, new RestingPlace.OnNvme(directory, 2), device))) {
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
