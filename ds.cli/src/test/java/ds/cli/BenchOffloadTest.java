package ds.cli;

import static ds.cli.Ran.ds;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What {@code ds bench offload} takes, says and leaves; no timing. */
class BenchOffloadTest {
    private static final int ELEMENTS = 10 * 1024;

    @TempDir Path drive = Path.of("");

    private Ran offload(Object... more) {
        Object[] words = {"bench", "offload", drive, "--warm-up", 0};
        return ds(Stream.concat(Stream.of(words), Stream.of(more)).toArray());
    }

    private Ran small(Object... more) {
        Object[] words = {"--elements", ELEMENTS - 1, "--rounds", 3};
        return offload(Stream.concat(Stream.of(words), Stream.of(more)).toArray());
    }

    @AfterEach
    void nothingIsLeft() throws IOException {
        try (Stream<Path> files = Files.list(drive)) {
            assertEquals(0, files.count());
        }
    }

    @Test
    void aStepMovesAllStatesOnceEachWay() {
        Ran ran =
                small(
                        "--backend",
                        "channel,mapped",
                        "--chunk",
                        3 * 8192,
                        "--workers",
                        2,
                        "--format",
                        "json");
        assertEquals(0, ran.status(), ran.messages());
        String results = ran.results();
        assertEquals(2, count(results, "\"read_bytes\": " + 12 * ELEMENTS + ","), results);
        assertEquals(2, count(results, "\"written_bytes\": " + 12 * ELEMENTS + ","), results);
        assertEquals(2, count(results, "\"chunks\": 5,"), results);
        assertEquals(2, count(results, "\"buffers\": 4,"), results);
        assertEquals(2, count(results, "\"elements\": " + ELEMENTS + ","), results);
        for (OffloadTimes.Work work : OffloadTimes.Work.values()) {
            assertEquals(2, count(results, "\"" + work.key() + "\": "), results);
        }
        for (String key :
                new String[] {
                    "read_gigabytes_per_second",
                    "write_gigabytes_per_second",
                    "transfers_gigabytes_per_second",
                    "checksum_share",
                    "overlap",
                    "stall_share",
                    "ratio",
                    "ratio_asked",
                    "ratio_least",
                    "ratio_most",
                    "ratio_to_together",
                    "durable_ratio"
                }) {
            assertEquals(2, count(results, "\"" + key + "\": "), key + " in " + results);
        }
    }

    private static int count(String text, String part) {
        return text.split(Pattern.quote(part), -1).length - 1;
    }

    @Test
    void theBackendOfARunIsMeasuredUnlessOneIsNamed() {
        Ran ran = small("--buffers", 1, "--wait", "yield", "--block", 4096, "--depth", 2);
        assertEquals(0, ran.status(), ran.messages());
        assertEquals(7, ran.results().lines().count(), ran.results());
        assertTrue(ran.results().contains("10,240 parameters in 1 chunks, 1 buffers"));
        assertTrue(ran.results().contains("step to the longer of the two"), ran.results());
    }

    @Test
    void mistakesAreNamed() {
        mistake(small("--backend", "aio"), "No storage provider is named 'aio'");
        mistake(small("--block", 1000), "block_size must be a multiple of 4,096");
        mistake(small("--depth", 0), "queue_depth must be 1 to");
        mistake(small("--threads", 0), "intra_op_parallelism must be 1 to");
        mistake(small("--chunk", 8192), "raise chunk_bytes to 12,288");
        mistake(small("--buffers", 0), "--buffers");
        mistake(offload("--rounds", 0), "all must be at least 1");
        mistake(small("--workers", 0), "all must be at least 1");
        mistake(offload("--elements", (1 << 30) + 1), "at most 1,073,741,824");
        mistake(ds("bench", "offload", drive.resolve("no")), "is no directory");
        mistake(ds("bench", "offload"), "DIR");
        mistake(ds("bench", "ofload", drive), "Did you mean 'offload'?");
    }

    private static void mistake(Ran ran, String expected) {
        assertEquals(2, ran.status(), ran.results());
        assertTrue(ran.messages().contains(expected), ran.messages());
    }
}
