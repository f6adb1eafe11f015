package ds.cli;

import java.io.File;
import java.lang.module.FindException;
import java.lang.module.ModuleFinder;
import java.lang.module.ModuleReference;
import java.lang.module.ResolvedModule;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** The modules that {@code DS_PLUGINS} names: Java passes over what is none without a word. */
final class PluginPath {
    static final String WAY =
            "name a module's jar, a folder of such jars, or a folder with its module-info.class";

    private PluginPath() {}

    /** Returns what is wrong with the first entry that adds nothing to {@code layer}, if any does. */
    static Optional<String> problem(String path, ModuleLayer layer) {
        for (String entry : path.split(File.pathSeparator)) {
            Optional<String> problem = entry.isEmpty() ? Optional.empty() : entry(entry, layer);
            if (problem.isPresent()) {
                return problem.map(what -> "DS_PLUGINS has '%s', %s.".formatted(entry, what));
            }
        }
        return Optional.empty();
    }

    private static Optional<String> entry(String entry, ModuleLayer layer) {
        Path path = Path.of(entry);
        if (!Files.exists(path)) {
            return Optional.of("which does not exist; " + WAY);
        }
        Set<ModuleReference> found;
        try {
            found = ModuleFinder.of(path).findAll();
        } catch (FindException e) {
            return Optional.of("which cannot be read (%s); %s".formatted(e.getMessage(), WAY));
        }
        if (found.isEmpty()) {
            return Optional.of("which holds no module; " + WAY);
        }
        if (found.stream().anyMatch(reference -> isIn(layer, reference))) {
            return Optional.empty();
        }
        List<String> names =
                found.stream().map(reference -> reference.descriptor().name()).sorted().toList();
        return Optional.of(
                "of which nothing is used: %s provides nothing that ds looks up, nothing requires it, or a module of that name is here already; a provider needs 'provides ... with' in its module-info.java"
                        .formatted(String.join(", ", names)));
    }

    private static boolean isIn(ModuleLayer layer, ModuleReference reference) {
        return layer.configuration()
                .findModule(reference.descriptor().name())
                .map(ResolvedModule::reference)
                .flatMap(ModuleReference::location)
                .equals(reference.location());
    }
}
