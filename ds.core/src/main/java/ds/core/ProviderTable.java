package ds.core;

import ds.core.spi.NamedProvider;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.ServiceConfigurationError;
import java.util.ServiceLoader;
import java.util.TreeMap;

/**
 * The providers of one contract, by name. The contract's module makes the {@link ServiceLoader}
 * (its own {@code uses} is what the loader checks) and hands it in. Every provider is looked at
 * once: one that throws, or two with one name, is an error, never a silent choice.
 *
 * @param <P> the provider type
 */
public final class ProviderTable<P extends NamedProvider> {
    private final String kind;
    private final Map<String, P> byName = new TreeMap<>();

    /**
     * Reads all providers of {@code loader}.
     *
     * @param kind what is looked up, for messages: {@code "optimizer"}
     * @throws ProviderException if a provider throws, or two share a name
     */
    public ProviderTable(String kind, ServiceLoader<P> loader) {
        this.kind = kind;
        List<ServiceLoader.Provider<P>> found = new ArrayList<>();
        try {
            loader.stream().forEach(found::add);
        } catch (ServiceConfigurationError e) {
            throw new ProviderException(
                    "Cannot read the %s providers: %s Remove or repair that module."
                            .formatted(kind, e.getMessage()),
                    e);
        }
        for (ServiceLoader.Provider<P> provider : found) {
            add(instantiate(provider));
        }
    }

    private P instantiate(ServiceLoader.Provider<P> provider) {
        try {
            return provider.get();
        } catch (ServiceConfigurationError e) {
            throw new ProviderException(
                    "The %s provider %s of %s cannot be created: %s Remove or repair that module."
                            .formatted(
                                    kind,
                                    provider.type().getName(),
                                    home(provider.type()),
                                    ProviderCall.sentence(
                                            e.getCause() == null ? e.getMessage() : e.getCause())),
                    e);
        }
    }

    private void add(P provider) {
        P before = byName.putIfAbsent(key(provider.name()), provider);
        if (before != null) {
            throw new ProviderException(
                    "Two %s providers are named '%s', in any case: %s in %s and %s in %s. Remove one of the modules."
                            .formatted(
                                    kind,
                                    provider.name(),
                                    before.getClass().getName(),
                                    home(before.getClass()),
                                    provider.getClass().getName(),
                                    home(provider.getClass())));
        }
    }

    /** Returns where a provider comes from, for messages: {@code module ds.optim.builtin}. */
    public static String home(Class<?> type) {
        return type.getModule().isNamed()
                ? "module " + type.getModule().getName()
                : "the class path";
    }

    private static String key(String name) {
        return name.toLowerCase(Locale.ROOT);
    }

    /**
     * Returns the provider called {@code name}, in any case.
     *
     * @throws ProviderException if there is none, or it cannot run here
     */
    public P require(String name) {
        P provider = byName.get(key(name));
        if (provider == null) {
            throw new ProviderException(
                    "No %s provider is named '%s'; this runtime has %s. Add its module to the module path."
                            .formatted(kind, name, names()));
        }
        provider.unavailable()
                .ifPresent(
                        why -> {
                            throw new ProviderException(
                                    "The %s provider '%s' cannot run here: %s."
                                            .formatted(kind, name, why));
                        });
        return provider;
    }

    /** Returns whether a provider of that name is present, whether or not it can run here. */
    public boolean has(String name) {
        return byName.containsKey(key(name));
    }

    /** Returns the names, sorted. */
    public List<String> names() {
        return byName.values().stream().map(NamedProvider::name).toList();
    }

    /** Returns all providers, sorted by name. */
    public Collection<P> all() {
        return List.copyOf(byName.values());
    }
}
