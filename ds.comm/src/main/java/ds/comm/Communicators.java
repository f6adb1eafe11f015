package ds.comm;

import ds.comm.local.LocalProvider;
import ds.comm.spi.CommunicatorProvider;
import ds.core.ProviderTable;
import java.time.Duration;
import java.util.List;
import java.util.ServiceLoader;

/** Finds communicator providers by name, and makes the built-in one directly. */
public final class Communicators {
    private Communicators() {}

    /**
     * Returns all communicator providers of {@code layer}, or of the class path when this module is
     * not on the module path.
     */
    public static ProviderTable<CommunicatorProvider> providers(ModuleLayer layer) {
        return new ProviderTable<>(
                "communicator",
                Communicators.class.getModule().isNamed()
                        ? ServiceLoader.load(layer, CommunicatorProvider.class)
                        : ServiceLoader.load(
                                CommunicatorProvider.class, Communicators.class.getClassLoader()));
    }

    /**
     * Connects ranks that are threads of this JVM.
     *
     * @param ranks how many, at least 1
     * @param limit how long a rank may stay away from a collective
     * @return one communicator per rank, in rank order
     */
    public static List<Communicator> local(int ranks, Duration limit) {
        return new LocalProvider().connect(ranks, limit);
    }
}
