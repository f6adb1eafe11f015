package ds.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ds.config.ConfigException;
import ds.core.ProviderException;
import ds.engine.Engine;
import ds.engine.EngineOptions;
import ds.engine.StepReport;
import ds.offload.StorageException;
import ds.offload.Stores;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Every boundary is noted in the journal that the configuration names, or the run says why not. */
class RunJournalTest {
    @TempDir private Path directory;

    private Path nvme() {
        return directory.resolve("nvme");
    }

    private Path file() {
        return directory.resolve("below/run.jsonl");
    }

    private Engine engine(String journal, String more, Consumer<EngineOptions> options) {
        return AwkwardEngine.of(
                new AwkwardModel(),
                """
                , "fp16": {"enabled": true, "initial_scale_power": 30, "hysteresis": 1},
                  "zero_optimization": {"stage": 3,
                    "offload_optimizer": {"device": "nvme", "nvme_path": "%s"}},
                  "jvm": {%s "storage_backend": "channel", "journal": {%s}}"""
                        .formatted(nvme(), more, journal),
                o -> {
                    o.ranks(2);
                    options.accept(o);
                });
    }

    private Engine engine(Consumer<EngineOptions> options) {
        return engine("\"path\": \"%s\"".formatted(file()), "", options);
    }

    private static String number(double value) {
        return Double.isFinite(value)
                ? Double.toString(value)
                : "\""
                        + Double.toString(value)
                                .replace("inity", "")
                                .toLowerCase(java.util.Locale.ROOT)
                        + "\"";
    }

    private static String line(StepReport report, long commit) {
        return "{\"step\":%d,\"commit\":%d,\"loss\":%s,\"grad_norm\":%s,\"lr\":%s,\"skipped\":%s,\"bytes\":%d}"
                .formatted(
                        report.step(),
                        commit,
                        number(report.loss()),
                        number(report.gradNorm()),
                        number(report.lr()),
                        report.skipped(),
                        report.transfers().readBytes() + report.transfers().writtenBytes());
    }

    @Test
    void everyBoundaryIsNotedAsItIsReported() throws IOException {
        List<String> expected = new ArrayList<>();
        int skipped = 0;
        try (Engine engine =
                engine(
                        "\"path\": \"%s\"".formatted(file()),
                        "\"commit_every_steps\": 2,",
                        _ -> {})) {
            assertTrue(engine.plan().toString().contains("jsonl to " + file()));
            for (int step = 1; step <= 30; step++) {
                StepReport report = engine.trainStep();
                skipped += report.skipped() ? 1 : 0;
                // Commit 1 is the beginning; an odd step makes none.
                expected.add(line(report, step % 2 == 0 ? 1 + step / 2 : 0));
                assertEquals(expected, Files.readAllLines(file()), "at once");
            }
        }
        assertTrue(skipped > 0 && skipped < 30, skipped + " skipped");
        assertTrue(expected.getLast().matches(".*\"bytes\":[1-9].*"), expected.getLast());
    }

    @Test
    void aRunThatGoesOnAppendsBehindTheLastWholeLine() throws IOException {
        try (Engine engine = engine(_ -> {})) {
            for (int step = 0; step < 3; step++) {
                engine.trainStep();
            }
            engine.keepStore();
        }
        Files.writeString(file(), "{\"step\":4,\"com", StandardOpenOption.APPEND);
        try (Engine engine = engine(o -> o.resumeStore(nvme()))) {
            engine.trainStep();
            engine.trainStep();
        }
        List<String> lines = Files.readAllLines(file());
        assertEquals(5, lines.size(), lines.toString());
        for (int i = 0; i < lines.size(); i++) {
            String line = lines.get(i);
            assertTrue(line.matches("\\{\"step\":%d,[^{]*}".formatted(i + 1)), line);
        }
    }

    @Test
    void aJournalIsOneRunsOwn() throws IOException {
        try (Engine engine = engine(_ -> {})) {
            engine.trainStep();
            var failure = assertThrows(StorageException.class, () -> engine(_ -> {}));
            assertEquals(
                    "The run journal %s is open in another run; end that run, or name another path."
                            .formatted(file()),
                    failure.getMessage());
            engine.trainStep();
        }
        assertEquals(2, Files.readAllLines(file()).size());
    }

    @Test
    void anotherFileIsLeftAsItIs() throws IOException {
        Files.createDirectories(file().getParent());
        Files.writeString(file(), "a letter");
        var failure = assertThrows(StorageException.class, () -> engine(_ -> {}));
        assertEquals(
                "%s is not a run journal; name another path.".formatted(file()),
                failure.getMessage());
        assertEquals("a letter", Files.readString(file()));
    }

    @Test
    void whatCannotBeNotedIsRefusedBeforeTheRun() {
        var nobody =
                assertThrows(
                        ConfigException.class,
                        () -> engine("\"type\": \"jsonel\", \"path\": \"j\"", "", _ -> {}));
        assertTrue(
                nobody.getMessage()
                        .contains(
                                "No run journal provider is named 'jsonel'; this runtime has [broken, jsonl]. Add its module to the module path. Did you mean 'jsonl'?"),
                nobody.getMessage());
        var nowhere =
                assertThrows(
                        ConfigException.class, () -> engine("\"type\": \"jsonl\"", "", _ -> {}));
        assertTrue(
                nowhere.getMessage().contains("'journal' names no file. Add \"path\": FILE."),
                nowhere.getMessage());
    }

    @ParameterizedTest
    @CsvSource({"open, open", "append, append step 1 to", "close, close"})
    void aProviderThatThrowsIsNamed(String call, String what) {
        Path path = directory.resolve(call);
        String journal = "\"type\": \"broken\", \"path\": \"%s\"".formatted(path);
        var failure =
                assertThrows(
                        ProviderException.class,
                        () -> {
                            try (Engine engine = engine(journal, "", _ -> {})) {
                                engine.trainStep();
                            }
                        });
        assertEquals(
                "The run journal provider 'broken' failed to %s %s: java.lang.IndexOutOfBoundsException: not mine. Repair its module, or remove jvm.journal."
                        .formatted(what, path),
                failure.getMessage());
        assertEquals(
                call.equals("append"),
                Stores.isPresent(nvme()) && Stores.resumable(nvme()).isResumable(),
                "a run that was cut off leaves its store");
    }
}
