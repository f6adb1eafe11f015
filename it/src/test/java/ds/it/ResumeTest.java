package ds.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ds.config.DsConfig;
import ds.engine.DeepSpeed;
import ds.engine.Engine;
import ds.engine.StepReport;
import ds.engine.checkpoint.CheckpointException;
import ds.model.Batch;
import ds.model.TrainableModel;
import ds.model.builtin.Gpt;
import ds.offload.FileOperations;
import ds.testkit.FaultyFiles;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A run that was cut is the run that was not: by calls, by checkpoints, at any world size. */
class ResumeTest {
    private static final int TRAIN = 8;
    private static final int MICRO = 2;

    @TempDir private Path directory;

    /** Dropout makes the bits depend on the number of each sample. */
    private static Gpt model(int width) {
        return Gpt.of(g -> g.layers(2).width(width).heads(2).context(Rhyme.CONTEXT).dropout(0.1));
    }

    private Engine engine(int world, int stage, boolean nvme) {
        return engine(model(24), world, stage, nvme, FileOperations.system());
    }

    private Engine engine(
            TrainableModel model, int world, int stage, boolean nvme, FileOperations files) {
        String place =
                "{\"device\": \"nvme\", \"nvme_path\": \"%s\"}"
                        .formatted(directory.resolve("nvme"));
        DsConfig config =
                DsConfig.parse(
                        """
                        {"train_batch_size": %d, "train_micro_batch_size_per_gpu": %d,
                         "gradient_clipping": 0.5, "bf16": {"enabled": true},
                         "optimizer": {"type": "AdamW", "params": {"lr": 0.01}},
                         "scheduler": {"type": "WarmupDecayLR", "params":
                             {"total_num_steps": 20, "warmup_num_steps": 3, "warmup_max_lr": 0.01}},
                         "zero_optimization": {"stage": %d%s}}
                        """
                                .formatted(
                                        TRAIN,
                                        MICRO,
                                        stage,
                                        nvme
                                                ? ", \"offload_optimizer\": %s, \"offload_param\": %s"
                                                        .formatted(
                                                                place,
                                                                place.replace(
                                                                        "}",
                                                                        ", \"max_in_cpu\": 0}"))
                                                : ""));
        return DeepSpeed.initialize(
                model,
                config,
                o -> o.trainingData(Rhyme.TEXT).ranks(world).workers(1).seed(11).files(files));
    }

    private static List<String> train(Engine engine, int steps) {
        List<String> bits = new ArrayList<>();
        for (StepReport report : engine.steps(steps)) {
            bits.add(bits(report));
        }
        return bits;
    }

    private static String bits(StepReport report) {
        return "%d %s %s %s"
                .formatted(
                        report.step(),
                        Double.toHexString(report.loss()),
                        Double.toHexString(report.gradNorm()),
                        Double.toHexString(report.lr()));
    }

    @ParameterizedTest
    @CsvSource({"1, 0", "2, 2", "4, 3"})
    void threeCallsAreOneStep(int world, int stage) {
        try (Engine whole = engine(world, stage, false);
                Engine calls = engine(world, stage, false);
                Arena arena = Arena.ofShared()) {
            Batch batch = Rhyme.TEXT.allocate(arena, TRAIN);
            for (int step = 0; step < 3; step++) {
                for (int row = 0; row < TRAIN; row++) {
                    Rhyme.TEXT.fill(step * TRAIN + row, batch, row);
                }
                String expected = bits(whole.trainStep(batch));
                assertEquals(List.of(expected), threeCalls(calls, batch, world));
            }
            assertEquals(whole.parameterHash(), calls.parameterHash());
        }
    }

    /** Returns what the last {@code step()} of rank 0 reported. */
    private static List<String> threeCalls(Engine engine, Batch whole, int world) {
        List<String> reports = new ArrayList<>();
        engine.onEachRank(
                rank -> {
                    for (int k = 0; k < TRAIN / MICRO / world; k++) {
                        int g = k * world + rank.rank();
                        double loss = rank.forward(whole.slice(g * MICRO, MICRO));
                        rank.backward(loss);
                        var report = rank.step();
                        if (rank.rank() == 0) {
                            report.ifPresent(r -> reports.add(bits(r)));
                        }
                    }
                });
        return reports;
    }

    @Test
    void aCheckpointOfAnyWorldGoesOnAtAnyOther() throws IOException {
        Path run = directory.resolve("run");
        List<String> rest;
        String hash;
        try (Engine whole = engine(2, 3, true)) {
            train(whole, 4);
            whole.saveCheckpoint(run);
            rest = train(whole, 4);
            hash = whole.parameterHash();
        }
        int[][] others = {{2, 3}, {1, 0}, {4, 3}, {4, 1}};
        for (int[] other : others) {
            try (Engine engine = engine(other[0], other[1], false)) {
                assertTrue(engine.resumeIfPresent(run));
                assertEquals(4, engine.step());
                assertEquals(
                        rest, train(engine, 4), "world %d stage %d".formatted(other[0], other[1]));
                assertEquals(hash, engine.parameterHash());
            }
        }
        try (Stream<Path> left = Files.list(directory.resolve("nvme"))) {
            assertEquals(List.of(), left.toList());
        }
    }

    @Test
    void anotherModelIsRefusedByName() {
        Path run = directory.resolve("run");
        try (Engine engine = engine(2, 3, false)) {
            engine.saveCheckpoint(run);
        }
        try (Engine wider = engine(model(32), 2, 3, false, FileOperations.system())) {
            String before = wider.parameterHash();
            var failure = assertThrows(CheckpointException.class, () -> wider.resume(run));
            assertTrue(
                    failure.getMessage()
                            .endsWith(
                                    "is of another model: it has tok [256, 24] where this model has tok [256, 32]; resume with the model it was written by (given as an object)."),
                    failure::getMessage);
            assertEquals(before, wider.parameterHash(), "nothing was taken");
        }
    }

    @Test
    void withoutOneGoodCheckpointThereIsOneClearError() throws IOException {
        Path run = directory.resolve("run");
        try (Engine engine = engine(2, 3, false)) {
            assertFalse(engine.resumeIfPresent(run), "nothing there yet");
            damage(engine.saveCheckpoint(run));
        }
        try (Engine engine = engine(2, 3, false)) {
            var failure = assertThrows(CheckpointException.class, () -> engine.resume(run));
            assertTrue(
                    failure.getMessage().startsWith("No checkpoint in " + run + " verifies. "),
                    failure::getMessage);
            assertTrue(failure.getMessage().contains("is corrupt in block"), failure::getMessage);
        }
    }

    private static void damage(Path checkpoint) throws IOException {
        try (Stream<Path> files = Files.list(checkpoint)) {
            for (Path file : files.toList()) {
                if (file.toString().endsWith(".safetensors")) {
                    byte[] bytes = Files.readAllBytes(file);
                    bytes[bytes.length - 5] ^= 4;
                    Files.write(file, bytes);
                }
            }
        }
    }

    @Test
    void aFullDiskCostsOneSaveAndNoCheckpoint() {
        Path run = directory.resolve("run");
        FaultyFiles files = FaultyFiles.around(FileOperations.system());
        List<String> rest;
        try (Engine engine = engine(model(24), 2, 3, false, files)) {
            train(engine, 2);
            engine.saveCheckpoint(run);
            rest = train(engine, 1);
            files.spaceFor(10_000);
            var failure = assertThrows(CheckpointException.class, () -> engine.saveCheckpoint(run));
            assertTrue(
                    failure.getMessage().contains("No space left on device"), failure::getMessage);
            assertEquals(4, engine.trainStep().step(), "training goes on");
        }
        try (Engine engine = engine(1, 2, false)) {
            engine.resume(run);
            assertEquals(2, engine.step());
            assertEquals(rest, train(engine, 1));
        }
    }
}
