package ds.config;

import ds.core.Diagnostic;
import ds.core.Diagnostic.Phase;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Everything a check found, in document order, and the configuration if the document is sound.
 *
 * @param origin what was read, such as a file name
 * @param config the configuration; empty if the document itself has an error
 * @param diagnostics all of them, in document order
 * @param resolved dotted path to value, defaults included; empty if there is no configuration
 * @param text the text that was read, or {@code ""}
 */
public record ConfigCheck(
        String origin,
        Optional<DsConfig> config,
        List<Diagnostic> diagnostics,
        Map<String, Object> resolved,
        String text) {
    /** Copies the list. */
    public ConfigCheck {
        diagnostics = List.copyOf(diagnostics);
    }

    /** Returns this check with what else was found, in document order; for a sound document. */
    public ConfigCheck and(List<Diagnostic> more) {
        if (more.isEmpty()) {
            return this;
        }
        List<Diagnostic> all = new ArrayList<>(diagnostics);
        all.addAll(more);
        return new ConfigCheck(
                origin, config, config.orElseThrow().document().arrange(all), resolved, text);
    }

    /** Returns whether the document is sound; it may still ask for what cannot run here. */
    public boolean isOk() {
        return diagnostics.stream().noneMatch(d -> d.isError() && d.phase() == Phase.CONFIG);
    }

    /** Returns whether the document is sound and can run here. */
    public boolean isRunnable() {
        return diagnostics.stream().noneMatch(Diagnostic::isError);
    }

    /**
     * Returns the configuration, or throws with everything that was found.
     *
     * @throws ConfigException if there is any error
     */
    public DsConfig orThrow() {
        if (!isRunnable()) {
            throw new ConfigException(origin, diagnostics);
        }
        return config.orElseThrow();
    }

    /** Returns the diagnostics as text for people, each with its source line and a caret. */
    public String render(boolean coloured) {
        return new DiagnosticRenderer(origin, text, coloured).render(diagnostics);
    }
}
