package ds.offload;

import ds.core.ProviderTable;
import ds.offload.spi.StateCodec;
import ds.offload.spi.StateCodecProvider;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.ServiceLoader;

/** Finds codecs of optimizer state by name. */
public final class StateCodecs {
    /** The name of no codec: slots rest as the step leaves them. */
    public static final String FP32 = "fp32";

    private StateCodecs() {}

    /**
     * Returns all providers visible to {@code layer}.
     *
     * @throws ds.core.ProviderException if one throws, or two share a name
     */
    public static ProviderTable<StateCodecProvider> table(ModuleLayer layer) {
        ServiceLoader<StateCodecProvider> loader =
                StateCodecs.class.getModule().isNamed()
                        ? ServiceLoader.load(layer, StateCodecProvider.class)
                        : ServiceLoader.load(
                                StateCodecProvider.class, StateCodecs.class.getClassLoader());
        return new ProviderTable<>("state codec", loader);
    }

    /** Returns the names that {@link #named} knows, {@value #FP32} first. */
    public static List<String> names(ModuleLayer layer) {
        List<String> names = new ArrayList<>(List.of(FP32));
        names.addAll(table(layer).names());
        return List.copyOf(names);
    }

    /**
     * Returns the codec of that name; empty for {@value #FP32}.
     *
     * @throws ds.core.ProviderException if there is none, or it cannot run here
     */
    public static Optional<StateCodec> named(ModuleLayer layer, String name) {
        return name.equals(FP32)
                ? Optional.empty()
                : Optional.of(table(layer).require(name).create());
    }
}
