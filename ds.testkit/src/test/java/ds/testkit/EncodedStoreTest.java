package ds.testkit;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ds.core.DType;
import ds.core.FlatBuffer;
import ds.core.HostDevice;
import ds.core.HostMemories;
import ds.core.MemoryKind;
import ds.core.RankMemory;
import ds.offload.CommitRecord;
import ds.offload.DurableStore;
import ds.offload.FileOperations;
import ds.offload.PipelineSettings;
import ds.offload.StateCodecs;
import ds.offload.StateCoding;
import ds.offload.StateLayout;
import ds.offload.StateStores;
import ds.offload.StorageException;
import ds.offload.StorageProviders;
import ds.offload.StoreDirectory;
import ds.offload.StoreIdentity;
import ds.offload.StoreLocation;
import ds.offload.StoreTerms;
import ds.offload.StoreUse;
import ds.offload.Stores;
import ds.offload.spi.StateCodec.Values;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** A store of encoded slots is smaller, survives as any other, and knows what it was made with. */
class EncodedStoreTest {
    private static final List<String> ARRAYS = List.of("master", "exp_avg", "exp_avg_sq");
    private static final long MIB_ELEMENTS = 1 << 18;
    private static final List<Long> RUNS = List.of(2 * MIB_ELEMENTS, 5L * 1024);
    private static final int ELEMENTS = (int) (2 * MIB_ELEMENTS + 5 * 1024);
    private static final long SEED = 20_261_126L;
    private static final PipelineSettings SETTINGS =
            PipelineSettings.DEFAULT.withChunkBytes(3L << 20).withBufferCount(2);

    @TempDir Path nvmePath = Path.of("");

    private static StateLayout layout(String codec) {
        List<Optional<Values>> values =
                List.of(
                        Optional.empty(),
                        Optional.of(Values.SIGNED),
                        Optional.of(Values.NON_NEGATIVE));
        return new StateLayout(
                ARRAYS,
                RUNS,
                DType.FP32,
                List.of(),
                StateCodecs.named(ModuleLayer.boot(), codec)
                        .map(found -> StateCoding.of(found, values))
                        .orElse(StateCoding.NONE));
    }

    /** A store of one rank, and the step it stands at. */
    private final class Rig implements AutoCloseable {
        final RankMemory memory = new RankMemory(HostMemories.portable());
        final HostDevice device = new HostDevice();
        final StoreDirectory directory;
        final DurableStore store;
        long step;

        Rig(String run, String codec, boolean fresh) {
            this(run, codec, fresh, StoreTerms.DEFAULT);
        }

        Rig(String run, String codec, boolean fresh, StoreTerms terms) {
            StoreLocation location = new StoreLocation(nvmePath, run, 0, 1);
            directory =
                    fresh
                            ? StoreDirectory.open(
                                    location,
                                    StorageProviders.portable(),
                                    FileOperations.system(),
                                    StoreUse.DURABLE)
                            : StoreDirectory.reopen(
                                    location, StorageProviders.portable(), FileOperations.system());
            StoreIdentity identity = new StoreIdentity(codec, "config", Map.of());
            boolean whole = false;
            try {
                store =
                        fresh
                                ? StateStores.durable(
                                        layout(codec),
                                        memory,
                                        device,
                                        directory,
                                        SETTINGS,
                                        terms,
                                        identity)
                                : StateStores.reopen(
                                        layout(codec),
                                        memory,
                                        device,
                                        directory,
                                        SETTINGS,
                                        terms,
                                        identity);
                whole = true;
            } finally {
                if (!whole) {
                    directory.close();
                    memory.close();
                }
            }
            if (!fresh) {
                step = store.recover(store.lastCommit(), store.epoch() + 1).globalStep();
            }
        }

        /** Adam with made-up gradients. */
        void makeStep() {
            step++;
            store.step(
                    (first, length) -> List.of(),
                    (first, resident, stored) -> {
                        Random random = random(first);
                        for (int i = 0; i < stored.getFirst().lengthElements(); i++) {
                            random = i % 1024 == 0 ? random(first + i) : random;
                            float g = (float) random.nextGaussian();
                            float m = stored.get(1).get(i) * 0.9f + g * 0.1f;
                            float v = stored.get(2).get(i) * 0.999f + g * g * 0.001f;
                            stored.get(1).set(i, m);
                            stored.get(2).set(i, v);
                            float p = stored.get(0).get(i);
                            stored.get(0).set(i, p - m / ((float) Math.sqrt(v) + 1e-8f) * 0.01f);
                        }
                    });
        }

        private Random random(long element) {
            return new Random(SEED + step * 1_000_003 + element);
        }

        void commit() {
            store.commit(
                    new CommitRecord(
                            step,
                            step,
                            step,
                            step,
                            0,
                            1,
                            new CommitRecord.Scaler(1, 1, 0, -1, false),
                            CommitRecord.Blob.of(new byte[0])));
            store.awaitCommit();
        }

        List<float[]> contents() {
            List<float[]> contents = new ArrayList<>();
            for (int array = 0; array < ARRAYS.size(); array++) {
                FlatBuffer read = FlatBuffer.ofFloats(new float[ELEMENTS]);
                store.read(array, 0, read);
                contents.add(read.toFloats());
            }
            return contents;
        }

        @Override
        public void close() {
            store.close();
            directory.close();
            device.close();
            memory.close();
        }
    }

    private static void assertSame(List<float[]> expected, List<float[]> actual) {
        for (int array = 0; array < expected.size(); array++) {
            assertArrayEquals(expected.get(array), actual.get(array), ARRAYS.get(array));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"fp32", "bf16", "int8_block"})
    void aCrashCostsNothingThatWasCommitted(String codec) {
        List<float[]> three;
        List<float[]> five;
        try (Rig whole = new Rig("whole", codec, true)) {
            for (int i = 0; i < 3; i++) {
                whole.makeStep();
            }
            three = whole.contents();
            whole.makeStep();
            whole.makeStep();
            five = whole.contents();
        }
        try (Rig cut = new Rig("cut", codec, true)) {
            for (int i = 0; i < 3; i++) {
                cut.makeStep();
                cut.commit();
            }
            cut.makeStep(); // into the other slots, and never committed
        }
        assertTrue(
                Stores.verify(nvmePath.resolve("ds-cut/rank-0000-of-0001")).problems().isEmpty());
        try (Rig resumed = new Rig("cut", codec, false)) {
            assertEquals(3, resumed.step);
            assertSame(three, resumed.contents());
            resumed.makeStep();
            resumed.commit();
            resumed.makeStep();
            assertSame(five, resumed.contents());
        }
    }

    /** What stays in memory is encoded there as in files: the bits do not say where it was. */
    @ParameterizedTest
    @ValueSource(strings = {"fp32", "bf16", "int8_block"})
    void anyShareInMemoryHasTheSameBits(String codec) {
        List<List<float[]>> contents = new ArrayList<>();
        for (double share : new double[] {1, 0.5, 0}) {
            String run = "share" + contents.size();
            StoreTerms terms = StoreTerms.DEFAULT.withShare(share);
            try (Rig rig = new Rig(run, codec, true, terms)) {
                for (int array = 0; array < ARRAYS.size(); array++) {
                    float[] some = new float[200_000];
                    Arrays.fill(some, 0.25f + array);
                    rig.store.write(array, 250_000, FlatBuffer.ofFloats(some));
                }
                rig.makeStep();
                rig.makeStep();
                rig.commit();
            }
            try (Rig rig = new Rig(run, codec, false, terms.withShare(1 - share))) {
                rig.makeStep();
                contents.add(rig.contents());
            }
        }
        assertSame(contents.get(0), contents.get(1));
        assertSame(contents.get(0), contents.get(2));
    }

    @ParameterizedTest
    @CsvSource({"fp32, 4096", "bf16, 2048", "int8_block, 1040"})
    void slotsTakeTheCodecsBytes(String codec, long granuleBytes) throws IOException {
        try (Rig rig = new Rig("run", codec, true)) {
            long rest = padded(5 * granuleBytes);
            long slot = 2 * (2 * MIB_ELEMENTS / 1024 * granuleBytes + rest);
            long master = 2 * 4L * ELEMENTS;
            for (String array : List.of("exp_avg", "exp_avg_sq")) {
                assertEquals(slot, Files.size(rig.directory.path().resolve(array + ".bin")));
            }
            assertEquals(master, Files.size(rig.directory.path().resolve("master.bin")));
            assertEquals(master + 2 * slot, rig.store.storedBytes());
            StoreTerms inPlace = StoreTerms.IN_PLACE;
            assertEquals(
                    (master + 2 * slot) / 2,
                    StateStores.fileBytes(layout(codec), SETTINGS.chunkBytes(), inPlace));
        }
        try (RankMemory memory = new RankMemory(HostMemories.portable());
                HostDevice device = new HostDevice()) {
            StateStores.inMemory(layout(codec), memory, device, false, 3L << 20);
            assertEquals(
                    2L * ELEMENTS / 1024 * granuleBytes, memory.bytes(MemoryKind.OPTIMIZER_STATES));
            assertEquals(4L * ELEMENTS, memory.bytes(MemoryKind.MASTERS));
        }
    }

    /** Files are padded to 4 KiB. */
    private static long padded(long bytes) {
        return (bytes + 4095) / 4096 * 4096;
    }

    @Test
    void anotherCodecIsRefused() {
        try (Rig rig = new Rig("run", "int8_block", true)) {
            rig.makeStep();
            rig.commit();
        }
        StorageException refused =
                assertThrows(StorageException.class, () -> new Rig("run", "bf16", false).close());
        assertEquals(
                "%s keeps optimizer state as 'int8_block', this run asks for 'bf16'; a store keeps the codec it was made with, so set jvm.state_codec to \"int8_block\", or go by a checkpoint."
                        .formatted(nvmePath.resolve("ds-run/rank-0000-of-0001")),
                refused.getMessage());
        assertThrows(StorageException.class, () -> new Rig("run", "fp32", false).close());
        try (Rig rig = new Rig("run", "int8_block", false)) {
            assertEquals(1, rig.step);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"bf16", "int8_block"})
    void aFlippedBitIsNoticed(String codec) throws IOException {
        Path file;
        try (Rig rig = new Rig("run", codec, true)) {
            rig.makeStep();
            rig.commit();
            file = rig.directory.path().resolve("exp_avg_sq.bin");
        }
        byte[] whole = Files.readAllBytes(file);
        Random random = new Random(SEED);
        int current = 0;
        for (int i = 0; i < 40; i++) {
            byte[] damaged = whole.clone();
            damaged[random.nextInt(damaged.length)] ^= (byte) (1 << random.nextInt(8));
            Files.write(file, damaged);
            assertFalse(Stores.verify(file.getParent()).isSpotless());
            try (Rig rig = new Rig("run", codec, false)) {
                rig.makeStep(); // it was in the other slots, which are not current
            } catch (StorageException e) {
                assertTrue(e.getMessage().contains("is not what was written"), e::getMessage);
                current++;
            }
            Files.write(file, whole);
        }
        assertTrue(current > 8, "half of the bytes are current, of which " + current + " were met");
    }
}
