package ds.core;

import ds.core.spi.NamedProvider;
import java.security.CodeSource;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
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
    private static final String REMOVE = "Remove or repair that module.";

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
        } catch (ServiceConfigurationError | LinkageError e) {
            throw unreadable(e);
        }
        for (ServiceLoader.Provider<P> provider : found) {
            add(instantiate(provider));
        }
    }

    /** A {@link LinkageError} comes from the class path, and does not say from which of its jars. */
    private ProviderException unreadable(Error e) {
        Throwable cause = e instanceof ServiceConfigurationError ? e.getCause() : null;
        return new ProviderException(
                "Cannot read the %s providers: %s%s"
                        .formatted(
                                kind,
                                cause == null ? "" : e.getMessage() + ": ",
                                ProviderFailure.of(cause == null ? e : cause, REMOVE)),
                e);
    }

    private P instantiate(ServiceLoader.Provider<P> provider) {
        try {
            return provider.get();
        } catch (ServiceConfigurationError e) {
            Throwable cause = e.getCause();
            throw new ProviderException(
                    "The %s provider %s of %s cannot be created: %s"
                            .formatted(
                                    kind,
                                    provider.type().getName(),
                                    home(provider.type()),
                                    ProviderFailure.of(cause == null ? e : cause, REMOVE)),
                    e);
        }
    }

    /** Returns the name, which every message needs: the one call that has to be guarded without it. */
    private String name(P provider) {
        String name;
        try {
            name = provider.name();
        } catch (Throwable e) { // as in ProviderCall
            throw nameless(
                    provider, "failed in name(): " + ProviderFailure.of(e, REMOVE), Optional.of(e));
        }
        if (name == null || name.isBlank()) {
            throw nameless(
                    provider,
                    "returned %s from name(). %s"
                            .formatted(name == null ? "null" : "\"" + name + "\"", REMOVE),
                    Optional.empty());
        }
        return name;
    }

    private ProviderException nameless(P provider, String what, Optional<Throwable> cause) {
        String message =
                "The %s provider %s of %s %s"
                        .formatted(
                                kind,
                                provider.getClass().getName(),
                                home(provider.getClass()),
                                what);
        return cause.map(e -> new ProviderException(message, e))
                .orElseGet(() -> new ProviderException(message));
    }

    private void add(P provider) {
        String name = name(provider);
        P before = byName.putIfAbsent(key(name), provider);
        if (before != null) {
            throw new ProviderException(
                    "Two %s providers are named '%s', in any case: %s in %s and %s in %s. Remove one of the modules."
                            .formatted(
                                    kind,
                                    name,
                                    before.getClass().getName(),
                                    home(before.getClass()),
                                    provider.getClass().getName(),
                                    home(provider.getClass())));
        }
    }

    /**
     * Returns where a provider comes from, for messages: {@code module ds.optim.builtin}, or {@code
     * the class path (/opt/my.jar)}.
     */
    public static String home(Class<?> type) {
        if (type.getModule().isNamed()) {
            return "module " + type.getModule().getName();
        }
        CodeSource source = type.getProtectionDomain().getCodeSource();
        return source == null || source.getLocation() == null
                ? "the class path"
                : "the class path (%s)".formatted(source.getLocation().getPath());
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
        new ProviderCall(kind, provider)
                .of("unavailable()", provider::unavailable)
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
