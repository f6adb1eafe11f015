package ds.it;

import ds.config.DsConfig;
import ds.engine.DeepSpeed;
import ds.engine.Engine;
import ds.engine.EngineOptions;
import ds.engine.data.TextDataset;
import ds.model.Batch;
import ds.model.TrainableModel;
import java.lang.foreign.Arena;
import java.nio.charset.StandardCharsets;
import java.util.function.Consumer;

/** Engines over an {@link AwkwardModel} or a like one, and what they learn from. */
final class AwkwardEngine {
    static final String OFFLOAD =
            """
            , "zero_optimization": {"stage": 3,
               "offload_param": {"device": "nvme", "nvme_path": "%s", "max_in_cpu": 0},
               "offload_optimizer": {"device": "nvme", "nvme_path": "%s"}}""";

    private AwkwardEngine() {}

    static Engine of(TrainableModel model, String more, Consumer<EngineOptions> options) {
        DsConfig config =
                DsConfig.parse(
                        """
                        {"train_micro_batch_size_per_gpu": 2, "gradient_accumulation_steps": 2,
                         "optimizer": {"type": "AdamW", "params": {"lr": 1e-3}}%s}
                        """
                                .formatted(more));
        return DeepSpeed.initialize(
                model,
                config,
                o -> {
                    o.trainingData(text()).workers(1);
                    options.accept(o);
                });
    }

    static TextDataset text() {
        byte[] bytes =
                "Ask not what a test can do for you. ".repeat(30).getBytes(StandardCharsets.UTF_8);
        return TextDataset.of("text", bytes, AwkwardModel.CONTEXT);
    }

    static Batch batch() {
        return batch(2);
    }

    static Batch batch(int samples) {
        Batch batch = text().allocate(Arena.ofAuto(), samples);
        for (int row = 0; row < samples; row++) {
            text().fill(row, batch, row);
        }
        return batch;
    }
}
