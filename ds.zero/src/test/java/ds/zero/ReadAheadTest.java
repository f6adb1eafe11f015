package ds.zero;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ds.comm.Communicator;
import ds.comm.Communicators;
import ds.core.DType;
import ds.core.FlatBuffer;
import ds.core.HostMemories;
import ds.core.MemoryKind;
import ds.core.RankMemory;
import ds.model.Init;
import ds.model.Lease;
import ds.model.ModelLayout;
import ds.model.Parameter;
import ds.model.Unit;
import ds.offload.FileOperations;
import ds.offload.PipelineSettings;
import ds.offload.RestingPlace;
import ds.offload.ShardFile;
import ds.offload.ShardFiles;
import ds.offload.StorageException;
import ds.offload.StorageProviders;
import ds.offload.StoreDirectory;
import ds.offload.StoreLocation;
import ds.testkit.FaultyFiles;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Units in a file are read before they are asked for: as many as fit, and never other values. */
@Timeout(60)
class ReadAheadTest {
    private static final int UNITS = 8;
    private static final int ELEMENTS = 3 * PartitionMap.BLOCK_ELEMENTS;
    private static final long BYTES = 4L * ELEMENTS;
    private static final ModelLayout LAYOUT =
            new ModelLayout(
                    IntStream.range(0, UNITS)
                            .mapToObj(
                                    i ->
                                            new Unit(
                                                    "block" + i,
                                                    List.of(
                                                            Parameter.of(
                                                                    "block" + i + ".weight",
                                                                    Init.ONE,
                                                                    ELEMENTS))))
                            .toList());
    private static final int[] STEP = {0, 1, 2, 3, 4, 5, 6, 7, 6, 5, 4, 3, 2, 1, 0};
    private static final int[] OTHER = {0, 3, 6, 1, 4, 7, 2, 5, 2, 7, 4, 1, 6, 3, 0};

    @TempDir Path nvmePath = Path.of("");

    private final FaultyFiles files = FaultyFiles.around(FileOperations.system());

    /** One rank's parameters in a file, and what of them is read. */
    private final class Rank implements AutoCloseable {
        private final RankMemory memory = new RankMemory(HostMemories.portable());
        private final Communicator communicator =
                Communicators.local(1, Duration.ofSeconds(20)).getFirst();
        private final PartitionMap map = ZeroRank.partition(LAYOUT, 1, new Momentum());
        private final PipelineSettings pipeline;
        private final StoreDirectory directory =
                StoreDirectory.open(
                        new StoreLocation(nvmePath, "run", 0, 1),
                        StorageProviders.portable(),
                        files);
        private final ZeroOptions options;
        private final ShardFile file;
        private final ShardedParameters parameters;
        private final FlatBuffer values;

        Rank(long aheadElements, long maxLive, int buffers) {
            var place = new RestingPlace.OnNvme(nvmePath, buffers);
            ParameterStorage storage = ParameterStorage.at(place).withAhead(aheadElements);
            options =
                    new ZeroOptions(
                            Residency.ofStage(3),
                            DType.FP32,
                            new RestingPlace.OnDevice(),
                            storage,
                            maxLive,
                            0,
                            16_384,
                            7);
            pipeline = PipelineSettings.DEFAULT.withChunkBytes(16_384).at(place);
            OwnedSpace held = map.owned(0, true);
            file = ShardFiles.onNvme(shapes().parameters().get(), memory, directory, pipeline);
            var home =
                    new ShardHome(
                            held,
                            storage.stored(held),
                            Optional.of(file),
                            MemoryKind.PARAMETERS,
                            DType.FP32,
                            memory,
                            false);
            parameters =
                    new ShardedParameters(
                            map,
                            communicator,
                            memory,
                            options,
                            home,
                            new PhaseClock(System::nanoTime));
            values = memory.allocate(MemoryKind.STAGING, DType.FP32, held.elements());
            update(1);
        }

        private StoreShapes shapes() {
            return StoreShapes.of(map, options, new Momentum(), 0);
        }

        ReadAheadEstimate planned() {
            return new WorkingMemory(map, options, new Momentum(), shapes(), 0).readAhead(pipeline);
        }

        /** Gives all units new values, as a step does. */
        void update(int seed) {
            for (int i = 0; i < values.lengthElements(); i++) {
                values.set(i, seed * 1e6f + i);
            }
            for (OwnedSpace.Run run : map.owned(0, true).runs()) {
                parameters.write(run.offset(), values.slice(run.offset(), run.length()));
            }
            parameters.publish(false);
        }

        Lease acquire(int unit) {
            Lease lease = parameters.acquire(unit);
            FlatBuffer read = lease.parameter(LAYOUT.units().get(unit).parameters().getFirst());
            FlatBuffer expected = values.slice((long) unit * ELEMENTS, ELEMENTS);
            assertEquals(-1, expected.segment().mismatch(read.segment()), "unit " + unit);
            return lease;
        }

        void use(int... units) {
            for (int unit : units) {
                acquire(unit).close();
            }
        }

        long reads() {
            return file.transfers().readBytes() / BYTES;
        }

        /** Waits until the reads under way have begun, so that the next fault is not theirs. */
        void awaitBegun() {
            while (files.calls(FaultyFiles.Call.READ) < reads()) {
                Thread.onSpinWait();
            }
        }

        @Override
        public void close() {
            try {
                file.close();
            } finally {
                communicator.close();
                directory.close();
                memory.close();
            }
        }
    }

    private static long units(String count) {
        return count.equals("all") ? Long.MAX_VALUE : (long) (Double.parseDouble(count) * ELEMENTS);
    }

    /** Of eight buffers one is for reads that nobody foresaw, and two are for writes. */
    @ParameterizedTest
    @CsvSource({
        "0, all, 8, 0",
        "0.01, all, 8, 1",
        "1, all, 8, 1",
        "2, all, 8, 2",
        "2.9, all, 8, 2",
        "all, all, 8, 5",
        "all, 1, 8, 1",
        "all, 3, 8, 2",
        "3, 3, 8, 2",
        "all, all, 5, 3",
        "all, all, 3, 1",
        "all, all, 2, 1",
        "all, all, 1, 0"
    })
    void asManyUnitsAsFitAreReadAheadAndThePlanSaysHowMany(
            String bucket, String live, int buffers, int expected) {
        try (Rank rank = new Rank(units(bucket), units(live), buffers)) {
            assertEquals(
                    new ReadAheadEstimate(
                            expected, (long) expected * ELEMENTS, expected * BYTES, expected),
                    rank.planned());
            rank.use(STEP); // nothing is foreseen yet
            assertEquals(STEP.length, rank.reads());
            rank.update(2);
            rank.use(STEP);
            rank.update(3);
            long before = rank.reads();
            if (expected > 0) {
                assertEquals(2 * STEP.length + expected, before, "the next step's first units");
            }
            for (int i = 0; i < STEP.length; i++) {
                rank.use(STEP[i]);
                // What is read once more before the turn is no second time ahead of itself.
                int rest = i < 7 ? 7 - i : STEP.length - 1 - i;
                long ahead = rank.reads() - 2 * STEP.length - (i + 1);
                assertTrue(ahead <= expected, "after unit %d: %d".formatted(i, ahead));
                assertTrue(
                        ahead >= Math.min(expected, rest), "after unit %d: %d".formatted(i, ahead));
            }
            assertEquals(3 * STEP.length, rank.reads(), "nothing is read twice");
        }
    }

    @Test
    void anotherOrderIsSurvivedAndLearnt() {
        try (Rank rank = new Rank(3L * ELEMENTS, Long.MAX_VALUE, 8)) {
            for (int seed = 2; seed < 5; seed++) {
                rank.use(STEP);
                rank.update(seed);
            }
            rank.use(OTHER);
            rank.update(5);
            rank.use(OTHER);
            rank.update(6);
            long before = rank.reads();
            for (int i = 0; i < OTHER.length; i++) {
                rank.use(OTHER[i]);
                long ahead = rank.reads() - before + 3 - (i + 1);
                assertTrue(
                        ahead <= 3 && ahead >= Math.min(3, i < 7 ? 7 - i : 14 - i), "after " + i);
            }
            assertEquals(before - 3 + OTHER.length, rank.reads(), "nothing is read in vain");
            rank.use(7, 7, 1, 5, 5, 0, 2, 6, 3); // no order at all
            rank.update(7);
            rank.use(STEP);
        }
    }

    @Test
    void unitsOnLoanCountAgainstTheLiveBound() {
        try (Rank rank = new Rank(Long.MAX_VALUE, 4L * ELEMENTS, 8)) {
            for (int seed = 2; seed < 5; seed++) {
                long before = rank.reads();
                Deque<Lease> lent = new ArrayDeque<>();
                for (int unit = 0; unit < UNITS; unit++) {
                    lent.add(rank.acquire(unit));
                    if (lent.size() > 2) {
                        lent.remove().close();
                    }
                    if (seed == 4) {
                        // Three are lent at once, so that one more is live.
                        long ahead = rank.reads() - before - unit;
                        assertEquals(unit < UNITS - 1 ? 1 : 0, ahead, "after unit " + unit);
                    }
                }
                lent.forEach(Lease::close);
                rank.update(seed);
            }
            assertEquals(3L * ELEMENTS, rank.parameters.liveElementsHighWater());
        }
    }

    @Test
    void aFailedReadAheadIsATypedErrorWhereItsUnitIsUsed() {
        try (Rank rank = new Rank(2L * ELEMENTS, Long.MAX_VALUE, 8)) {
            rank.use(STEP);
            rank.update(2);
            rank.use(STEP);
            rank.update(3); // reads 0 and 1
            rank.awaitBegun();
            files.failing(FaultyFiles.Call.READ, 1);
            rank.use(0); // reads 2
            rank.use(1);
            StorageException failure = assertThrows(StorageException.class, () -> rank.acquire(2));
            assertTrue(
                    failure.getMessage().matches("Reading 12,288 bytes at offset 24,576 of .*"),
                    failure.getMessage());
            StorageException again = assertThrows(StorageException.class, () -> rank.acquire(3));
            assertTrue(again.getMessage().contains(failure.getMessage()), again.getMessage());
        }
    }

    @Test
    void aFlippedBitInAReadAheadIsATypedErrorWhereItsUnitIsUsed() {
        try (Rank rank = new Rank(2L * ELEMENTS, Long.MAX_VALUE, 8)) {
            rank.use(STEP);
            rank.update(2);
            rank.use(STEP);
            rank.update(3);
            rank.awaitBegun();
            files.flippedBit(FaultyFiles.Call.READ, 1, 77);
            rank.use(0, 1);
            StorageException failure = assertThrows(StorageException.class, () -> rank.acquire(2));
            assertTrue(
                    failure.getMessage().startsWith("Block 0 of extent 2 of "),
                    failure.getMessage());
        }
    }

    @Test
    void closingWaitsForReadsUnderWay() {
        Path file;
        try (Rank rank = new Rank(Long.MAX_VALUE, Long.MAX_VALUE, 8)) {
            rank.use(STEP);
            rank.update(2);
            rank.use(STEP);
            file = rank.directory.path().resolve("parameters.bin");
            assertTrue(Files.exists(file));
            files.delayed(Duration.ofMillis(30));
            rank.update(3); // begins to read five units
        }
        assertFalse(Files.exists(file));
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 8})
    void anyBucketGivesTheSameBits(int buffers, @TempDir Path directory) {
        RankThreads.Outcome expected =
                RankThreads.train(
                        RankThreads.Setup.of(
                                1, ZeroOptions.inMemory(0, DType.BF16, 7), new Momentum()),
                        6,
                        3);
        RestingPlace place = new RestingPlace.OnNvme(directory, buffers);
        for (long bucket : new long[] {0, 1, 8_000, Long.MAX_VALUE}) {
            for (int world = 1; world <= 3; world++) {
                ZeroOptions options =
                        new ZeroOptions(
                                Residency.ofStage(3),
                                DType.BF16,
                                new RestingPlace.InHost(false),
                                ParameterStorage.at(place).withAhead(bucket),
                                Long.MAX_VALUE,
                                2_000,
                                8_192,
                                7);
                RankThreads.Outcome actual =
                        RankThreads.train(
                                RankThreads.Setup.of(world, options, new Momentum()), 6, 3);
                String where = "bucket %d, %d ranks".formatted(bucket, world);
                expected.tensors()
                        .forEach(
                                (name, bits) ->
                                        assertArrayEquals(
                                                bits,
                                                actual.tensors().get(name),
                                                name + " at " + where));
            }
        }
    }
}
