package ds.testkit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ds.core.DType;
import ds.core.Device;
import ds.core.FlatBuffer;
import ds.core.HostDevice;
import ds.core.HostMemories;
import ds.core.MemoryKind;
import ds.core.RankMemory;
import ds.kernels.Workers;
import ds.offload.StateCodecs;
import ds.offload.StateCoding;
import ds.offload.StateLayout;
import ds.offload.StateStore;
import ds.offload.spi.StateCodec;
import ds.offload.spi.StateCodec.Values;
import ds.offload.spi.StateCodecProvider;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.IntConsumer;
import java.util.stream.LongStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/**
 * What every {@link StateStore} promises, wherever its arrays rest: the same bits as plain arrays,
 * on the host and on a device that is not addressable. Extend it and make stores.
 */
public abstract class StateStoreContract {
    private static final int GRANULE = StateLayout.GRANULE_ELEMENTS;
    private static final long CHUNK_BYTES = 2L * 8 * 4096; // two arrays, eight blocks of 4 KiB each
    private static final long SEED = 20_251_122L;

    private final List<AutoCloseable> opened = new ArrayList<>();

    /** For subclasses. */
    protected StateStoreContract() {}

    /** Returns a new store. It is closed by the caller. */
    protected abstract StateStore create(
            StateLayout layout, RankMemory memory, Device device, long chunkBytes);

    /** Closes what a test opened, last first. */
    @AfterEach
    protected final void closeAll() throws Exception {
        for (AutoCloseable each : opened.reversed()) {
            each.close();
        }
    }

    /** Has {@code each} closed after the test, before what was opened earlier. */
    protected final <T extends AutoCloseable> T opened(T each) {
        opened.add(each);
        return each;
    }

    private static StateLayout layout(long... runs) {
        return new StateLayout(
                List.of("master", "exp_avg"), java.util.Arrays.stream(runs).boxed().toList());
    }

    /** Three chunked runs and two whole ones, the first of which the second array lacks. */
    private static StateLayout withWholes(StateCoding coding) {
        return new StateLayout(
                List.of("master", "exp_avg"),
                List.of(3L * GRANULE, 20L * GRANULE, 5L * GRANULE, 2L * GRANULE, (long) GRANULE),
                DType.FP32,
                List.of(),
                coding,
                Map.of(1, List.of(0), 3, List.of(0, 1)));
    }

    private static List<StateCodec> codecs() {
        return StateCodecs.table(ModuleLayer.boot()).all().stream()
                .map(StateCodecProvider::create)
                .toList();
    }

    private static StateLayout encoded(StateCodec codec, long... runs) {
        StateLayout plain = layout(runs);
        var second = List.of(Optional.<Values>empty(), Optional.of(Values.SIGNED));
        return new StateLayout(
                plain.arrays(),
                plain.runLengths(),
                plain.type(),
                plain.extras(),
                StateCoding.of(codec, second));
    }

    /** What the codec makes of an array. */
    private static void roundTrip(StateCodec codec, float[] values) {
        int granules = values.length / GRANULE;
        MemorySegment bytes = MemorySegment.ofArray(new byte[granules * codec.granuleBytes()]);
        MemorySegment segment = MemorySegment.ofArray(values);
        codec.encode(segment, bytes, Values.SIGNED);
        codec.decode(bytes, segment, Values.SIGNED);
    }

    /** A store with what it needs, and the twin in plain arrays that it must equal. */
    private final class Twin {
        final RankMemory memory = opened(new RankMemory(HostMemories.portable()));
        final StateStore store;
        final int elements;
        final float[] master;
        final float[] average;
        final float[] gradient;
        final FlatBuffer gradients;
        final FlatBuffer copy;
        private final Optional<StateCodec> codec;

        Twin(StateLayout layout, Device device) {
            this(layout, device, CHUNK_BYTES, Optional.empty());
        }

        Twin(StateLayout layout, Device device, long chunkBytes, Optional<StateCodec> codec) {
            this.codec = codec;
            elements = Math.toIntExact(layout.elements());
            master = new float[elements];
            average = new float[elements];
            gradient = new float[elements];
            gradients = memory.allocate(MemoryKind.GRADIENTS, DType.FP32, elements);
            copy = memory.allocate(MemoryKind.PARAMETERS, DType.BF16, elements);
            store = opened(create(layout, memory, device, chunkBytes));
            Random random = new Random(SEED);
            for (int i = 0; i < elements; i++) {
                master[i] = random.nextFloat() - 0.5f;
                gradient[i] = random.nextFloat() - 0.5f;
                gradients.set(i, gradient[i]);
            }
            if (elements > 0) {
                store.write(0, 0, FlatBuffer.ofFloats(master));
            }
        }

        void step() {
            step(StateStore.Spread.ALONE, () -> {});
        }

        void step(StateStore.Spread spread, Runnable inStep) {
            store.step(
                    (first, length) ->
                            List.of(gradients.slice(first, length), copy.slice(first, length)),
                    (first, resident, stored) -> {
                        inStep.run();
                        FlatBuffer weights = stored.get(0);
                        FlatBuffer averages = stored.get(1);
                        for (long i = 0; i < weights.lengthElements(); i++) {
                            float g = resident.get(0).get(i);
                            averages.set(i, average(averages.get(i), g));
                            weights.set(i, weight(weights.get(i), averages.get(i)));
                            resident.get(1).set(i, weights.get(i));
                        }
                    },
                    spread);
            for (int i = 0; i < elements; i++) {
                average[i] = average(average[i], gradient[i]);
                master[i] = weight(master[i], average[i]);
            }
            codec.ifPresent(found -> roundTrip(found, average));
        }

        void assertSame() {
            FlatBuffer read = FlatBuffer.ofFloats(new float[elements]);
            if (elements > 0) {
                store.read(0, 0, read);
                assertEquals(-1, read.segment().mismatch(FlatBuffer.ofFloats(master).segment()));
                store.read(1, 0, read);
                assertEquals(-1, read.segment().mismatch(FlatBuffer.ofFloats(average).segment()));
            }
            for (int i = 0; i < elements; i++) {
                float expected = ds.core.Rounding.fromBf16(ds.core.Rounding.toBf16(master[i]));
                assertEquals(expected, copy.get(i), "16-bit copy of element " + i);
            }
        }
    }

    private static float average(float before, float gradient) {
        return before * 0.9f + gradient * 0.1f;
    }

    private static float weight(float before, float average) {
        return before - average * 0.01f;
    }

    @Test
    void arraysBeginAtZero() {
        RankMemory memory = opened(new RankMemory(HostMemories.portable()));
        StateStore store =
                opened(create(layout(3L * GRANULE), memory, opened(new HostDevice()), CHUNK_BYTES));
        FlatBuffer read = FlatBuffer.ofFloats(1f, 1f, 1f);
        store.read(1, 2L * GRANULE + 7, read);
        assertEquals(-1, read.segment().mismatch(FlatBuffer.ofFloats(0f, 0f, 0f).segment()));
    }

    @Test
    void anyRangeIsReadAsItWasWritten() {
        Twin twin = new Twin(layout(5L * GRANULE, 0, 11L * GRANULE), opened(new HostDevice()));
        Random random = new Random(SEED + 1);
        for (int i = 0; i < 50; i++) {
            int first = random.nextInt(twin.elements - 1);
            int length = 1 + random.nextInt(twin.elements - first);
            float[] values = new float[length];
            for (int j = 0; j < length; j++) {
                values[j] = random.nextFloat();
                twin.master[first + j] = values[j];
            }
            twin.store.write(0, first, FlatBuffer.ofFloats(values));
        }
        FlatBuffer read = FlatBuffer.ofFloats(new float[twin.elements - 3]);
        twin.store.read(0, 3, read);
        FlatBuffer expected = FlatBuffer.ofFloats(twin.master).slice(3, twin.elements - 3);
        assertEquals(-1, read.segment().mismatch(expected.segment()));
    }

    @Test
    void aStepSeesEveryElementOnceInOrderAndNoChunkCrossesARun() {
        long[] runs = {3L * GRANULE, 0, 20L * GRANULE, GRANULE};
        Twin twin = new Twin(layout(runs), opened(new HostDevice()));
        List<Long> seen = new ArrayList<>();
        twin.store.step(
                (first, length) -> List.of(twin.gradients.slice(first, length)),
                (first, resident, stored) -> {
                    seen.add(first);
                    seen.add(first + stored.getFirst().lengthElements());
                    assertEquals(2, stored.size());
                    assertEquals(twin.gradient[Math.toIntExact(first)], resident.getFirst().get(0));
                });
        long at = 0;
        int index = 0;
        for (long run : runs) {
            for (long end = at + run; at < end; index += 2) {
                assertEquals(at, seen.get(index));
                at = seen.get(index + 1);
                assertEquals(true, at <= end, "a chunk ends at " + at + ", its run at " + end);
            }
        }
        assertEquals(seen.size(), index);
    }

    @Test
    void stepsGiveTheBitsOfPlainArrays() {
        Twin twin = new Twin(layout(3L * GRANULE, 29L * GRANULE), opened(new HostDevice()));
        for (int step = 0; step < 5; step++) {
            twin.step();
        }
        twin.assertSame();
    }

    @Test
    void stepsGiveTheSameBitsOnSeveralWorkersWhichAStepMayUseToo() {
        for (int count = 1; count <= 3; count++) {
            for (Device device :
                    List.of(opened(new HostDevice()), opened(new DetachedDevice(SEED)))) {
                Workers workers = opened(new Workers("ds-test", count));
                AtomicBoolean used = new AtomicBoolean();
                Twin twin = new Twin(layout(3L * GRANULE, 29L * GRANULE), device);
                for (int step = 0; step < 3; step++) {
                    twin.step(
                            (parts, part) -> alone(used, workers, parts, part),
                            () -> alone(used, workers, 7, _ -> Thread.onSpinWait()));
                }
                twin.assertSame();
            }
        }
    }

    /** Uses the workers, of whom only one thread at a time may ask something. */
    private static void alone(AtomicBoolean used, Workers workers, int parts, IntConsumer part) {
        assertTrue(used.compareAndSet(false, true), "the workers have two callers at once");
        workers.run(parts, (_, index) -> part.accept(index));
        used.set(false);
    }

    @Test
    void stepsOnADetachedDeviceGiveTheSameBits() {
        Twin twin = new Twin(layout(3L * GRANULE, 29L * GRANULE), opened(new DetachedDevice(SEED)));
        for (int step = 0; step < 3; step++) {
            twin.step();
        }
        twin.assertSame();
    }

    @Test
    void encodedArraysHoldWhatTheCodecLeavesOfThemWhateverTheChunks() {
        long[] runs = {3L * GRANULE, 0, 300L * GRANULE, GRANULE};
        for (StateCodec codec : codecs()) {
            for (long chunkBytes : new long[] {2 * 4096, CHUNK_BYTES, 1L << 20, 4L << 20}) {
                Twin twin =
                        new Twin(
                                encoded(codec, runs),
                                opened(new HostDevice()),
                                chunkBytes,
                                Optional.of(codec));
                twin.step();
                twin.step();
                twin.assertSame();
            }
        }
    }

    @Test
    void encodedArraysAreSteppedOnADetachedDeviceToo() {
        for (StateCodec codec : codecs()) {
            Twin twin =
                    new Twin(
                            encoded(codec, 3L * GRANULE, 29L * GRANULE),
                            opened(new DetachedDevice(SEED)),
                            CHUNK_BYTES,
                            Optional.of(codec));
            twin.step();
            twin.step();
            twin.assertSame();
        }
    }

    @Test
    void anyRangeOfAnEncodedArrayIsReadAndWritten() {
        for (StateCodec codec : codecs()) {
            Twin twin =
                    new Twin(
                            encoded(codec, 5L * GRANULE, 0, 31L * GRANULE),
                            opened(new HostDevice()),
                            CHUNK_BYTES,
                            Optional.of(codec));
            Random random = new Random(SEED + 2);
            for (int i = 0; i < 30; i++) {
                int first = random.nextInt(twin.elements - 1);
                int length = 1 + random.nextInt(twin.elements - first);
                float[] values = new float[length];
                for (int j = 0; j < length; j++) {
                    values[j] = (float) random.nextGaussian();
                    twin.average[first + j] = values[j];
                }
                twin.store.write(1, first, FlatBuffer.ofFloats(values));
                roundTrip(codec, twin.average);
            }
            twin.store.write(0, 0, FlatBuffer.ofFloats(twin.master));
            FlatBuffer read = FlatBuffer.ofFloats(new float[twin.elements - 3]);
            twin.store.read(1, 3, read);
            FlatBuffer expected = FlatBuffer.ofFloats(twin.average).slice(3, twin.elements - 3);
            assertEquals(-1, read.segment().mismatch(expected.segment()), codec.name());
            assertTrue(twin.store.view(1, 0, GRANULE).isEmpty());
        }
    }

    @Test
    void aRunThatIsSteppedWholeIsInNoChunkAndAnArrayMayLackIt() {
        List<StateCoding> codings = new ArrayList<>(List.of(StateCoding.NONE));
        var second = List.of(Optional.<Values>empty(), Optional.of(Values.SIGNED));
        codecs().forEach(codec -> codings.add(StateCoding.of(codec, second)));
        for (StateCoding coding : codings) {
            Twin twin = new Twin(withWholes(coding), opened(new HostDevice()));
            List<Long> chunked = new ArrayList<>();
            twin.store.step(
                    (_, _) -> List.of(),
                    (first, _, stored) -> {
                        for (long i = 0; i < stored.getFirst().lengthElements(); i++) {
                            chunked.add(first + i);
                            stored.get(0).set(i, first + i);
                            stored.get(1).set(i, 0);
                        }
                    });
            List<Long> expected = new ArrayList<>();
            LongStream.range(0, 3L * GRANULE).forEach(expected::add);
            LongStream.range(23L * GRANULE, 28L * GRANULE).forEach(expected::add);
            LongStream.range(30L * GRANULE, 31L * GRANULE).forEach(expected::add);
            assertEquals(expected, chunked);
            expected.forEach(i -> twin.master[Math.toIntExact(i)] = i);
            FlatBuffer read = FlatBuffer.ofFloats(new float[twin.elements]);
            twin.store.read(0, 0, read);
            assertEquals(-1, read.segment().mismatch(FlatBuffer.ofFloats(twin.master).segment()));

            // What codecs keep exactly: one value for all elements, and zeros around them.
            FlatBuffer ones = FlatBuffer.ofFloats(new float[2 * GRANULE]);
            for (int i = 0; i < 2 * GRANULE; i++) {
                ones.set(i, 1);
            }
            twin.store.write(1, 28L * GRANULE, ones);
            FlatBuffer behind = FlatBuffer.ofFloats(new float[8 * GRANULE]);
            twin.store.read(1, 23L * GRANULE, behind);
            for (int i = 0; i < 8 * GRANULE; i++) {
                float value = i < 5 * GRANULE || i >= 7 * GRANULE ? 0 : 1;
                assertEquals(value, behind.get(i), coding + " at " + i);
            }
            assertEquals(
                    "Array 'exp_avg' does not have all of the 2,048 elements from 22,528 on: run 1 lacks it.",
                    assertThrows(
                                    IllegalArgumentException.class,
                                    () -> twin.store.write(1, 22L * GRANULE, ones))
                            .getMessage());
            twin.store.read(0, 22L * GRANULE, ones);
        }
    }

    @Test
    void aStepAllocatesNothing() {
        StateCodec codec = codecs().getLast();
        assertStepAllocatesNothing(
                new Twin(
                        encoded(codec, 3L * GRANULE, 29L * GRANULE),
                        opened(new HostDevice()),
                        CHUNK_BYTES,
                        Optional.of(codec)));
        assertStepAllocatesNothing(
                new Twin(layout(3L * GRANULE, 29L * GRANULE), opened(new HostDevice())));
    }

    private static void assertStepAllocatesNothing(Twin twin) {
        long before = twin.memory.allocationCount();
        twin.step();
        twin.step();
        assertEquals(before, twin.memory.allocationCount());
    }

    @Test
    void aRankThatOwnsNothingSteps() {
        Twin none = new Twin(layout(), opened(new HostDevice()));
        none.step();
        none.assertSame();
        Twin empty = new Twin(layout(0, 0), opened(new DetachedDevice(SEED)));
        empty.step();
        empty.assertSame();
    }

    @Test
    void whatAStepThrowsReachesItsCaller() {
        Twin twin = new Twin(layout(9L * GRANULE), opened(new HostDevice()));
        IllegalStateException thrown =
                assertThrows(
                        IllegalStateException.class,
                        () ->
                                twin.store.step(
                                        (first, length) -> List.of(),
                                        (first, resident, stored) -> {
                                            throw new IllegalStateException("mine");
                                        }));
        assertEquals("mine", thrown.getMessage());
    }

    @Test
    void closingTwiceIsHarmless() {
        Twin twin = new Twin(layout(GRANULE), opened(new HostDevice()));
        twin.store.close();
        twin.store.close();
    }
}
