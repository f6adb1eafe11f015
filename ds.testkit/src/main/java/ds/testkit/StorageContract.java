package ds.testkit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ds.core.Pending;
import ds.offload.AioSettings;
import ds.offload.FileOperations;
import ds.offload.StorageBackend;
import ds.offload.StorageException;
import ds.offload.StorageSettings;
import ds.offload.spi.StorageProvider;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * What every {@link StorageProvider} promises. Extend it in the provider's module and return the
 * provider; every test runs on a small file in a temporary directory.
 */
public abstract class StorageContract {
    private static final int PAGE = 4096;
    private static final int PAGES = 64;
    private static final Duration PATIENCE = Duration.ofSeconds(30);

    private final Arena arena = Arena.ofShared();

    /** The temporary directory of the test. */
    @TempDir protected Path directory = Path.of("");

    /** For subclasses. */
    protected StorageContract() {}

    /** Returns the provider under test. */
    protected abstract StorageProvider provider();

    /**
     * Returns the bytes of which every transfer of this backend is a multiple: 1, or the sector of
     * direct transfers.
     */
    protected int unitBytes() {
        return 1;
    }

    /** Frees the memory of the test. */
    @AfterEach
    protected final void freeMemory() {
        arena.close();
    }

    /**
     * Makes a file of zeros, as whoever preallocates files does. A provider of files that lie in
     * several places overrides this, {@link #content} and {@link #cut}.
     */
    protected void make(Path file, int sizeBytes) throws IOException {
        Files.write(file, new byte[sizeBytes]);
    }

    /** Returns what a file holds, without the provider. */
    protected byte[] content(Path file) throws IOException {
        return Files.readAllBytes(file);
    }

    /** Cuts a file behind the provider's back. */
    protected void cut(Path file, long sizeBytes) throws IOException {
        try (RandomAccessFile shorter = new RandomAccessFile(file.toFile(), "rw")) {
            shorter.setLength(sizeBytes);
        }
    }

    private Path file() throws IOException {
        Path file = directory.resolve("data.bin");
        make(file, PAGES * PAGE);
        return file;
    }

    private StorageBackend open(Path file, int depth, FileOperations files) {
        return provider().open(file, depth, PATIENCE, files);
    }

    private MemorySegment pages(int count, long seed) {
        MemorySegment memory = arena.allocate((long) count * PAGE, PAGE);
        byte[] bytes = new byte[count * PAGE];
        new Random(seed).nextBytes(bytes);
        MemorySegment.copy(bytes, 0, memory, ValueLayout.JAVA_BYTE, 0, bytes.length);
        return memory;
    }

    private static void assertSame(MemorySegment expected, MemorySegment actual) {
        assertEquals(-1, expected.mismatch(actual), "first byte that differs");
    }

    @Test
    void whatIsWrittenIsRead() throws IOException {
        MemorySegment written = pages(PAGES, 1);
        MemorySegment read = pages(PAGES, 2);
        try (StorageBackend backend = open(file(), 4, FileOperations.system())) {
            assertEquals(written.byteSize(), backend.write(0, written).await());
            assertEquals(read.byteSize(), backend.read(0, read).await());
        }
        assertSame(written, read);
    }

    @Test
    void manyRequestsInFlightKeepToTheirOffsets() throws IOException {
        MemorySegment written = pages(PAGES, 3);
        MemorySegment read = pages(PAGES, 4);
        try (StorageBackend backend = open(file(), PAGES, FileOperations.system())) {
            awaitAll(eachPage(page -> backend.write(page * PAGE, slice(written, page))));
            awaitAll(eachPage(page -> backend.read(page * PAGE, slice(read, page))));
            backend.sync();
        }
        assertSame(written, read);
    }

    private interface PageTransfer {
        Pending start(long page);
    }

    private static List<Pending> eachPage(PageTransfer transfer) {
        List<Pending> pending = new ArrayList<>();
        for (int i = 0; i < PAGES; i++) {
            pending.add(transfer.start((i * 37L) % PAGES)); // every page, far from in order
        }
        return pending;
    }

    private static MemorySegment slice(MemorySegment memory, long page) {
        return memory.asSlice(page * PAGE, PAGE);
    }

    private static void awaitAll(List<Pending> pending) {
        pending.forEach(each -> assertEquals(PAGE, each.await()));
    }

    @Test
    void shortTransfersAreContinued() throws IOException {
        MemorySegment written = pages(PAGES, 5);
        MemorySegment read = pages(PAGES, 6);
        FaultyFiles files =
                FaultyFiles.around(FileOperations.system())
                        .shortReads(unitBytes() == 1 ? 1000 : 3 * unitBytes())
                        .shortWrites(unitBytes() == 1 ? 777 : unitBytes());
        try (StorageBackend backend = open(file(), 4, files)) {
            assertEquals(written.byteSize(), backend.write(0, written).await());
            assertEquals(read.byteSize(), backend.read(0, read).await());
            assertTrue(files.calls(FaultyFiles.Call.WRITE) > 16, "the faults reach the backend");
        }
        assertSame(written, read);
    }

    @Test
    void everySettingMovesTheSameBytes() throws IOException {
        for (AioSettings aio :
                List.of(
                        new AioSettings(4096, 1, 1, false, true),
                        new AioSettings(4096, 7, 1, true, true),
                        new AioSettings(8192, 3, 2, false, false),
                        new AioSettings(12_288, 64, 3, true, false),
                        new AioSettings(1 << 20, 8, 5, false, true))) {
            movesTheSameBytes(aio);
        }
    }

    private void movesTheSameBytes(AioSettings aio) throws IOException {
        StorageSettings settings = new StorageSettings(5, PATIENCE, aio);
        MemorySegment written = pages(PAGES, 12);
        MemorySegment read = pages(PAGES, 13);
        try (StorageBackend backend = provider().open(file(), settings, FileOperations.system())) {
            backend.register(List.of(written, read));
            long[] sizes = {1, 20, 3, 39, 1};
            transfer(sizes, (at, size) -> backend.write(at, written.asSlice(at, size)));
            backend.poll();
            transfer(sizes, (at, size) -> backend.read(at, read.asSlice(at, size)));
        }
        assertSame(written, read);
    }

    private interface Part {
        Pending start(long offsetBytes, long sizeBytes);
    }

    /** Has transfers of so many pages, one after the other, in flight at once. */
    private static void transfer(long[] pages, Part part) {
        List<Pending> pending = new ArrayList<>();
        long at = 0;
        for (long count : pages) {
            pending.add(part.start(at * PAGE, count * PAGE));
            at += count;
        }
        for (int i = pages.length - 1; i >= 0; i--) {
            assertEquals(pages[i] * PAGE, pending.get(i).await());
        }
    }

    @Test
    void aFlippedBitOfTheDeviceIsInTheBytes() throws IOException {
        FaultyFiles files =
                FaultyFiles.around(FileOperations.system())
                        .flippedBit(FaultyFiles.Call.WRITE, 1, 8 * 5000)
                        .flippedBit(FaultyFiles.Call.READ, 1, 8 * 9000 + 1);
        MemorySegment written = pages(4, 14);
        MemorySegment read = pages(4, 15);
        try (StorageBackend backend = open(file(), 4, files)) {
            backend.write(0, written).await();
            backend.read(0, read).await();
        }
        flip(written, 5000, 1);
        flip(written, 9000, 2);
        assertSame(written, read);
    }

    private static void flip(MemorySegment memory, long at, int mask) {
        memory.set(
                ValueLayout.JAVA_BYTE, at, (byte) (memory.get(ValueLayout.JAVA_BYTE, at) ^ mask));
    }

    @Test
    void aTornWriteIsReportedAsWhole() throws IOException {
        FaultyFiles files = FaultyFiles.around(FileOperations.system()).tornWrite(1, 2 * PAGE);
        MemorySegment written = pages(4, 16);
        MemorySegment read = pages(4, 17);
        try (StorageBackend backend = open(file(), 4, files)) {
            assertEquals(written.byteSize(), backend.write(0, written).await());
            backend.read(0, read).await();
        }
        written.asSlice(2 * PAGE).fill((byte) 0);
        assertSame(written, read);
    }

    @Test
    void aFullDiskIsAnErrorThatSaysSo() throws IOException {
        Path file = file();
        FaultyFiles files = FaultyFiles.around(FileOperations.system()).spaceFor(PAGE);
        try (StorageBackend backend = open(file, 4, files)) {
            StorageException failure =
                    assertThrows(
                            StorageException.class,
                            () -> backend.write(PAGE, pages(4, 18)).await());
            assertEquals(
                    "Writing 16,384 bytes at offset 4,096 of %s failed after 4,096 bytes: No space left on device."
                            .formatted(file),
                    failure.getMessage());
        }
    }

    @Test
    void aFailureIsOneTransfersOnly() throws IOException {
        Path file = file();
        for (int nth = 1; nth <= 8; nth++) {
            FaultyFiles files =
                    FaultyFiles.around(FileOperations.system())
                            .failing(FaultyFiles.Call.WRITE, nth);
            MemorySegment written = pages(8, nth);
            int failed = 0;
            try (StorageBackend backend = open(file, 8, files)) {
                List<Pending> pending = new ArrayList<>();
                for (int page = 0; page < 8; page++) {
                    pending.add(backend.write((long) page * PAGE, slice(written, page)));
                }
                for (int page = 0; page < 8; page++) {
                    try {
                        assertEquals(PAGE, pending.get(page).await());
                    } catch (StorageException e) {
                        failed++;
                        assertEquals(
                                "Writing 4,096 bytes at offset %,d of %s failed after 0 bytes: Input/output error."
                                        .formatted((nth - 1) * PAGE, file),
                                e.getMessage());
                    }
                }
            }
            assertEquals(1, failed, "failures with the fault at write " + nth);
        }
    }

    @Test
    void slowAnswersAreWaitedFor() throws IOException {
        FaultyFiles files =
                FaultyFiles.around(FileOperations.system()).delayed(Duration.ofMillis(20));
        MemorySegment written = pages(2, 19);
        MemorySegment read = pages(2, 20);
        try (StorageBackend backend = open(file(), 4, files)) {
            assertEquals(2 * PAGE, backend.write(0, written).await());
            assertEquals(2 * PAGE, backend.read(0, read).await());
        }
        assertSame(written, read);
    }

    @Test
    void anInputOutputErrorNamesFileAndOffset() throws IOException {
        Path file = file();
        FaultyFiles files =
                FaultyFiles.around(FileOperations.system())
                        .failing(FaultyFiles.Call.READ, 1)
                        .failing(FaultyFiles.Call.WRITE, 1);
        try (StorageBackend backend = open(file, 4, files)) {
            assertNames(file, () -> backend.read(PAGE, pages(1, 7)).await());
            assertNames(file, () -> backend.write(PAGE, pages(1, 7)).await());
        }
    }

    private static void assertNames(Path file, org.junit.jupiter.api.function.Executable failing) {
        StorageException failure = assertThrows(StorageException.class, failing);
        String message = String.valueOf(failure.getMessage());
        assertTrue(message.contains(file.toString()), message);
        assertTrue(message.contains("offset 4,096"), message);
    }

    @Test
    void aTruncatedFileIsAnError() throws IOException {
        Path file = file();
        try (StorageBackend backend = open(file, 4, FileOperations.system())) {
            cut(file, PAGE + 100);
            assertNames(file, () -> backend.read(PAGE, pages(1, 8)).await());
            cut(file, 0);
            assertNames(file, () -> backend.read(PAGE, pages(1, 8)).await());
        }
    }

    @Test
    void aFileThatIsNotThereOrALinkIsAnError() throws IOException {
        Path missing = directory.resolve("missing.bin");
        StorageException absent =
                assertThrows(
                        StorageException.class, () -> open(missing, 1, FileOperations.system()));
        assertTrue(String.valueOf(absent.getMessage()).contains(missing.toString()));
        Path link = Files.createSymbolicLink(directory.resolve("link.bin"), file());
        StorageException refused =
                assertThrows(StorageException.class, () -> open(link, 1, FileOperations.system()));
        assertTrue(String.valueOf(refused.getMessage()).contains(link.toString()));
    }

    @Test
    void whatAnotherOpeningWroteIsRead() throws IOException {
        Path file = file();
        MemorySegment written = pages(PAGES, 21);
        MemorySegment read = pages(PAGES, 22);
        try (StorageBackend backend = open(file, 2, FileOperations.system())) {
            backend.write(0, written).await();
            backend.sync();
        }
        try (StorageBackend backend = open(file, 2, FileOperations.system())) {
            backend.read(0, read).await();
        }
        assertSame(written, read);
        assertEquals(-1, MemorySegment.ofArray(content(file)).mismatch(written));
    }

    @Test
    void aWriteThatMakesNoProgressIsAnError() throws IOException {
        Path file = file();
        FaultyFiles files = FaultyFiles.around(FileOperations.system()).shortWrites(0);
        try (StorageBackend backend = open(file, 4, files)) {
            assertNames(file, () -> backend.write(PAGE, pages(1, 9)).await());
        }
    }

    @Test
    void aFailingSyncIsAnError() throws IOException {
        FaultyFiles files =
                FaultyFiles.around(FileOperations.system()).failing(FaultyFiles.Call.FORCE, 1);
        try (StorageBackend backend = open(file(), 4, files)) {
            assertThrows(StorageException.class, backend::sync);
        }
    }

    @Test
    void aStuckDeviceIsAnErrorThatNamesFileOffsetAndAge() throws IOException {
        Path file = file();
        FaultyFiles files =
                FaultyFiles.around(FileOperations.system()).stuck(FaultyFiles.Call.READ, 1);
        try (StorageBackend backend = provider().open(file, 4, Duration.ofMillis(50), files)) {
            StorageException failure =
                    assertThrows(
                            StorageException.class, () -> backend.read(PAGE, pages(1, 10)).await());
            String message = String.valueOf(failure.getMessage());
            assertTrue(message.contains(file.toString()), message);
            assertTrue(message.contains("offset 4,096"), message);
            assertTrue(message.contains("50 ms"), message);
        }
    }

    @Test
    void aTransferThatEndedWhileNobodyAskedIsNotStuck() throws Exception {
        Path file = file();
        try (StorageBackend backend =
                provider().open(file, 4, Duration.ofSeconds(1), FileOperations.system())) {
            Pending read = backend.read(PAGE, pages(1, 10));
            // A caller that computes for longer than a request may take, which ends long before.
            Thread.sleep(1_100);
            assertEquals(PAGE, read.await());
        }
    }

    @Test
    void moreRequestsThanTheDepthAreRefused() throws IOException {
        FaultyFiles files =
                FaultyFiles.around(FileOperations.system()).stuck(FaultyFiles.Call.READ, 1);
        try (StorageBackend backend = open(file(), 2, files)) {
            assertThrows(
                    IllegalStateException.class,
                    () -> {
                        for (int i = 0; i < 16; i++) {
                            backend.read(0, pages(1, 11));
                        }
                    });
            files.release();
        }
    }

    @Test
    void closingTwiceIsHarmless() throws IOException {
        StorageBackend backend = open(file(), 2, FileOperations.system());
        backend.close();
        backend.close();
    }
}
