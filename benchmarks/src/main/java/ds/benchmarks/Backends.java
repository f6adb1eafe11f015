package ds.benchmarks;

import ds.core.ProviderException;
import ds.offload.StorageProviders;
import ds.offload.spi.StorageProvider;
import java.util.Optional;

/** Which storage backends can be measured here. */
final class Backends {
    /** The parameter that names one. */
    static final String PARAMETER = "backend";

    private Backends() {}

    /** Returns why files of the measured drive cannot be opened with a backend; empty if they can. */
    static Optional<String> missing(String name) {
        try {
            StorageProvider provider = StorageProviders.table(ModuleLayer.boot()).require(name);
            return provider.unavailable().or(() -> provider.unavailable(Place.parent()));
        } catch (ProviderException e) {
            return Optional.of(String.valueOf(e.getMessage()));
        }
    }
}
