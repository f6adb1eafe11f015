package ds.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ds.config.ConfigException;
import ds.config.DsConfig;
import ds.core.DType;
import ds.core.Diagnostic;
import ds.core.FlatBuffer;
import ds.engine.DeepSpeed;
import ds.engine.Engine;
import ds.engine.TrainingException;
import ds.engine.data.DataException;
import ds.engine.data.DataOptions;
import ds.engine.data.Datasets;
import ds.engine.data.TextDataset;
import ds.model.Activations;
import ds.model.BackwardContext;
import ds.model.Batch;
import ds.model.Field;
import ds.model.ForwardContext;
import ds.model.Init;
import ds.model.Lease;
import ds.model.ModelLayout;
import ds.model.Parameter;
import ds.model.TrainableModel;
import ds.model.Unit;
import ds.model.builtin.Mlp;
import ds.offload.FileOperations;
import ds.offload.StorageException;
import ds.testkit.FaultyFiles;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Mistakes and mishaps end with one clear message, and what was on disk stays whole. */
class BadInputTest {
    private static final int SAMPLES = 4;

    @TempDir private Path directory;

    private static Engine engine(TrainableModel model, String more, FileOperations files) {
        DsConfig config =
                DsConfig.parse(
                        """
                        {"train_batch_size": %d, "train_micro_batch_size_per_gpu": 2,
                         "optimizer": {"type": "AdamW", "params": {"lr": 1e-3}}%s}
                        """
                                .formatted(SAMPLES, more));
        return DeepSpeed.initialize(model, config, o -> o.ranks(2).workers(1).files(files));
    }

    private static Engine engine(TrainableModel model, String more) {
        return engine(model, more, FileOperations.system());
    }

    private static Batch batch(Arena arena, int inputs, int outputs) {
        return new Batch(0, SAMPLES, field(arena, inputs, 0.25f), field(arena, outputs, 0.5f));
    }

    private static Field field(Arena arena, int width, float value) {
        var data = arena.allocate(4L * SAMPLES * width, 64);
        for (long i = 0; i < (long) SAMPLES * width; i++) {
            data.setAtIndex(ValueLayout.JAVA_FLOAT, i, value * (1 + i % 3));
        }
        return new Field(Field.Type.FLOAT32, List.of(width), data);
    }

    private String nvme(Path path) {
        return ", \"zero_optimization\": {\"stage\": 2, \"offload_optimizer\": {\"device\": \"nvme\", \"nvme_path\": \"%s\"}}"
                .formatted(path);
    }

    @Test
    void inputThatIsNoNumberStopsTheRunAfterTwentySkippedSteps() {
        try (Arena arena = Arena.ofShared();
                Engine engine = engine(Mlp.of(3, 5, 2), "")) {
            Batch batch = batch(arena, 3, 2);
            engine.trainStep(batch);
            String before = engine.parameterHash();
            batch.input().data().setAtIndex(ValueLayout.JAVA_FLOAT, 4, Float.NaN);
            for (int i = 1; i < 20; i++) {
                assertTrue(engine.trainStep(batch).skipped());
            }
            assertEquals(before, engine.parameterHash());
            var failure = assertThrows(TrainingException.class, () -> engine.trainStep(batch));
            assertEquals(
                    "Step 21: the gradient of parameter 'W1' of unit 'layer1' is not finite, 20 steps in a row. Lower the learning rate, look at the data, or set gradient_clipping.",
                    failure.getMessage());
        }
    }

    /** One weight, whose author got the size of its gradient wrong. */
    private record Misshapen(ModelLayout layout) implements TrainableModel {
        Misshapen() {
            this(new ModelLayout(List.of(new Unit("only", List.of(weight())))));
        }

        private static Parameter weight() {
            return Parameter.of("weight", Init.ONE, 4, 6);
        }

        @Override
        public Activations forward(Batch batch, ForwardContext context) {
            try (Lease lease = context.acquire(layout.units().getFirst())) {
                return new Sum(lease.parameter(layout.storages().getFirst()).get(0));
            }
        }

        @Override
        public void backward(Activations activations, float seed, BackwardContext context) {
            Unit unit = layout.units().getFirst();
            try (Arena arena = Arena.ofConfined();
                    Lease _ = context.acquire(unit)) {
                context.gradient(unit.parameters().getFirst())
                        .accumulate(FlatBuffer.of(arena.allocate(4 * 23), DType.FP32));
            }
            context.complete(unit);
        }

        private record Sum(double loss) implements Activations {
            @Override
            public Map<String, FlatBuffer> outputs() {
                return Map.of();
            }

            @Override
            public void close() {}
        }
    }

    @Test
    void aGradientOfAnotherShapeIsRefusedByName() {
        try (Arena arena = Arena.ofShared();
                Engine engine =
                        engine(new Misshapen(), ", \"zero_optimization\": {\"stage\": 3}")) {
            var failure =
                    assertThrows(
                            IllegalArgumentException.class,
                            () -> engine.trainStep(batch(arena, 1, 1)));
            assertEquals(
                    "The gradient of 'weight' [4, 6] in unit 'only' needs 24 elements, was given 23; hand over one per element of the parameter, row-major.",
                    failure.getMessage());
        }
    }

    @Test
    void aRankThatThrowsEndsTheOthersAndLeavesCheckpointsWhole() {
        Path run = directory.resolve("run");
        Path nvme = directory.resolve("nvme");
        String hash;
        try (Arena arena = Arena.ofShared();
                Engine engine = engine(Mlp.of(3, 5, 2), nvme(nvme))) {
            engine.trainStep(batch(arena, 3, 2));
            hash = engine.parameterHash();
            engine.saveCheckpoint(run);
            var failure =
                    assertThrows(
                            IllegalStateException.class,
                            () ->
                                    engine.onEachRank(
                                            rank -> {
                                                if (rank.rank() == 1) {
                                                    throw new IllegalStateException("Rank 1 left.");
                                                }
                                                rank.backward(
                                                        rank.forward(
                                                                batch(arena, 3, 2).slice(0, 2)));
                                                rank.step();
                                            }));
            assertEquals("Rank 1 left.", failure.getMessage());
            var refused =
                    assertThrows(
                            IllegalStateException.class,
                            () -> engine.trainStep(batch(arena, 3, 2)));
            assertEquals(
                    "The engine stopped after a failure that may have left a step half done (Rank 1 left.); close it and resume from its store, %s."
                            .formatted(entries(nvme).getFirst()),
                    refused.getMessage());
        }
        assertEquals(1, entries(nvme).size(), "the store alone is left");
        try (Engine engine = engine(Mlp.of(3, 5, 2), nvme(nvme))) {
            engine.resume(nvme);
            assertEquals(1, engine.step());
            assertEquals(hash, engine.parameterHash());
        }
        assertEquals(List.of(), entries(nvme));
        try (Engine engine = engine(Mlp.of(3, 5, 2), "")) {
            engine.resume(run);
            assertEquals(hash, engine.parameterHash());
        }
    }

    private static List<Path> entries(Path path) {
        try (Stream<Path> entries = Files.list(path)) {
            return entries.toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Test
    void aBoundOnLiveParametersBelowAUnitIsRefusedBeforeAnythingIsAllocated() {
        var failure =
                assertThrows(
                        ConfigException.class,
                        () ->
                                engine(
                                        Mlp.of(3, 5, 2),
                                        ", \"zero_optimization\": {\"stage\": 3, \"stage3_max_live_parameters\": 2000}"));
        assertEquals(
                List.of(
                        "stage3_max_live_parameters is 2,000, but unit 'layer1' has 2,048 elements and is gathered whole."),
                failure.diagnostics().stream().map(Diagnostic::message).toList());
    }

    @Test
    void dataThatIsTooSmallSaysHowMuchItNeeds() throws IOException {
        Path text = Files.writeString(directory.resolve("short.txt"), "too short");
        assertEquals(
                "%s has 9 bytes, one window of context 128 needs 129; take more text or a smaller context."
                        .formatted(text),
                assertThrows(DataException.class, () -> TextDataset.bytes(text, 128)).getMessage());
        assertEquals(
                "%s has 9 bytes; split at 0.9 that leaves 8 and 1, and each part needs 5 for one window of context 4. Take more text, another split or a smaller context."
                        .formatted(text),
                assertThrows(DataException.class, () -> TextDataset.bytes(text, 4).split(0.9))
                        .getMessage());
        Path table = Files.writeString(directory.resolve("table.csv"), "a,b\n");
        assertThrows(
                DataException.class,
                () -> Datasets.open(table, DataOptions.DEFAULT.withTarget("b")));
    }

    @Test
    void anNvmePathBelowAFileIsAMistakeOfTheConfiguration() throws IOException {
        Path file = Files.writeString(directory.resolve("file"), "no directory");
        var failure =
                assertThrows(
                        ConfigException.class,
                        () -> engine(Mlp.of(3, 5, 2), nvme(file.resolve("store"))));
        assertTrue(
                failure.getMessage().contains("/zero_optimization/offload_optimizer/nvme_path"),
                failure::getMessage);
        assertTrue(
                failure.getMessage().contains("Name a directory that this user can write to."),
                failure::getMessage);
        assertEquals("no directory", Files.readString(file));
    }

    @ParameterizedTest
    @ValueSource(longs = {0, 20_000})
    void aDiskThatFillsUpWhileTheStoreIsMadeLeavesNothing(long bytes) {
        Path nvme = directory.resolve("nvme");
        var failure =
                assertThrows(
                        StorageException.class,
                        () ->
                                engine(
                                        Mlp.of(3, 5, 2),
                                        nvme(nvme),
                                        FaultyFiles.around(FileOperations.system())
                                                .spaceFor(bytes)));
        assertTrue(failure.getMessage().contains("No space left on device"), failure::getMessage);
        assertEquals(List.of(), entries(nvme));
    }

    @Test
    void aDiskThatFailsInMidTrainingStopsItWithTheFilesName() {
        Path nvme = directory.resolve("nvme");
        FaultyFiles files = FaultyFiles.around(FileOperations.system());
        try (Arena arena = Arena.ofShared();
                Engine engine = engine(Mlp.of(3, 5, 2), nvme(nvme), files)) {
            engine.trainStep(batch(arena, 3, 2));
            engine.parameterHash(); // waits for the commit
            files.failing(FaultyFiles.Call.WRITE, 1);
            var failure =
                    assertThrows(
                            StorageException.class,
                            () -> {
                                engine.trainStep(batch(arena, 3, 2));
                                engine.trainStep(batch(arena, 3, 2));
                            });
            assertTrue(failure.getMessage().contains(nvme.toString()), failure::getMessage);
        }
        assertEquals(1, entries(nvme).size(), "the store alone is left");
        try (Engine engine = engine(Mlp.of(3, 5, 2), nvme(nvme))) {
            engine.resume(nvme);
            assertEquals(1, engine.step(), "what was committed is there");
        }
    }
}
