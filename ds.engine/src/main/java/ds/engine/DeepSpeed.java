package ds.engine;

import ds.config.DsConfig;
import ds.model.TrainableModel;
import java.util.function.Consumer;

/** The way in: a model and a DeepSpeed configuration become an engine. */
public final class DeepSpeed {
    private DeepSpeed() {}

    /**
     * Plans, allocates everything and draws initial values.
     *
     * @param model what is trained; used by all ranks at once
     * @param config as read by {@link DsConfig}
     * @param options data, ranks, seed
     * @throws ds.config.ConfigException if the configuration cannot run here; lists every problem
     * @throws ds.core.DsException if a provider is missing or the offload store cannot be made
     */
    public static Engine initialize(
            TrainableModel model, DsConfig config, Consumer<EngineOptions> options) {
        EngineOptions chosen = new EngineOptions();
        options.accept(chosen);
        return Engine.open(model, config, chosen);
    }
}
