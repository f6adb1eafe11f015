package ds.foreign.libc;

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
    void askingLeavesNothingBehind() throws IOException {
        var unused = DirectFile.refusal(directory);
        try (var entries = Files.list(directory)) {
            assertEquals(0, entries.count());
        }
        assertTrue(DirectFile.refusal(Path.of("/nowhere/at/all")).isEmpty());
    }
}
