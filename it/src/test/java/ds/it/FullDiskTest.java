package ds.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import ds.config.DsConfig;
import ds.engine.DeepSpeed;
import ds.engine.Engine;
import ds.offload.FileOperations;
import ds.offload.StorageException;
import ds.testkit.FaultyFiles;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Whether the stores of all ranks fit is known before the first byte of one is written. */
class FullDiskTest {
    private static final int RANKS = 3;

    @TempDir private Path directory;

    private static Engine engine(Path parameters, Path states, FileOperations files) {
        DsConfig config =
                DsConfig.parse(
                        """
                        {"train_micro_batch_size_per_gpu": 2, "bf16": {"enabled": true},
                         "optimizer": {"type": "AdamW", "params": {"lr": 1e-3}},
                         "zero_optimization": {"stage": 3,
                           "offload_param": {"device": "nvme", "nvme_path": "%s", "max_in_cpu": 0},
                           "offload_optimizer": {"device": "nvme", "nvme_path": "%s"}}}
                        """
                                .formatted(parameters, states));
        return DeepSpeed.initialize(
                new AwkwardModel(), config, o -> o.ranks(RANKS).workers(1).files(files));
    }

    private static StorageException refused(Path parameters, Path states, FaultyFiles files) {
        var failure = assertThrows(StorageException.class, () -> engine(parameters, states, files));
        assertEquals(0, files.calls(FaultyFiles.Call.WRITE));
        for (Path nvme : List.of(parameters, states)) {
            try (Stream<Path> entries = Files.list(nvme)) { // the planner makes it
                assertEquals(List.of(), entries.toList());
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
        return failure;
    }

    private static FaultyFiles usable(long bytes) {
        return FaultyFiles.around(FileOperations.system()).usable(bytes);
    }

    private static long needed(StorageException failure) {
        Matcher needs =
                Pattern.compile("all local ranks need ([\\d,]+) bytes")
                        .matcher(failure.getMessage());
        assertTrue(needs.find(), failure::getMessage);
        return Long.parseLong(needs.group(1).replace(",", ""));
    }

    private static boolean isStored(Path file) {
        return file.toString().endsWith(".bin") || file.toString().endsWith(".log");
    }

    private static long bytesBelow(Path nvme) throws IOException {
        long bytes = 0;
        try (Stream<Path> all = Files.walk(nvme)) {
            for (Path file : all.filter(FullDiskTest::isStored).toList()) {
                bytes += Files.size(file);
            }
        }
        return bytes;
    }

    @Test
    void theRanksThatShareADeviceAreAddedUp() throws IOException {
        Path parameters = directory.resolve("parameters");
        Path states = directory.resolve("deep/states");
        long needed = needed(refused(parameters, states, usable(0)));
        // One byte less than all need together is far more than any one of them needs.
        assertEquals(
                "The offload stores of all local ranks need %,d bytes and the device of %s and %s has %,d available; use fewer parameters, another nvme_path, or remove other stores there: there are none."
                        .formatted(needed, states, parameters, needed - 1),
                refused(parameters, states, usable(needed - 1)).getMessage());
        try (Engine engine = engine(parameters, states, usable(needed))) {
            assertEquals(0, engine.step());
            assertEquals(needed, bytesBelow(parameters) + bytesBelow(states));
        }
    }

    @Test
    void otherStoresOnTheDeviceAreListed() throws IOException {
        Path nvme = directory.resolve("nvme");
        Path other = Files.createDirectories(nvme.resolve("ds-other/rank-0000-of-0001"));
        Files.write(other.resolve("states.bin"), new byte[1234]);
        FaultyFiles files = usable(4096);
        var failure = assertThrows(StorageException.class, () -> engine(nvme, nvme, files));
        assertTrue(
                failure.getMessage().endsWith("stores there: %s (1,234 bytes).".formatted(other)),
                failure::getMessage);
        assertEquals(0, files.calls(FaultyFiles.Call.WRITE));
    }

    @Test
    void devicesAreCountedApart() throws IOException {
        Path memory = Path.of("/dev/shm");
        assumeTrue(
                Files.isWritable(memory)
                        && !Files.getFileStore(memory).equals(Files.getFileStore(directory)),
                "needs a second file system at /dev/shm");
        Path parameters = directory.resolve("parameters");
        Path states = directory.resolve("states");
        long both = needed(refused(parameters, states, usable(0)));
        Path elsewhere = Files.createTempDirectory(memory, "ds-test");
        try (Engine engine = engine(parameters, elsewhere, usable(both - 1))) {
            assertEquals(0, engine.step());
            assertEquals(both, bytesBelow(parameters) + bytesBelow(elsewhere));
        } finally {
            Files.delete(elsewhere);
        }
    }
}
