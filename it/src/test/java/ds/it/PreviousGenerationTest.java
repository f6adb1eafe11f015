package ds.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import ds.engine.Engine;
import ds.engine.EngineOptions;
import ds.offload.StorageException;
import ds.offload.StorageProviders;
import ds.offload.StoreGeneration;
import ds.offload.Stores;
import ds.offload.spi.StorageProvider;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * A run whose store was corrupted under it goes on from the generation before, bit for bit, whatever
 * backend moves the bytes.
 */
class PreviousGenerationTest {
    private static final int BEFORE = 4;
    private static final int AFTER = 3;

    @TempDir private Path directory;

    /** Every backend that can run here; another says why it cannot. */
    static List<String> backends() {
        return StorageProviders.table(ModuleLayer.boot()).names();
    }

    private Engine engine(String backend, int generations, Consumer<EngineOptions> more) {
        return AwkwardEngine.of(
                new AwkwardModel(),
                """
                , "zero_optimization": {"stage": 3,
                   "offload_optimizer": {"device": "nvme", "nvme_path": "%s"}},
                  "jvm": {"generations": %d, "storage_backend": "%s"}"""
                        .formatted(directory.resolve("nvme"), generations, backend),
                o -> {
                    o.ranks(2);
                    more.accept(o);
                });
    }

    private void requireRunsHere(String backend) {
        StorageProvider provider =
                StorageProviders.table(ModuleLayer.boot()).all().stream()
                        .filter(each -> each.name().equals(backend))
                        .findFirst()
                        .orElseThrow();
        Optional<String> why = provider.unavailable().or(() -> provider.unavailable(directory));
        assumeTrue(why.isEmpty(), () -> backend + " cannot run here: " + why);
    }

    private List<String> uninterrupted() {
        List<String> bits = new ArrayList<>();
        try (Engine engine =
                AwkwardEngine.of(
                        new AwkwardModel(),
                        ", \"zero_optimization\": {\"stage\": 3}",
                        o -> o.ranks(2))) {
            for (int step = 0; step < BEFORE + AFTER; step++) {
                bits.add(KilledRun.bits(engine.trainStep()));
            }
        }
        return bits;
    }

    private Path momentum() throws IOException {
        try (Stream<Path> files = Files.walk(directory.resolve("nvme"))) {
            return files.filter(file -> file.endsWith("exp_avg.bin")).sorted().toList().getLast();
        }
    }

    /** Trains, flips a bit of what the last step wrote, and lets the next step meet it. */
    private void trainUntilItIsCorrupt(String backend, int generations, List<String> bits)
            throws IOException {
        try (Engine engine = engine(backend, generations, _ -> {})) {
            for (int step = 1; step < BEFORE; step++) {
                assertEquals(bits.get(step - 1), KilledRun.bits(engine.trainStep()));
            }
            byte[] before = Files.readAllBytes(momentum());
            assertEquals(bits.get(BEFORE - 1), KilledRun.bits(engine.trainStep()));
            byte[] after = Files.readAllBytes(momentum());
            int at = Arrays.mismatch(before, after);
            assertTrue(at >= 0, "the last step wrote nothing");
            try (FileChannel file = FileChannel.open(momentum(), StandardOpenOption.WRITE)) {
                file.write(ByteBuffer.wrap(new byte[] {(byte) (after[at] ^ 4)}), at);
            }
            var failure = assertThrows(StorageException.class, engine::trainStep);
            assertTrue(
                    failure.getMessage().contains("is not what was written"), failure::getMessage);
        }
    }

    @ParameterizedTest
    @MethodSource("backends")
    void withThreeGenerationsItGoesOnFromTheCommitBefore(String backend) throws IOException {
        requireRunsHere(backend);
        List<String> bits = uninterrupted();
        trainUntilItIsCorrupt(backend, 3, bits);
        Path nvme = directory.resolve("nvme");
        assertThrows(
                StorageException.class,
                () -> {
                    try (Engine engine = engine(backend, 3, o -> o.resumeStore(nvme))) {
                        engine.trainStep(); // meets the same block again
                    }
                });
        try (Engine engine =
                engine(backend, 3, o -> o.resumeStore(nvme, StoreGeneration.PREVIOUS))) {
            assertEquals(BEFORE - 1, engine.step());
            for (int step = BEFORE; step <= BEFORE + AFTER; step++) {
                assertEquals(bits.get(step - 1), KilledRun.bits(engine.trainStep()));
            }
        }
        assertEquals(List.of(), Stores.list(nvme));
    }

    @ParameterizedTest
    @MethodSource("backends")
    void whereNoEarlierCommitIsWholeThatIsSaidAndTheStoreStays(String backend) throws IOException {
        requireRunsHere(backend);
        trainUntilItIsCorrupt(backend, 2, uninterrupted());
        Path nvme = directory.resolve("nvme");
        try (FileChannel file = FileChannel.open(momentum(), StandardOpenOption.WRITE)) {
            // the other slot too, wherever the step that failed had come to
            file.write(ByteBuffer.allocate((int) file.size()), 0);
        }
        var failure =
                assertThrows(
                        StorageException.class,
                        () ->
                                engine(
                                        backend,
                                        2,
                                        o -> o.resumeStore(nvme, StoreGeneration.PREVIOUS)));
        assertTrue(failure.getMessage().startsWith("No commit before "), failure::getMessage);
        assertTrue(Stores.list(nvme).getFirst().isResumable());
    }
}
