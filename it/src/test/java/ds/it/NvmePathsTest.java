package ds.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ds.config.ConfigException;
import ds.engine.Engine;
import ds.engine.EngineOptions;
import ds.offload.StorageException;
import ds.offload.Stores;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A run whose files lie in several paths has the bits of one in memory, and goes on from them. */
class NvmePathsTest {
    private static final int STEPS = 3;

    @TempDir private Path directory;

    private List<Path> paths(String... names) {
        return Stream.of(names).map(directory::resolve).toList();
    }

    private static String list(List<Path> paths) {
        return paths.stream()
                .map(path -> "\"" + path + "\"")
                .collect(Collectors.joining(", ", "[", "]"));
    }

    private static Engine engine(String offload, String jvm, Consumer<EngineOptions> more) {
        return AwkwardEngine.of(
                new AwkwardModel(),
                ", \"zero_optimization\": {%s}, \"jvm\": {\"chunk_bytes\": 16384%s}"
                        .formatted(offload, jvm),
                o -> {
                    o.ranks(2);
                    more.accept(o);
                });
    }

    private static Engine states(List<Path> paths, Consumer<EngineOptions> more) {
        return engine(
                "\"stage\": 3, \"offload_optimizer\": {\"device\": \"nvme\"}",
                ", \"nvme_paths\": " + list(paths),
                more);
    }

    private static List<String> steps(Engine engine, int count) {
        List<String> bits = new ArrayList<>();
        for (int step = 0; step < count; step++) {
            bits.add(KilledRun.bits(engine.trainStep()));
        }
        return bits;
    }

    private static List<String> inMemory(int stage, int count) {
        try (Engine engine = engine("\"stage\": " + stage, "", _ -> {})) {
            return steps(engine, count);
        }
    }

    private static Map<String, Long> bytes(Path path) throws IOException {
        Map<String, Long> bytes = new TreeMap<>();
        try (Stream<Path> files = Files.walk(path)) {
            for (Path file : files.filter(Files::isRegularFile).toList()) {
                bytes.merge(file.getFileName().toString(), Files.size(file), Long::sum);
            }
        }
        return bytes;
    }

    /** The optimizer's state, parameters and gradients, each with every backend of the runtime. */
    @ParameterizedTest
    @CsvSource({
        "1, auto, false",
        "3, auto, true",
        "2, channel, false",
        "3, mapped, false",
        "3, libaio, true"
    })
    void bitsAreThoseOfARunInMemory(int stage, String backend, boolean fast) throws IOException {
        List<Path> paths = paths("a", "b", "c");
        String weights =
                stage == 3 ? ", \"offload_param\": {\"device\": \"nvme\", \"max_in_cpu\": 0}" : "";
        String more =
                ", \"nvme_paths\": %s, \"storage_backend\": \"%s\"%s"
                        .formatted(
                                list(paths),
                                backend,
                                stage > 1 ? ", \"offload_gradients\": \"nvme\"" : "");
        try (Engine engine =
                engine(
                        "\"stage\": %d, \"offload_optimizer\": {\"device\": \"nvme\", \"fast_init\": %s}%s"
                                .formatted(stage, fast, weights),
                        more,
                        _ -> {})) {
            assertEquals(inMemory(stage, STEPS), steps(engine, STEPS));
            engine.parameterHash(); // waits for the commit that is under way
            // How much lies in which path is measured: a slow one may get nothing of so small a
            // state.
            long masters = 0;
            for (Path path : paths) {
                Map<String, Long> files = bytes(path);
                assertTrue(files.containsKey("master.bin"), files::toString);
                masters += files.get("master.bin");
                assertEquals(stage == 3, files.containsKey("parameters.bin"));
                assertEquals(stage > 1, files.containsKey("gradients.bin"));
                assertTrue(files.keySet().stream().noneMatch(name -> name.startsWith("bandwidth")));
            }
            assertTrue(masters > 0, "no masters in any path");
        }
        for (Path path : paths) {
            assertEquals(Map.of(), bytes(path), "an end in order leaves nothing");
        }
    }

    @Test
    void anEndInOrderMissesNoPart() {
        List<String> said = Collections.synchronizedList(new ArrayList<>());
        Handler handler =
                new Handler() {
                    @Override
                    public void publish(LogRecord line) {
                        if (line.getLevel().intValue() >= Level.WARNING.intValue()) {
                            said.add(line.getMessage());
                        }
                    }

                    @Override
                    public void flush() {}

                    @Override
                    public void close() {}
                };
        Logger logger = Logger.getLogger("ds.offload");
        logger.addHandler(handler);
        try (Engine engine = states(paths("a", "b"), _ -> {})) {
            steps(engine, 1);
        } finally {
            logger.removeHandler(handler); // the engine is closed by now
        }
        assertEquals(List.of(), said);
    }

    private Path leave(List<Path> paths) {
        try (Engine engine = states(paths, _ -> {})) {
            steps(engine, STEPS);
            return engine.keepStore().orElseThrow();
        }
    }

    @Test
    void itGoesOnByTheWeightsItWasMadeWith() {
        List<Path> paths = paths("a", "b", "c");
        Path store = leave(paths);
        assertEquals(paths.getFirst(), store.getParent());
        Map<Path, Integer> weights = Stores.list(store).getFirst().ranks().getFirst().paths();
        assertEquals(3, weights.size());
        List<String> bits = inMemory(3, 2 * STEPS);
        try (Engine engine = states(paths, o -> o.resumeStore(store))) {
            assertEquals(weights, Stores.list(store).getFirst().ranks().getFirst().paths());
            assertEquals(bits.subList(STEPS, 2 * STEPS), steps(engine, STEPS));
        }
        for (Path path : paths) {
            assertEquals(List.of(), Stores.list(path));
        }
    }

    @Test
    void oneThatIsOpenGoesOnFromAStoreInSeveralPaths() {
        List<Path> paths = paths("a", "b");
        Path store = leave(paths);
        List<String> bits = inMemory(3, STEPS + 1);
        try (Engine engine = states(paths, _ -> {})) {
            steps(engine, 1);
            engine.resume(store);
            assertEquals(List.of(bits.getLast()), steps(engine, 1));
        }
    }

    @Test
    void aPathThatIsMissingExchangedOrLeftOutIsNamed() throws IOException {
        List<Path> paths = paths("a", "b", "c");
        Path store = leave(paths);
        assertRefused("is part 2 of the offload store", paths("a", "c", "b"), store);
        assertRefused("lies in 3 paths and this run names 2", paths("a", "b"), store);
        assertRefused("is part 0 of the offload store", paths("b", "a", "c"), store);
        Files.move(paths.get(1), directory.resolve("away"));
        assertRefused(paths.get(1).toString(), paths, store);
        assertTrue(
                Stores.verify(store.resolve("rank-0000-of-0002"))
                        .problems()
                        .getFirst()
                        .contains("mount its drive"));
        try (Engine engine = states(paths("a", "away", "c"), o -> o.resumeStore(store))) {
            assertEquals(inMemory(3, STEPS + 1).getLast(), steps(engine, 1).getFirst());
        }
    }

    private static void assertRefused(String why, List<Path> paths, Path store) {
        StorageException failure =
                assertThrows(
                        StorageException.class,
                        () -> states(paths, o -> o.resumeStore(store)).close());
        assertTrue(failure.getMessage().contains(why), failure::getMessage);
    }

    @Test
    void aFlippedBitInTheSecondPathStopsTheRunAndNamesTheFile() throws IOException {
        List<Path> paths = paths("a", "b");
        Path store = leave(paths);
        Path second;
        try (Stream<Path> files = Files.walk(paths.get(1))) {
            second = files.filter(file -> file.endsWith("exp_avg.bin")).sorted().findFirst().get();
        }
        byte[] bytes = Files.readAllBytes(second);
        for (int at = 0; at < bytes.length; at += 512) {
            bytes[at] ^= 1; // both slots, wherever the last step wrote
        }
        try (FileChannel file = FileChannel.open(second, StandardOpenOption.WRITE)) {
            file.write(ByteBuffer.wrap(bytes), 0);
        }
        Path rank = store.resolve(second.getParent().getFileName());
        assertFalse(Stores.verify(rank).problems().isEmpty());
        StorageException failure =
                assertThrows(
                        StorageException.class,
                        () -> {
                            try (Engine engine = states(paths, o -> o.resumeStore(store))) {
                                steps(engine, 1);
                            }
                        });
        assertTrue(failure.getMessage().contains("is not what was written"), failure::getMessage);
        assertTrue(failure.getMessage().contains(second.toString()), failure::getMessage);
    }

    @Test
    void pathsThatCannotBeUsedTogetherAreRefused() throws IOException {
        Path file = Files.writeString(directory.resolve("file"), "");
        Path link =
                Files.createSymbolicLink(
                        directory.resolve("link"), Files.createDirectory(directory.resolve("a")));
        assertUnusable(
                "/jvm/nvme_paths/1",
                "which are one directory",
                List.of(directory.resolve("a"), link));
        assertUnusable(
                "/jvm/nvme_paths/1", "cannot be used", List.of(directory.resolve("a"), file));
        assertUnusable("/jvm/nvme_paths", "empty", List.of());
        ConfigException both =
                assertThrows(
                        ConfigException.class,
                        () ->
                                engine(
                                                "\"stage\": 1, \"offload_optimizer\": {\"device\": \"nvme\", \"nvme_path\": \"%s\"}"
                                                        .formatted(directory),
                                                ", \"nvme_paths\": " + list(paths("a")),
                                                _ -> {})
                                        .close());
        assertTrue(
                both.getMessage().contains("/zero_optimization/offload_optimizer/nvme_path"),
                both::getMessage);
    }

    private static void assertUnusable(String pointer, String why, List<Path> paths) {
        ConfigException failure =
                assertThrows(ConfigException.class, () -> states(paths, _ -> {}).close());
        assertTrue(failure.getMessage().contains(pointer), failure::getMessage);
        assertTrue(failure.getMessage().contains(why), failure::getMessage);
    }

    @Test
    void onePathInTheListIsAnNvmePath() {
        try (Engine engine = states(paths("a"), _ -> {})) {
            assertEquals(inMemory(3, STEPS), steps(engine, STEPS));
            assertFalse(
                    Files.exists(
                            Stores.list(directory.resolve("a"))
                                    .getFirst()
                                    .ranks()
                                    .getFirst()
                                    .directory()
                                    .resolve("parts")));
        }
    }
}
