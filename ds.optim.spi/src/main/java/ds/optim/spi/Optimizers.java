package ds.optim.spi;

import ds.core.KeyDeclaration;
import ds.core.ProviderCall;
import ds.core.ProviderTable;
import java.util.List;
import java.util.ServiceLoader;

/** Finds optimizers by name. */
public final class Optimizers {
    private Optimizers() {}

    /**
     * Returns every optimizer provider of {@code layer} and its parents; on the class path, of the
     * class loader that loaded this contract. Never asks the thread's context loader.
     *
     * @param layer usually {@link ModuleLayer#boot()}; plug-ins may live in a layer of their own
     * @throws ds.core.ProviderException if a provider throws, or two share a name
     */
    public static ProviderTable<OptimizerProvider> in(ModuleLayer layer) {
        return new ProviderTable<>(
                "optimizer",
                Optimizers.class.getModule().isNamed()
                        ? ServiceLoader.load(layer, OptimizerProvider.class)
                        : ServiceLoader.load(
                                OptimizerProvider.class, Optimizers.class.getClassLoader()));
    }

    /**
     * Returns the settings of an optimizer provider.
     *
     * @throws ds.core.ProviderException if it has none to return, or two share a name
     */
    public static List<KeyDeclaration> settings(OptimizerProvider provider) {
        return new ProviderCall("optimizer", provider).settings(provider::settings);
    }
}
