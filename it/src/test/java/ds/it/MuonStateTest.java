package ds.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ds.config.DsConfig;
import ds.engine.DeepSpeed;
import ds.engine.Engine;
import ds.engine.checkpoint.Checkpoint;
import ds.engine.data.TextDataset;
import ds.model.Parameter;
import ds.model.builtin.Gpt;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Of a matrix Muon keeps one array, of everything else two, wherever they rest. */
class MuonStateTest {
    private static final int STEPS = 2;

    @TempDir private Path directory;

    @BeforeEach
    void writeText() throws IOException {
        Files.writeString(directory.resolve("text.txt"), "the quick brown fox jumps; ".repeat(200));
    }

    private Engine engine(int stage, String place, int ranks) {
        DsConfig config =
                DsConfig.parse(
                        """
                        {"train_batch_size": 4, "train_micro_batch_size_per_gpu": 2,
                         "optimizer": {"type": "Muon", "params": {"lr": 3e-3, "weight_decay": 0.1}},
                         "jvm": {"chunk_bytes": 32768},
                         "zero_optimization": {"stage": %d,
                             "offload_optimizer": {"device": "%s", "nvme_path": "%s"}}}
                        """
                                .formatted(stage, place, directory));
        return DeepSpeed.initialize(
                model(),
                config,
                o ->
                        o.trainingData(TextDataset.bytes(directory.resolve("text.txt"), 16))
                                .ranks(ranks)
                                .workers(1));
    }

    private static Gpt model() {
        return Gpt.of(g -> g.layers(1).width(48).heads(3).context(16));
    }

    private static boolean isMatrix(Parameter parameter) {
        return parameter.shape().size() == 2
                && Collections.disjoint(parameter.tags(), Set.of("embedding", "head"));
    }

    @Test
    void aCheckpointHasWhatEachParameterHasAndIsGoneOnFromAnywhere() {
        Path saved;
        String expected;
        try (Engine engine = engine(2, "nvme", 2)) {
            engine.steps(STEPS).forEach(_ -> {});
            saved = engine.saveCheckpoint(directory.resolve("run"));
            engine.steps(STEPS).forEach(_ -> {});
            expected = engine.parameterHash();
        }
        Set<Boolean> seen = new HashSet<>();
        try (Checkpoint checkpoint = Checkpoint.open(saved)) {
            for (Parameter parameter : model().layout().storages()) {
                seen.add(isMatrix(parameter));
                assertTrue(checkpoint.has("exp_avg", parameter.name()), parameter.name());
                assertEquals(
                        !isMatrix(parameter),
                        checkpoint.has("exp_avg_sq", parameter.name()),
                        parameter.name());
            }
        }
        assertEquals(Set.of(true, false), seen);
        for (int stage = 0; stage <= 3; stage++) {
            for (String place : new String[] {"none", "nvme"}) {
                try (Engine engine = engine(stage, place, stage == 1 ? 2 : 1)) {
                    engine.resume(saved);
                    engine.steps(STEPS).forEach(_ -> {});
                    assertEquals(expected, engine.parameterHash(), stage + " " + place);
                }
            }
        }
    }

    @Test
    void whatAMatrixDoesNotHaveIsRefused() {
        String matrix =
                model().layout().storages().stream()
                        .filter(MuonStateTest::isMatrix)
                        .findFirst()
                        .orElseThrow()
                        .name();
        try (Engine engine = engine(1, "none", 2)) {
            engine.steps(1).forEach(_ -> {});
            assertTrue(engine.tensor(matrix, "exp_avg")[0] != 0);
            assertEquals(
                    "Parameter '%s' has no tensor 'exp_avg_sq'; it has [master, exp_avg]."
                            .formatted(matrix),
                    assertThrows(
                                    IllegalArgumentException.class,
                                    () -> engine.tensor(matrix, "exp_avg_sq"))
                            .getMessage());
        }
    }
}
