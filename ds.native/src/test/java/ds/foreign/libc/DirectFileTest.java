package ds.foreign.libc;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import ds.foreign.Linux;
import ds.offload.StorageException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A file is opened past the page cache, or the error says why not and what to do. */
class DirectFileTest {
    @TempDir Path directory = Path.of("");

    @BeforeEach
    void runsHere() {
        Optional<String> why = Linux.unavailable();
        assumeTrue(why.isEmpty(), () -> "direct files cannot be opened here: " + why);
    }

    @Test
    void aFileSystemWithoutDirectTransfersIsNamed() {
        Path file = Path.of("/proc/self/comm"); // writable, and its file system has none
        assumeTrue(Files.isWritable(file), "no /proc/self/comm here");
        StorageException failure =
                assertThrows(StorageException.class, () -> DirectFile.open(file));
        assertEquals(
                "Cannot open /proc/self/comm past the page cache (O_DIRECT): %s. Its file system has no direct transfers; use another nvme_path, or the 'channel' backend."
                        .formatted(Errno.describe(Errno.EINVAL)),
                failure.getMessage());
    }

    @Test
    void reservedSpaceIsThereAndReadsAsZeros() throws IOException {
        Path file = Files.createFile(directory.resolve("reserved"));
        Optional<String> refusal = DirectFile.reserve(file, 40_960);
        assumeTrue(refusal.isEmpty(), () -> "no space can be reserved here: " + refusal);
        assertArrayEquals(new byte[40_960], Files.readAllBytes(file));
        long before = Files.getFileStore(directory).getUsableSpace();
        Path large = Files.createFile(directory.resolve("large"));
        assertEquals(Optional.empty(), DirectFile.reserve(large, 1L << 28));
        long taken = before - Files.getFileStore(directory).getUsableSpace();
        assertTrue(taken >= 1L << 27, () -> "of 256 MiB only %,d bytes".formatted(taken));
    }

    @Test
    void spaceThatIsNotThereCannotBeReserved() throws IOException {
        Path file = Files.createFile(directory.resolve("reserved"));
        StorageException failure =
                assertThrows(StorageException.class, () -> DirectFile.reserve(file, 1L << 43));
        assertTrue(
                failure.getMessage()
                        .startsWith("Reserving 8,796,093,022,208 bytes of " + file + " failed: "),
                failure.getMessage());
        StorageException missing =
                assertThrows(
                        StorageException.class,
                        () -> DirectFile.reserve(directory.resolve("none"), 4096));
        assertTrue(missing.getMessage().startsWith("Cannot open "), missing.getMessage());
    }

    @Test
    void askingLeavesNothingBehind() throws IOException {
        var unused = DirectFile.refusal(directory);
        try (var entries = Files.list(directory)) {
            assertEquals(0, entries.count());
        }
        assertTrue(DirectFile.refusal(Path.of("/nowhere/at/all")).isEmpty());
    }
}
