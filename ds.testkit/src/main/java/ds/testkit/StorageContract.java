package ds.testkit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ds.core.Pending;
import ds.offload.FileOperations;
import ds.offload.StorageBackend;
import ds.offload.StorageException;
import ds.offload.spi.StorageProvider;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
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

    /** Frees the memory of the test. */
    @AfterEach
    protected final void freeMemory() {
        arena.close();
    }

    private Path file() throws IOException {
        return Files.write(directory.resolve("data.bin"), new byte[PAGES * PAGE]);
    }

    private StorageBackend open(Path file, int depth, FileOperations files) {
        return provider().open(file, depth, PATIENCE, files);
    }

    private MemorySegment pages(int count, long seed) {
        MemorySegment memory = arena.allocate((long) count * PAGE, PAGE);
        byte[] bytes = new byte[count * PAGE];
        new Random(seed).nextBytes(bytes);
        MemorySegment.copy(
                bytes, 0, memory, java.lang.foreign.ValueLayout.JAVA_BYTE, 0, bytes.length);
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
                FaultyFiles.around(FileOperations.system()).shortReads(1000).shortWrites(777);
        try (StorageBackend backend = open(file(), 4, files)) {
            assertEquals(written.byteSize(), backend.write(0, written).await());
            assertEquals(read.byteSize(), backend.read(0, read).await());
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
            try (RandomAccessFile shorter = new RandomAccessFile(file.toFile(), "rw")) {
                shorter.setLength(PAGE + 100);
            }
            assertNames(file, () -> backend.read(PAGE, pages(1, 8)).await());
        }
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
