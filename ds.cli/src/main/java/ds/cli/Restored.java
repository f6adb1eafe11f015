package ds.cli;

import ds.config.CheckOptions;
import ds.config.ConfigCheck;
import ds.config.DsConfig;
import ds.engine.DeepSpeed;
import ds.engine.Engine;
import ds.engine.checkpoint.Checkpoint;
import ds.engine.checkpoint.CheckpointHeader;
import ds.engine.data.Datasets;
import ds.engine.data.TextDataset;
import ds.model.spi.ModelProvider.DataShape;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** A checkpoint's model, ready to be used on one rank, whatever configuration trained it. */
final class Restored implements AutoCloseable {
    private static final int MICRO_BATCH = 8;

    private final Checkpoint checkpoint;
    private final Engine engine;

    private Restored(Checkpoint checkpoint, Engine engine) {
        this.checkpoint = checkpoint;
        this.engine = engine;
    }

    static Restored open(Path directory, Output out) {
        Checkpoint checkpoint = TrainCommand.openPresent(directory, "it");
        try {
            checkpoint.notes().forEach(note -> out.message("ds: " + note));
            CheckpointHeader header = checkpoint.header();
            if (header.model().isEmpty()) {
                throw new UserMistakeException(
                        "%s does not say how to make its model, which was given to the engine as an object; use it from code with engine.resume."
                                .formatted(checkpoint.directory()));
            }
            DataShape shape = Datasets.shape(header.data());
            Engine engine =
                    DeepSpeed.initialize(
                            ModelSpec.parse(header.model()).create(shape),
                            config(header),
                            o -> {
                                o.seed(header.state().seed()).modelSpec(header.model());
                                if (shape.tokens()) {
                                    o.trainingData(window(header, shape));
                                }
                            });
            try {
                engine.resume(checkpoint);
                return new Restored(checkpoint, engine);
            } catch (RuntimeException | Error e) {
                engine.close();
                throw e;
            }
        } catch (RuntimeException | Error e) {
            checkpoint.close();
            throw e;
        }
    }

    /** One empty window: from it the engine knows how many tokens a sample has. */
    private static TextDataset window(CheckpointHeader header, DataShape shape) {
        int context = shape.inputElements();
        // By its name it passes for the data that the model was trained on: none other is used.
        String name = header.data().getOrDefault("file", "window");
        return TextDataset.of(name, new byte[context + 1], context);
    }

    /** Precision as trained; everything else as small as it can be. */
    private static DsConfig config(CheckpointHeader header) {
        Map<String, Object> config = new LinkedHashMap<>();
        config.put("train_micro_batch_size_per_gpu", MICRO_BATCH);
        config.put(
                "optimizer", Map.of("type", "SGD", "params", Map.of("lr", 0.0, "momentum", 0.0)));
        ConfigCheck trained = DsConfig.check(header.config(), CheckOptions.none());
        for (String precision : List.of("bf16", "fp16")) {
            if (Boolean.TRUE.equals(trained.resolved().get(precision + ".enabled"))) {
                config.put(precision, Map.of("enabled", true));
            }
        }
        return DsConfig.of(config);
    }

    Checkpoint checkpoint() {
        return checkpoint;
    }

    Engine engine() {
        return engine;
    }

    @Override
    public void close() {
        try {
            engine.close();
        } finally {
            checkpoint.close();
        }
    }
}
