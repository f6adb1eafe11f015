package ds.config;

import ds.core.Diagnostic;
import ds.core.KeyDeclaration;
import ds.core.Settings;
import ds.core.Spelling;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * A section that names a plug-in and carries its settings: {@code optimizer} or {@code scheduler}.
 * The settings stay as written, with their places, until the plug-in's declaration is known.
 */
public final class PluginSection {
    private final String name;
    private final String type;
    private final Map<String, Object> params;
    private final LocatedDocument document;

    PluginSection(String name, String type, Map<String, ?> params, LocatedDocument document) {
        this.name = name;
        this.type = type;
        this.params = Collections.unmodifiableMap(new LinkedHashMap<>(params));
        this.document = document;
    }

    /** Returns the name of the plug-in: as written, DeepSpeed's own optimizers in lower case. */
    public String type() {
        return type;
    }

    /** Returns the settings as written: unmodifiable, {@code "auto"} still in place. */
    public Map<String, Object> params() {
        return params;
    }

    /** Returns the JSON pointer of the settings, such as {@code /optimizer/params}. */
    public String pointer() {
        return "/" + name + "/params";
    }

    /**
     * Holds the settings against a plug-in's declaration.
     *
     * @return settings with defaults filled in, and all problems with their places
     */
    public Settings.Checked check(List<KeyDeclaration> declared) {
        Settings.Checked checked = Settings.validate(declared, params, pointer());
        List<Diagnostic> located = new ArrayList<>();
        Set<String> names = declared.stream().map(KeyDeclaration::name).collect(Collectors.toSet());
        for (Diagnostic diagnostic : checked.diagnostics()) {
            located.add(document.locate(explained(diagnostic, names)));
        }
        return new Settings.Checked(checked.settings(), located);
    }

    /**
     * Returns the settings checked against a plug-in's declaration, defaults filled in.
     *
     * @throws ConfigException with all problems and their places
     */
    public Settings settings(List<KeyDeclaration> declared) {
        Settings.Checked checked = check(declared);
        if (!checked.isUsable()) {
            throw new ConfigException(
                    "The %s configuration".formatted(name), checked.diagnostics());
        }
        return checked.settings();
    }

    /** Returns an error that no plug-in has this name, with the nearest that exist. */
    public Diagnostic unknownType(Collection<String> known) {
        List<String> near = Spelling.nearest(type, known, 1);
        return document.locate(
                Diagnostic.refused(
                        "unknown-" + name,
                        "/" + name + "/type",
                        "No %s is named '%s'; this runtime has %s."
                                .formatted(name, type, List.copyOf(known)),
                        near.isEmpty()
                                ? "Add its module to the module path."
                                : "Did you mean '%s'?".formatted(near.getFirst())));
    }

    private static Diagnostic explained(Diagnostic diagnostic, Set<String> names) {
        boolean oldClip = diagnostic.pointer().endsWith("/params/max_grad_norm");
        return oldClip && diagnostic.code().equals("unknown-key")
                ? diagnostic.suggesting("Write 'gradient_clipping' at the top level instead.")
                : WrongSection.advise(diagnostic, names::contains);
    }
}
