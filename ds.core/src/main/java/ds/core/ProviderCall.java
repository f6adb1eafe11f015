package ds.core;

import ds.core.spi.NamedProvider;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Calls what a provider wrote. One that throws what it may not, or returns null, becomes an error
 * that names the provider, its module and the method.
 *
 * @param kind what it provides, for messages: {@code "optimizer"}
 * @param provider whose code is called
 */
public record ProviderCall(String kind, NamedProvider provider) {
    /**
     * Returns what {@code call} returns. A {@link DsException} passes as it is.
     *
     * @param method for messages: {@code "slots()"}
     * @throws ProviderException if the call throws, or returns null
     */
    public <T> T of(String method, Supplier<T> call) {
        T result;
        try {
            result = call.get();
        } catch (DsException e) {
            throw e;
        } catch (Throwable e) { // a stranger's: anything may come, undeclared exceptions too
            ProviderFailure failure = ProviderFailure.of(e, "Repair that module.");
            throw new ProviderException("%s failed in %s: %s".formatted(this, method, failure), e);
        }
        if (result == null) {
            throw wrong("returned null from %s".formatted(method));
        }
        return result;
    }

    /** As {@link #of}, but an {@link IllegalArgumentException} is a sentence for the user: it passes. */
    public <T> T mayRefuse(String method, Supplier<T> call) {
        try {
            return of(method, call);
        } catch (ProviderException e) {
            if (e.getCause() instanceof IllegalArgumentException refusal) {
                throw refusal;
            }
            throw e;
        }
    }

    /**
     * Returns the provider's settings.
     *
     * @throws ProviderException if the call throws or returns null, two settings share a name, or a
     *     default is none of the values that its setting takes
     */
    public List<KeyDeclaration> settings(Supplier<List<KeyDeclaration>> call) {
        List<KeyDeclaration> settings = of("settings()", call);
        if (settings.stream().anyMatch(Objects::isNull)) {
            throw wrong("has a null among its settings()");
        }
        Set<String> names = new HashSet<>();
        for (KeyDeclaration setting : settings) {
            if (!names.add(setting.name())) {
                throw wrong("declares the setting '%s' twice".formatted(setting.name()));
            }
            checkDefault(setting);
        }
        return List.copyOf(settings);
    }

    /** What is not written has the default, which nothing else checks. */
    private void checkDefault(KeyDeclaration setting) {
        if (setting.defaultValue().isEmpty()) {
            return;
        }
        Object value = setting.defaultValue().get();
        List<Diagnostic> problems =
                Settings.validate(List.of(setting), Map.of(setting.name(), value), "")
                        .diagnostics();
        if (problems.stream().anyMatch(Diagnostic::isError)) {
            throw wrong(
                    "declares the setting '%s' as %s, with the default %s"
                            .formatted(setting.name(), setting.rule(), value));
        }
    }

    /** Returns what the provider says against its settings, as a sentence for the user. */
    public String refusal(IllegalArgumentException e) {
        return "%s refuses this: %s"
                .formatted(this, sentence(e.getMessage() == null ? e : e.getMessage()));
    }

    /** Returns the error that this provider did {@code what}. */
    public ProviderException wrong(String what) {
        return new ProviderException("%s %s. Repair that module.".formatted(this, what));
    }

    /** Returns what was said, with a full stop. */
    static String sentence(@Nullable Object said) {
        String text = String.valueOf(said);
        return text.endsWith(".") ? text : text + ".";
    }

    @Override
    public String toString() {
        return "The %s '%s' of %s"
                .formatted(kind, provider.name(), ProviderTable.home(provider.getClass()));
    }
}
