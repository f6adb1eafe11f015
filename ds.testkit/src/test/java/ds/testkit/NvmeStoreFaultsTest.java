package ds.testkit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ds.core.FlatBuffer;
import ds.core.HostDevice;
import ds.core.HostMemories;
import ds.core.RankMemory;
import ds.kernels.Workers;
import ds.offload.FileOperations;
import ds.offload.PipelineSettings;
import ds.offload.StateLayout;
import ds.offload.StateStore;
import ds.offload.StateStores;
import ds.offload.StorageException;
import ds.offload.StorageProviders;
import ds.offload.StoreDirectory;
import ds.offload.StoreLocation;
import ds.offload.StoreTerms;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What a disk does wrong stops the step with a clear message; what it does late is overlapped. */
@Timeout(60)
class NvmeStoreFaultsTest {
    private static final int PAGE = 4096;
    private static final int CHUNKS = 6;
    private static final long ELEMENTS = CHUNKS * 1024L;
    private static final PipelineSettings ONE_PAGE_CHUNKS =
            PipelineSettings.DEFAULT.withChunkBytes(2L * PAGE).withBufferCount(3);

    @TempDir Path nvmePath = Path.of("");

    private final FaultyFiles files = FaultyFiles.around(FileOperations.system());
    private final RankMemory memory = new RankMemory(HostMemories.portable());
    private final HostDevice device = new HostDevice();
    private StoreDirectory directory;
    private StateStore store;

    private StateStore create(PipelineSettings settings) {
        directory =
                StoreDirectory.open(
                        new StoreLocation(nvmePath, "run", 2, 4),
                        StorageProviders.portable(),
                        files);
        StateLayout layout = new StateLayout(List.of("master", "exp_avg"), List.of(ELEMENTS));
        store =
                StateStores.onNvme(
                        layout, memory, device, directory, settings, StoreTerms.IN_PLACE);
        return store;
    }

    @AfterEach
    void closeAll() throws IOException {
        files.release();
        if (store != null) {
            store.close();
        }
        if (directory != null) {
            directory.close();
        }
        device.close();
        memory.close();
        try (var left = Files.list(nvmePath)) {
            assertEquals(List.of(), left.toList(), "a closed store leaves nothing");
        }
    }

    private Path file(String array) {
        return directory.path().resolve(array + ".bin");
    }

    /** Adds its number to every element, counted from 1, so that no two blocks are alike. */
    private void step() {
        step(StateStore.Spread.ALONE);
    }

    private void step(StateStore.Spread spread) {
        store.step(
                (first, length) -> List.of(),
                (first, resident, stored) -> {
                    for (FlatBuffer array : stored) {
                        for (long i = 0; i < array.lengthElements(); i++) {
                            array.set(i, array.get(i) + first + i + 1);
                        }
                    }
                },
                spread);
    }

    private void assertStepped(int times) {
        FlatBuffer read = FlatBuffer.ofFloats(new float[(int) ELEMENTS]);
        store.read(0, 0, read);
        for (int i = 0; i < ELEMENTS; i++) {
            assertEquals(times * (i + 1f), read.get(i));
        }
    }

    private StorageException assertStops() {
        return assertThrows(StorageException.class, this::step);
    }

    private static void assertContains(Throwable failure, String... parts) {
        String message = String.valueOf(failure.getMessage());
        for (String part : parts) {
            assertTrue(message.contains(part), () -> "'" + part + "' is not in: " + message);
        }
    }

    private void assertUnusable() {
        StorageException again = assertStops();
        assertContains(again, "cannot be used any more");
        assertThrows(StorageException.class, () -> store.read(0, 0, FlatBuffer.ofFloats(0f)));
    }

    @Test
    void shortTransfersAreContinued() {
        files.shortReads(1000).shortWrites(700);
        create(ONE_PAGE_CHUNKS);
        step();
        step();
        assertStepped(2);
    }

    private void flip(String array, long offset) throws IOException {
        try (RandomAccessFile medium = new RandomAccessFile(file(array).toFile(), "rw")) {
            medium.seek(offset);
            int value = medium.read();
            medium.seek(offset);
            medium.write(value ^ 0x20);
        }
    }

    @Test
    void everyBlockOfAChunkIsCheckedOnWhicheverWorkerItFallsTo() throws IOException {
        for (String array : List.of("master", "exp_avg")) {
            for (int block = 0; block < CHUNKS; block++) {
                create(PipelineSettings.DEFAULT.withChunkBytes(6L * PAGE).withBufferCount(2));
                try (Workers workers = new Workers("ds-test", 3)) {
                    StateStore.Spread spread =
                            (parts, part) -> workers.run(parts, (_, index) -> part.accept(index));
                    step(spread);
                    flip(array, (long) block * PAGE + 4095);
                    StorageException failure =
                            assertThrows(StorageException.class, () -> step(spread));
                    assertContains(failure, "of " + file(array), "is not what was written");
                }
                store.close();
                directory.close();
            }
        }
    }

    @Test
    void aFlippedBitOnTheMediumIsNoticedAndNamed() throws IOException {
        create(ONE_PAGE_CHUNKS);
        step();
        flip("exp_avg", 3L * PAGE + 17);
        StorageException failure = assertStops();
        assertContains(
                failure,
                "Block 3 of extent 0 of " + file("exp_avg"),
                "offset 12,288",
                "expected",
                "read");
        assertUnusable();
    }

    @Test
    void aFlippedBitOnTheWayIsNoticed() {
        create(ONE_PAGE_CHUNKS);
        files.flippedBit(FaultyFiles.Call.READ, 5, 12_345);
        assertContains(assertStops(), "is not what was written");
        assertUnusable();
    }

    @Test
    void aTornWriteThatWasReportedWholeIsNoticedAtTheNextRead() {
        create(ONE_PAGE_CHUNKS);
        files.tornWrite(3, 512);
        step();
        assertContains(assertStops(), "is not what was written", "generation 1");
        assertUnusable();
    }

    @Test
    void aLostWriteIsNoticedThoughTheOldBytesAreWhole() throws IOException {
        create(ONE_PAGE_CHUNKS);
        step();
        byte[] old = Files.readAllBytes(file("master"));
        step();
        Files.write(file("master"), old);
        assertContains(assertStops(), "is not what was written", "generation 2");
    }

    @Test
    void swappedBlocksAreNoticed() throws IOException {
        create(ONE_PAGE_CHUNKS);
        step();
        byte[] bytes = Files.readAllBytes(file("master"));
        byte[] swapped = bytes.clone();
        System.arraycopy(bytes, 0, swapped, PAGE, PAGE);
        System.arraycopy(bytes, PAGE, swapped, 0, PAGE);
        Files.write(file("master"), swapped);
        assertContains(assertStops(), "Block 0 of extent 0");
    }

    @Test
    void aTruncatedFileIsNoticed() throws IOException {
        create(ONE_PAGE_CHUNKS);
        try (RandomAccessFile medium = new RandomAccessFile(file("master").toFile(), "rw")) {
            medium.setLength(PAGE + 1);
        }
        assertContains(
                assertStops(),
                "Reading 4,096 bytes at offset 4,096 of " + file("master"),
                "truncated");
        assertUnusable();
    }

    @Test
    void anErrorOfTheDeviceStopsTheStep() {
        create(ONE_PAGE_CHUNKS);
        files.failing(FaultyFiles.Call.WRITE, 4);
        assertContains(assertStops(), "Writing 4,096 bytes", "Input/output error");
        assertUnusable();
    }

    @Test
    void aStuckReadIsAnErrorThatNamesFileOffsetAndAge() {
        create(ONE_PAGE_CHUNKS.withStuckAfter(Duration.ofMillis(100)));
        files.stuck(FaultyFiles.Call.READ, 7);
        assertContains(assertStops(), "Reading", ".bin", "offset", "100 ms", "stuck");
        assertUnusable();
    }

    @Test
    void aStuckWriteIsAnErrorToo() {
        create(ONE_PAGE_CHUNKS.withStuckAfter(Duration.ofMillis(100)));
        files.stuck(FaultyFiles.Call.WRITE, 12);
        assertContains(assertStops(), "Writing", "stuck");
        assertUnusable();
    }

    @Test
    void tooLittleSpaceIsSaidBeforeAnythingIsWritten() throws IOException {
        Path other = Files.createDirectories(nvmePath.resolve("ds-other/rank-0000-of-0001"));
        Files.write(other.resolve("data"), new byte[1234]);
        files.usable(40_000);
        StorageException failure =
                assertThrows(StorageException.class, () -> create(ONE_PAGE_CHUNKS));
        assertEquals(
                "The offload store needs 49,152 bytes and "
                        + nvmePath
                        + " has 40,000 available; use fewer parameters, another nvme_path, or remove other stores there: "
                        + other
                        + " (1,234 bytes).",
                failure.getMessage());
        assertEquals(1, files.calls(FaultyFiles.Call.WRITE), "the owner's file alone");
        Files.delete(other.resolve("data"));
        Files.delete(other);
        Files.delete(other.getParent());
    }

    @Test
    void aDiskThatFillsUpDuringPreallocationIsAnErrorAndLeavesNothing() throws IOException {
        files.spaceFor(30_000);
        StorageException failure =
                assertThrows(StorageException.class, () -> create(ONE_PAGE_CHUNKS));
        assertContains(failure, "Preallocating 24,576 bytes", "No space left on device");
        try (var left = Files.list(directory.path())) {
            assertFalse(left.anyMatch(path -> path.toString().endsWith(".bin")));
        }
    }

    @Test
    void laterChunksAreReadWhileAnEarlierOneIsStepped() {
        create(ONE_PAGE_CHUNKS);
        long before = files.calls(FaultyFiles.Call.READ);
        AtomicBoolean first = new AtomicBoolean(true);
        store.step(
                (start, length) -> List.of(),
                (start, resident, stored) -> {
                    if (first.getAndSet(false)) {
                        // Two arrays, three slots: six reads, though no chunk was returned yet.
                        assertTrue(reaches(FaultyFiles.Call.READ, before + 6));
                    }
                });
    }

    @Test
    void stepsGoOnWhileWritesAreUnderWay() throws InterruptedException {
        create(ONE_PAGE_CHUNKS);
        files.stuck(FaultyFiles.Call.WRITE, 1);
        CountDownLatch thirdChunk = new CountDownLatch(1);
        Thread releasing =
                Thread.ofPlatform()
                        .start(
                                () -> {
                                    try {
                                        assertTrue(thirdChunk.await(30, TimeUnit.SECONDS));
                                    } catch (InterruptedException e) {
                                        Thread.currentThread().interrupt();
                                    }
                                    files.release();
                                });
        store.step(
                (start, length) -> List.of(),
                (start, resident, stored) -> {
                    if (start == 2 * 1024L) {
                        thirdChunk.countDown(); // the first chunk's write hangs until this
                    }
                });
        releasing.join();
        step();
        assertStepped(1);
    }

    /** A chunk handed over before it was read, or read before its slot was free, shows here. */
    @Test
    void slotsAreReusedOnlyWhenTheyAreFree() {
        create(ONE_PAGE_CHUNKS);
        for (int i = 0; i < 300; i++) {
            step();
        }
        assertStepped(300);
    }

    private boolean reaches(FaultyFiles.Call call, long count) {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
        while (files.calls(call) < count) {
            if (System.nanoTime() > deadline) {
                return false;
            }
            Thread.onSpinWait();
        }
        return true;
    }

    @Test
    void waitingForTheDiskIsMeasured() {
        create(ONE_PAGE_CHUNKS);
        files.delayed(Duration.ofMillis(2));
        long before = store.stallNanos();
        step();
        assertTrue(store.stallNanos() - before >= 2_000_000L);
        assertEquals(2 * ELEMENTS * 4, store.storedBytes());
    }

    @Test
    void aStepThatThrewInTheMiddleLeavesTheStoreUnusable() {
        create(ONE_PAGE_CHUNKS);
        assertThrows(
                ArithmeticException.class,
                () ->
                        store.step(
                                (first, length) -> List.of(),
                                (first, resident, stored) -> {
                                    if (first > 1024) {
                                        throw new ArithmeticException("mine");
                                    }
                                }));
        assertUnusable();
    }
}
