package ds.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ds.engine.Engine;
import ds.engine.checkpoint.Checkpoint;
import ds.engine.checkpoint.CheckpointException;
import ds.offload.FileOperations;
import ds.testkit.FaultyFiles;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What an engine does with its checkpoints, when they are good and when they are not. */
class EngineCheckpointTest {
    @TempDir private Path directory;

    @Test
    void resumingFromAnOlderCheckpointSaysSoAndClosesItsFiles() throws IOException {
        Path run = directory.resolve("run");
        try (Engine engine = AwkwardEngine.of(new AwkwardModel(), "", _ -> {})) {
            engine.trainStep();
            engine.saveCheckpoint(run);
            engine.trainStep();
            Path newest = engine.saveCheckpoint(run);
            flipAByte(newest);
        }
        List<String> logged = new ArrayList<>();
        Handler handler =
                new Handler() {
                    @Override
                    public void publish(LogRecord log) {
                        logged.add(log.getMessage());
                    }

                    @Override
                    public void flush() {}

                    @Override
                    public void close() {}
                };
        Logger logger = Logger.getLogger(Engine.class.getName());
        logger.addHandler(handler);
        try (Engine engine = AwkwardEngine.of(new AwkwardModel(), "", _ -> {})) {
            engine.resume(run);
            assertEquals(1, engine.step());
            assertTrue(
                    logged.stream().anyMatch(line -> line.contains("is corrupt in block 0")),
                    logged::toString);
            assertTrue(
                    logged.contains("Opened step-00000001, the newest that verifies."),
                    logged::toString);
            assertEquals(List.of(), openFilesBelow(run));
        } finally {
            logger.removeHandler(handler);
        }
    }

    @Test
    void anOpenCheckpointIsNotOpenedAgain() throws IOException {
        Path saved;
        String expected;
        try (Engine engine = AwkwardEngine.of(new AwkwardModel(), "", o -> o.ranks(2))) {
            engine.trainStep();
            saved = engine.saveCheckpoint(directory.resolve("run"));
            expected = engine.parameterHash();
        }
        try (Checkpoint checkpoint = Checkpoint.open(saved);
                Engine engine = AwkwardEngine.of(new AwkwardModel(), "", _ -> {})) {
            Files.delete(saved.resolve("MANIFEST.json")); // no other opening can succeed
            assertThrows(CheckpointException.class, () -> Checkpoint.open(saved));
            engine.resume(checkpoint);
            assertEquals(1, engine.step());
            assertEquals(expected, engine.parameterHash());
            engine.resume(checkpoint); // it is still open
        }
    }

    @Test
    void aSaveThatFailsStopsNoTraining() {
        Path run = directory.resolve("run");
        var files = FaultyFiles.around(FileOperations.system()).failing(FaultyFiles.Call.FORCE, 1);
        try (Engine engine =
                AwkwardEngine.of(new AwkwardModel(), "", o -> o.ranks(2).files(files))) {
            engine.trainStep();
            var failure = assertThrows(CheckpointException.class, () -> engine.saveCheckpoint(run));
            assertTrue(
                    failure.getMessage().contains("The checkpoints before it are untouched"),
                    failure::getMessage);
            engine.trainStep();
            engine.saveCheckpoint(run);
        }
        try (Engine engine = AwkwardEngine.of(new AwkwardModel(), "", _ -> {})) {
            engine.resume(run);
            assertEquals(2, engine.step());
        }
    }

    @Test
    void onlyADynamicScaleIsTakenFromACheckpoint() {
        Path run = directory.resolve("run");
        String fp16 = ", \"fp16\": {\"enabled\": true, \"loss_scale\": %s}";
        try (Engine engine = AwkwardEngine.of(new AwkwardModel(), fp16.formatted(64), _ -> {})) {
            assertEquals(64, engine.trainStep().lossScale());
            engine.saveCheckpoint(run);
        }
        try (Engine engine = AwkwardEngine.of(new AwkwardModel(), fp16.formatted(16), _ -> {})) {
            engine.resume(run);
            assertEquals(16, engine.trainStep().lossScale(), "the configuration's own");
        }
        try (Engine engine =
                AwkwardEngine.of(
                        new AwkwardModel(),
                        ", \"fp16\": {\"enabled\": true, \"initial_scale_power\": 9}",
                        _ -> {})) {
            engine.resume(run);
            assertEquals(512, engine.trainStep().lossScale(), "a dynamic scale's first");
            engine.saveCheckpoint(run);
        }
        try (Engine engine =
                AwkwardEngine.of(new AwkwardModel(), ", \"fp16\": {\"enabled\": true}", _ -> {})) {
            engine.resume(run);
            assertEquals(512, engine.trainStep().lossScale(), "a dynamic scale's last");
        }
    }

    private static void flipAByte(Path checkpoint) throws IOException {
        try (Stream<Path> files = Files.list(checkpoint)) {
            Path file =
                    files.filter(each -> each.toString().endsWith(".safetensors"))
                            .findFirst()
                            .orElseThrow();
            byte[] bytes = Files.readAllBytes(file);
            bytes[bytes.length / 2] ^= 1;
            Files.write(file, bytes);
        }
    }

    /** What this process has open below {@code root}; nothing where the system does not tell. */
    private static List<Path> openFilesBelow(Path root) throws IOException {
        Path descriptors = Path.of("/proc/self/fd");
        List<Path> open = new ArrayList<>();
        if (Files.isDirectory(descriptors)) {
            try (Stream<Path> all = Files.list(descriptors)) {
                for (Path each : all.toList()) {
                    if (Files.isSymbolicLink(each)) {
                        open.add(Files.readSymbolicLink(each));
                    }
                }
            }
        }
        open.removeIf(file -> !file.startsWith(root));
        return open;
    }
}
