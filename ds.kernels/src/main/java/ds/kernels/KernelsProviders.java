package ds.kernels;

import ds.core.ProviderTable;
import ds.kernels.host.HostProvider;
import ds.kernels.spi.KernelsProvider;
import java.util.ServiceLoader;

/** Finds kernels by name. */
public final class KernelsProviders {
    /** The name of the provider that every installation has. */
    public static final String HOST = "host";

    private KernelsProviders() {}

    /**
     * Returns the providers of {@code layer} and its parents; on the class path, those found there.
     *
     * @throws ds.core.ProviderException if a provider throws, or two share a name
     */
    public static ProviderTable<KernelsProvider> in(ModuleLayer layer) {
        ServiceLoader<KernelsProvider> loader =
                KernelsProviders.class.getModule().isNamed()
                        ? ServiceLoader.load(layer, KernelsProvider.class)
                        : ServiceLoader.load(
                                KernelsProvider.class, KernelsProviders.class.getClassLoader());
        return new ProviderTable<>("kernels", loader);
    }

    /** Creates the host's own kernels: for providers that replace some of them. */
    public static Kernels host(Workers workers) {
        return new HostProvider().create(workers);
    }
}
