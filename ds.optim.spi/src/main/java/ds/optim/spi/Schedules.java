package ds.optim.spi;

import ds.core.KeyDeclaration;
import ds.core.ProviderCall;
import ds.core.ProviderTable;
import java.util.List;
import java.util.ServiceLoader;

/** Finds schedules by name. */
public final class Schedules {
    private Schedules() {}

    /**
     * Returns every schedule provider of {@code layer} and its parents; on the class path, of the
     * class loader that loaded this contract. Never asks the thread's context loader.
     *
     * @param layer usually {@link ModuleLayer#boot()}; plug-ins may live in a layer of their own
     * @throws ds.core.ProviderException if a provider throws, or two share a name
     */
    public static ProviderTable<ScheduleProvider> in(ModuleLayer layer) {
        return new ProviderTable<>(
                "scheduler",
                Schedules.class.getModule().isNamed()
                        ? ServiceLoader.load(layer, ScheduleProvider.class)
                        : ServiceLoader.load(
                                ScheduleProvider.class, Schedules.class.getClassLoader()));
    }

    /**
     * Returns the settings of a scheduler provider.
     *
     * @throws ds.core.ProviderException if it has none to return, or two share a name
     */
    public static List<KeyDeclaration> settings(ScheduleProvider provider) {
        return new ProviderCall("scheduler", provider).settings(provider::settings);
    }
}
