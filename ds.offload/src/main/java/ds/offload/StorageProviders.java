package ds.offload;

import ds.core.ProviderTable;
import ds.offload.channel.ChannelProvider;
import ds.offload.spi.StorageProvider;
import java.util.Comparator;
import java.util.ServiceLoader;

/** Finds storage backends: by name, or the best that can run here. */
public final class StorageProviders {
    private StorageProviders() {}

    /** Returns the backend that runs everywhere: {@code channel}. */
    public static StorageProvider portable() {
        return new ChannelProvider();
    }

    /**
     * Returns all providers visible to {@code layer}.
     *
     * @throws ds.core.ProviderException if one throws, or two share a name
     */
    public static ProviderTable<StorageProvider> table(ModuleLayer layer) {
        ServiceLoader<StorageProvider> loader =
                StorageProviders.class.getModule().isNamed()
                        ? ServiceLoader.load(layer, StorageProvider.class)
                        : ServiceLoader.load(
                                StorageProvider.class, StorageProviders.class.getClassLoader());
        return new ProviderTable<>("storage", loader);
    }

    /** Returns the provider with the highest priority that can run here. */
    public static StorageProvider best(ModuleLayer layer) {
        return table(layer).all().stream()
                .filter(provider -> provider.unavailable().isEmpty())
                .max(Comparator.comparingInt(StorageProvider::priority))
                .orElseGet(StorageProviders::portable);
    }
}
