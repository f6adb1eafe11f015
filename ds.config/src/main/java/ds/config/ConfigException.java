package ds.config;

import ds.core.Diagnostic;
import java.util.List;
import java.util.stream.Collectors;

/**
 * A configuration that cannot be used. Carries everything that was found, warnings included; its
 * message lists every error with pointer, line and column, rule, value and the way out.
 */
public final class ConfigException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** What was found, errors and the rest; not part of the serialised form. */
    private final transient List<Diagnostic> diagnostics;

    /**
     * Reports everything that was found in a document.
     *
     * @param origin what was read, such as a file name
     * @param diagnostics in document order; at least one error
     */
    public ConfigException(String origin, List<Diagnostic> diagnostics) {
        super(describe(origin, diagnostics));
        this.diagnostics = List.copyOf(diagnostics);
    }

    /**
     * Reports one broken rule of a record that was built by hand.
     *
     * @param pointer JSON pointer of the value
     * @param rule the rule and the value, without the pointer
     */
    public ConfigException(String pointer, String rule) {
        super(pointer + " " + rule + (rule.endsWith(".") ? "" : "."));
        this.diagnostics = List.of(Diagnostic.error("range", pointer, rule, ""));
    }

    /** Returns everything that was found, in document order. */
    public List<Diagnostic> diagnostics() {
        return diagnostics == null ? List.of() : diagnostics;
    }

    private static String describe(String origin, List<Diagnostic> diagnostics) {
        List<Diagnostic> errors = diagnostics.stream().filter(Diagnostic::isError).toList();
        boolean sound = errors.stream().allMatch(d -> d.phase() == Diagnostic.Phase.RUNTIME);
        String head =
                sound
                        ? "%s cannot run here:".formatted(origin)
                        : errors.size() == 1
                                ? "%s has a mistake:".formatted(origin)
                                : "%s has %d mistakes:".formatted(origin, errors.size());
        return errors.stream().map(d -> "\n  " + d).collect(Collectors.joining("", head, ""));
    }
}
