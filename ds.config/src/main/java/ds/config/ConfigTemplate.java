package ds.config;

import java.nio.file.Path;
import java.util.Optional;

/**
 * Writes a commented configuration to start from, as {@code ds init} does.
 *
 * @param worldSize ranks on this machine, 1 or more
 * @param microBatchSize samples per forward pass of a rank, 1 or more
 * @param accumulationSteps forward passes per optimizer step, 1 or more
 * @param zeroStage 0 to 3
 * @param nvmePath directory for optimizer state; empty keeps it in memory
 */
public record ConfigTemplate(
        int worldSize,
        int microBatchSize,
        int accumulationSteps,
        int zeroStage,
        Optional<Path> nvmePath) {

    /** Refuses numbers that would not make a sound configuration. */
    public ConfigTemplate {
        if (worldSize < 1 || microBatchSize < 1 || accumulationSteps < 1) {
            throw new IllegalArgumentException(
                    "Ranks, micro batch and accumulation must be 1 or more, were %d, %d, %d."
                            .formatted(worldSize, microBatchSize, accumulationSteps));
        }
        if (zeroStage < 0 || zeroStage > 3) {
            throw new IllegalArgumentException(
                    "The ZeRO stage must be 0 to 3, was %d.".formatted(zeroStage));
        }
    }

    /** Returns the text: JSON with comments that says what each key does. */
    public String render() {
        long train = (long) worldSize * microBatchSize * accumulationSteps;
        return """
        {
          // %s
          "train_batch_size": %d,
          // %s
          "train_micro_batch_size_per_gpu": %d,
          // %s
          "gradient_accumulation_steps": %d,

          // %s
          "optimizer": {
            "type": "AdamW",
            "params": { "lr": 2e-3, "betas": [0.9, 0.95], "eps": 1e-8, "weight_decay": 0.01 }
          },

          // %s
          "scheduler": {
            "type": "WarmupDecayLR",
            "params": { "warmup_max_lr": 2e-3, "warmup_num_steps": 20, "total_num_steps": 600 }
          },

          // %s
          "gradient_clipping": 1.0,

          // %s
          "bf16": { "enabled": true },

          // %s
          "zero_optimization": {
            // %s
            "stage": %d%s
          },

          // %s
          "jvm": { "seed": 42 }
        }
        """
                .formatted(
                        doc("train_batch_size"),
                        train,
                        doc("train_micro_batch_size_per_gpu"),
                        microBatchSize,
                        doc("gradient_accumulation_steps"),
                        accumulationSteps,
                        doc("optimizer"),
                        doc("scheduler"),
                        doc("gradient_clipping"),
                        doc("bf16"),
                        doc("zero_optimization"),
                        doc("zero_optimization.stage"),
                        zeroStage,
                        nvmePath.map(ConfigTemplate::offload).orElse(""),
                        doc("jvm"));
    }

    private static String offload(Path directory) {
        return """
        ,
            // %s
            "offload_optimizer": { "device": "nvme", "nvme_path": "%s" }"""
                .formatted(
                        doc("zero_optimization.offload_optimizer"),
                        directory.toString().replace("\\", "\\\\").replace("\"", "\\\""));
    }

    private static String doc(String path) {
        return Explain.find(path).getFirst().key().doc();
    }
}
