package ds.engine.checkpoint;

import java.util.List;
import java.util.Map;

/**
 * What a checkpoint says about itself, beside the tensors.
 *
 * @param state where the run stood
 * @param worldSize ranks that wrote it, one file each
 * @param layout the model's stored parameters
 * @param model what rebuilds the model, such as {@code gpt:layers=4,width=128}; empty if the model
 *     was given as an object
 * @param data what rebuilds the data's shape; see {@code Dataset.info()}
 * @param config the configuration's JSON text
 */
public record CheckpointHeader(
        RunState state,
        int worldSize,
        List<TensorShape> layout,
        String model,
        Map<String, String> data,
        String config) {
    /** Copies collections and checks the world size. */
    public CheckpointHeader {
        layout = List.copyOf(layout);
        data = Map.copyOf(data);
        if (worldSize < 1) {
            throw new IllegalArgumentException(
                    "A checkpoint is written by at least 1 rank, not by %d.".formatted(worldSize));
        }
    }

    /** Returns the SHA-256 of the configuration's text, in hexadecimal. */
    public String configHash() {
        return Checksums.sha256(config);
    }
}
