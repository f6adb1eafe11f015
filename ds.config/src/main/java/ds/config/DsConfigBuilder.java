package ds.config;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;

/** Builds a configuration in code, key by key. Not thread-safe. */
public final class DsConfigBuilder {
    private final Map<String, Object> root = new LinkedHashMap<>();

    DsConfigBuilder() {}

    /** Sets {@code train_batch_size}: samples per optimizer step over all ranks. */
    public DsConfigBuilder trainBatchSize(long samples) {
        return set(BatchSizes.TRAIN, samples);
    }

    /** Sets {@code train_micro_batch_size_per_gpu}: samples per forward pass of a rank. */
    public DsConfigBuilder microBatchSize(long samples) {
        return set(BatchSizes.MICRO, samples);
    }

    /** Sets {@code gradient_accumulation_steps}. */
    public DsConfigBuilder accumulationSteps(long steps) {
        return set(BatchSizes.ACCUMULATION, steps);
    }

    /** Sets the optimizer by name, with its settings. */
    public DsConfigBuilder optimizer(String type, Map<String, ?> params) {
        return set("optimizer.type", type).set("optimizer.params", new LinkedHashMap<>(params));
    }

    /** Sets the schedule by name, with its settings. */
    public DsConfigBuilder scheduler(String type, Map<String, ?> params) {
        return set("scheduler.type", type).set("scheduler.params", new LinkedHashMap<>(params));
    }

    /** Sets the largest gradient norm; 0 turns clipping off. */
    public DsConfigBuilder gradientClipping(double norm) {
        return set("gradient_clipping", norm);
    }

    /** Trains in bf16. */
    public DsConfigBuilder bf16() {
        return set("bf16.enabled", true);
    }

    /** Trains in fp16 with a dynamic loss scale. */
    public DsConfigBuilder fp16() {
        return set("fp16.enabled", true);
    }

    /** Sets the ZeRO stage, 0 to 3. */
    public DsConfigBuilder zeroStage(int stage) {
        return set("zero_optimization.stage", stage);
    }

    /** Lets optimizer state rest in host memory. */
    public DsConfigBuilder offloadOptimizerToCpu() {
        return set("zero_optimization.offload_optimizer.device", "cpu");
    }

    /** Lets optimizer state rest in files under {@code directory}. */
    public DsConfigBuilder offloadOptimizerToNvme(Path directory) {
        return set("zero_optimization.offload_optimizer.device", "nvme")
                .set("zero_optimization.offload_optimizer.nvme_path", directory.toString());
    }

    /**
     * Sets any key by its dotted path, such as {@code zero_optimization.reduce_bucket_size}.
     *
     * @param path names separated by dots
     * @param value a JSON value: map, list, string, boolean or number
     * @throws IllegalArgumentException if a part of the path already holds something else
     */
    public DsConfigBuilder set(String path, Object value) {
        String[] names = path.split("\\.");
        Map<String, Object> into = root;
        for (int depth = 0; depth < names.length - 1; depth++) {
            Object inner = into.computeIfAbsent(names[depth], _ -> new LinkedHashMap<>());
            if (!(inner instanceof Map<?, ?>)) {
                throw new IllegalArgumentException(
                        "'%s' cannot be set: '%s' is not an object.".formatted(path, names[depth]));
            }
            @SuppressWarnings("unchecked") // only this builder puts maps there
            Map<String, Object> map = (Map<String, Object>) inner;
            into = map;
        }
        into.put(names[names.length - 1], value);
        return this;
    }

    /**
     * Returns the configuration.
     *
     * @throws ConfigException with everything that is wrong
     */
    public DsConfig build() {
        return DsConfig.of(root);
    }
}
