package ds.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.File;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.LongBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The lines of the guide link an image with Chronicle in it, and it trains to the same bits. */
class ChronicleImageTest {
    private static final Path PLUGIN = Reactor.ROOT.resolve("plugins/ds.offload.chronicle/target");
    private static final Path JDK = Path.of(System.getProperty("java.home"), "bin");
    private static final int STEPS = 6;

    @TempDir private Path directory;

    @Test
    void anImageWithChronicleTrainsToTheBitsOfChannel() throws Exception {
        assumeTrue(Files.exists(JDK.resolve("jlink")), "this JDK has no jlink");
        assumeTrue(
                Files.isDirectory(PLUGIN.resolve("modules"))
                        && Files.isDirectory(Reactor.ROOT.resolve("ds.cli/target/modules")),
                "the plug-in is not packaged; ./mvnw verify does it");
        assumeTrue(System.getProperty("os.name").equals("Linux"), "Chronicle maps on Linux only");
        Path image = directory.resolve("image");
        Programs.Outcome linked =
                Programs.run(
                        Reactor.ROOT,
                        Map.of("PATH", JDK + File.pathSeparator + System.getenv("PATH")),
                        List.of("sh", "-euc", link().replace("chronicle-image", image.toString())));
        assertEquals(0, linked.status(), linked.err() + linked.out());
        assertTrue(modules(image).containsAll(Set.of("chronicle.bytes", "ds.offload.chronicle")));

        Programs.Outcome chronicle = train(image, "chronicle");
        assertTrue(
                chronicle.err().contains("Files on NVMe are opened by chronicle (by name)."),
                chronicle.err());
        assertFalse(chronicle.err().contains("WARNING: A "), chronicle.err());
        assertJournal(Files.readAllBytes(directory.resolve("journal")));
        train(image, "channel");
        assertEquals(steps("channel"), steps("chronicle"));
        assertEquals(STEPS, steps("chronicle").size());
        for (int rank = 0; rank < 2; rank++) {
            assertEquals(
                    -1,
                    Files.mismatch(state("channel", rank), state("chronicle", rank)),
                    "rank " + rank);
        }
    }

    /** Returns the guide's command that links, as it stands there. */
    private static String link() throws IOException {
        Matcher command =
                Pattern.compile("```sh\n[^`]*?(jlink [^`]*ds\\.offload\\.chronicle[^`]*?)\nchron")
                        .matcher(Files.readString(Reactor.ROOT.resolve("docs/build-an-image.md")));
        assertTrue(command.find(), "the guide has its lines");
        return command.group(1);
    }

    private Set<String> modules(Path image) throws Exception {
        return Programs.run(
                        directory,
                        List.of(image.resolve("bin", "java").toString(), "--list-modules"))
                .out()
                .lines()
                .map(line -> line.replaceFirst("[@ ].*", ""))
                .collect(Collectors.toSet());
    }

    private Programs.Outcome train(Path image, String backend) throws Exception {
        Path config = directory.resolve("ds_config.json");
        Files.writeString(
                config,
                """
                {
                  "train_batch_size": 8,
                  "optimizer": {"type": "AdamW", "params": {"lr": 3e-3}},
                  "bf16": {"enabled": true},
                  "zero_optimization": {
                    "stage": 3,
                    "offload_optimizer": {"device": "nvme", "nvme_path": "%s"}
                  },
                  "jvm": {"storage_backend": "%s"%s}
                }
                """
                        .formatted(
                                directory.resolve("nvme"),
                                backend,
                                backend.equals("chronicle")
                                        ? ", \"journal\": {\"type\": \"chronicle\", \"path\": \"%s\"}"
                                                .formatted(directory.resolve("journal"))
                                        : ""));
        Programs.Outcome outcome =
                Programs.train(
                        image,
                        directory,
                        Map.of(),
                        config,
                        STEPS,
                        "--save",
                        directory.resolve(backend).toString(),
                        "--metrics",
                        directory.resolve(backend + ".jsonl").toString());
        assertEquals(0, outcome.status(), outcome.err());
        return outcome;
    }

    /** A record has 64 bytes behind a header of as many, and begins with its number and its step. */
    private static void assertJournal(byte[] bytes) {
        LongBuffer words = ByteBuffer.wrap(bytes).order(ByteOrder.nativeOrder()).asLongBuffer();
        for (int record = 1; record <= STEPS; record++) {
            assertEquals(record, words.get(8 * record));
            assertEquals(record, words.get(8 * record + 1));
        }
        assertEquals(0, words.get(8 * (STEPS + 1)));
    }

    /** Returns each step up to its norm. */
    private List<String> steps(String backend) throws IOException {
        return Files.readAllLines(directory.resolve(backend + ".jsonl")).stream()
                .map(line -> line.substring(0, line.indexOf(",\"loss_scale\"")))
                .toList();
    }

    private Path state(String backend, int rank) {
        return directory.resolve(
                backend,
                "step-%08d".formatted(STEPS),
                "rank-%04d-of-0002.safetensors".formatted(rank));
    }
}
