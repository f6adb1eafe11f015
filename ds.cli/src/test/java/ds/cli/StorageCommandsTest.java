package ds.cli;

import static ds.cli.Ran.ds;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What {@code ds bench io} and {@code ds tune nvme} take, say and leave; no timing. */
class StorageCommandsTest {
    @TempDir Path drive = Path.of("");

    private void assertNothingIsLeft() throws IOException {
        try (Stream<Path> files = Files.list(drive)) {
            assertEquals(0, files.count());
        }
    }

    private Ran io(Object... more) {
        Object[] words = {"bench", "io", "--path", drive, "--no-fio"};
        return ds(Stream.concat(Stream.of(words), Stream.of(more)).toArray());
    }

    private Ran smallIo(Object... more) {
        Object[] words = {"--size", 4, "--block", 65_536, "--depth", 4, "--rounds", 1};
        return io(Stream.concat(Stream.of(words), Stream.of(more)).toArray());
    }

    @Test
    void backendsAreMeasuredByName() throws IOException {
        Ran ran = smallIo("--backend", "channel,mapped");
        assertEquals(0, ran.status(), ran.messages());
        assertEquals(2, ran.results().lines().count(), ran.results());
        assertTrue(ran.results().contains("channel   read "), ran.results());
        assertTrue(ran.messages().contains("fio is not measured"), ran.messages());
        assertNothingIsLeft();
    }

    @Test
    void allThatCanRunAreMeasured() throws IOException {
        Ran ran = smallIo("--format", "json");
        assertEquals(0, ran.status(), ran.messages());
        assertTrue(ran.results().contains("\"backend\": \"channel\""), ran.results());
        assertTrue(ran.results().contains("\"write_gigabytes_per_second\": "), ran.results());
        assertNothingIsLeft();
    }

    @Test
    void mistakesAreNamedAndLeaveNothing() throws IOException {
        mistake(smallIo("--backend", "aio"), "No storage provider is named 'aio'");
        mistake(io("--block", 1000), "block_size must be a multiple of 4,096");
        mistake(io("--depth", 0), "queue_depth must be 1 to");
        mistake(io("--size", 2_000_000_000), "make --size smaller");
        mistake(io("--rounds", 0), "must be at least 1");
        mistake(ds("tune", "nvme", drive.resolve("no")), "cannot be written");
        mistake(ds("tune", "nvme", drive, "--size", 1), "32 MiB");
        mistake(ds("tune", "nvm", drive), "Did you mean 'nvme'?");
        assertNothingIsLeft();
    }

    private static void mistake(Ran ran, String expected) {
        assertEquals(2, ran.status(), ran.results());
        assertTrue(ran.messages().contains(expected), ran.messages());
    }

    @Test
    void aDriveIsTuned() throws IOException {
        Ran ran = ds("tune", "nvme", drive, "--size", 32, "--limit", 0.001);
        assertEquals(0, ran.status(), ran.messages());
        assertTrue(ran.results().contains("\"block_size\": "), ran.results());
        assertTrue(ran.results().contains("\"storage_backend\": "), ran.results());
        assertNothingIsLeft();
    }

    @Test
    void whatFioSaysIsRead() {
        String[] fields = new String[60];
        Arrays.fill(fields, "0");
        fields[0] = "3"; // the version of this form; see fio's manual, TERSE OUTPUT
        fields[5] = "4";
        fields[6] = "1024";
        fields[46] = "4";
        fields[47] = "2048";
        String line = String.join(";", fields);
        assertEquals(1024 * 1024.0, Fio.rate(line, 4096, false));
        assertEquals(2048 * 1024.0, Fio.rate("note: both\n" + line, 4096, true));
        assertThrows(UserMistakeException.class, () -> Fio.rate(line, 4097, true));
        assertThrows(UserMistakeException.class, () -> Fio.rate("fio: no such engine", 1, true));
    }
}
