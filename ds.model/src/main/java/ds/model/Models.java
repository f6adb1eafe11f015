package ds.model;

import ds.core.ProviderTable;
import ds.model.spi.ModelProvider;
import java.util.ServiceLoader;

/** Finds models by name. */
public final class Models {
    private Models() {}

    /**
     * Returns every model provider of {@code layer} and its parents; on the class path, of the class
     * loader that loaded this contract. Never asks the thread's context loader.
     *
     * @param layer usually {@link ModuleLayer#boot()}; plug-ins may live in a layer of their own
     * @throws ds.core.ProviderException if a provider throws, or two share a name
     */
    public static ProviderTable<ModelProvider> in(ModuleLayer layer) {
        return new ProviderTable<>(
                "model",
                Models.class.getModule().isNamed()
                        ? ServiceLoader.load(layer, ModelProvider.class)
                        : ServiceLoader.load(ModelProvider.class, Models.class.getClassLoader()));
    }
}
