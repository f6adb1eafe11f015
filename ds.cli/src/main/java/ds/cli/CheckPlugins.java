package ds.cli;

import java.io.File;
import java.lang.module.Configuration;
import java.lang.module.FindException;
import java.lang.module.InvalidModuleDescriptorException;
import java.lang.module.ModuleFinder;
import java.lang.module.ModuleReference;
import java.lang.module.ResolutionException;
import java.lang.module.ResolvedModule;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * What the launchers run before {@link Main} where {@code DS_PLUGINS} is set: whether the virtual
 * machine can start with these modules on its path. One that cannot ends before any code of ours
 * runs, with words of its own.
 */
public final class CheckPlugins {
    private CheckPlugins() {}

    /** Ends with {@link Main}'s status of a user's mistake if the machine would not start. */
    public static void main(String[] arguments) {
        Optional<String> problem =
                Optional.ofNullable(System.getenv("DS_PLUGINS"))
                        .flatMap(path -> problem(path, ModuleLayer.boot()));
        System.exit(problem.map(what -> Main.misused(what, arguments)).orElse(Main.OK));
    }

    /** Returns what keeps the modules of {@code path} from joining those of {@code boot}, if any. */
    static Optional<String> problem(String path, ModuleLayer boot) {
        List<String> entries =
                Stream.of(path.split(File.pathSeparator))
                        .filter(entry -> !entry.isEmpty())
                        .toList();
        for (String entry : entries) {
            try {
                ModuleFinder.of(Path.of(entry)).findAll();
            } catch (FindException e) {
                return Optional.of(
                        "DS_PLUGINS has '%s', %s.".formatted(entry, unreadable(entry, e)));
            }
        }
        ModuleFinder plugins = ModuleFinder.of(entries.stream().map(Path::of).toArray(Path[]::new));
        return unresolved(plugins, boot)
                .map(what -> "DS_PLUGINS cannot be used: %s.".formatted(what));
    }

    private static String unreadable(String entry, FindException e) {
        Throwable cause = e.getCause();
        if (cause == null) {
            return Files.isDirectory(Path.of(entry))
                    ? "which cannot be read: %s; leave one of them there".formatted(e.getMessage())
                    : "which cannot be read: %s; %s".formatted(e.getMessage(), PluginPath.WAY);
        }
        return "which cannot be read: %s: %s; %s"
                .formatted(
                        e.getMessage(),
                        cause.getMessage(),
                        cause instanceof InvalidModuleDescriptorException
                                ? "compile that module with --release %d or lower, or run a newer Java"
                                        .formatted(Runtime.version().feature())
                                : "that file is damaged or no jar: build or copy it again");
    }

    private static Optional<String> unresolved(ModuleFinder plugins, ModuleLayer boot) {
        Configuration resolved;
        try {
            resolved =
                    boot.configuration()
                            .resolveAndBind(
                                    ModuleFinder.of(),
                                    ModuleFinder.compose(ModuleFinder.ofSystem(), plugins),
                                    Set.of());
        } catch (FindException e) {
            return Optional.of(
                    located(e, plugins)
                            + "; add the jar that is missing, or leave that module out");
        } catch (ResolutionException e) {
            return Optional.of(located(e, plugins) + "; leave one of these modules out");
        }
        return twice(resolved, boot)
                .map(
                        what ->
                                "%s%s; rename it in your module, or leave that module out"
                                        .formatted(what, homes(what, plugins)));
    }

    private static String located(RuntimeException e, ModuleFinder plugins) {
        String message = String.valueOf(e.getMessage());
        return message + homes(message, plugins);
    }

    /** The machine gives all these modules one class loader, in which a package has one home. */
    private static Optional<String> twice(Configuration resolved, ModuleLayer boot) {
        Map<String, String> homes = new HashMap<>();
        for (Module module : boot.modules()) {
            module.getPackages().forEach(name -> homes.put(name, module.getName()));
        }
        for (ResolvedModule module : sorted(resolved)) {
            for (String name : module.reference().descriptor().packages()) {
                String other = homes.putIfAbsent(name, module.name());
                if (other != null) {
                    return Optional.of(
                            "Package %s is in module %s and in module %s"
                                    .formatted(name, module.name(), other));
                }
            }
        }
        return Optional.empty();
    }

    private static List<ResolvedModule> sorted(Configuration resolved) {
        return resolved.modules().stream()
                .sorted(Comparator.comparing(ResolvedModule::name))
                .toList();
    }

    /** Returns where the modules that {@code message} names lie, in parentheses. */
    private static String homes(String message, ModuleFinder plugins) {
        Set<String> words = Set.copyOf(List.of(message.split("[^\\w.$]+")));
        String homes =
                plugins.findAll().stream()
                        .filter(plugin -> words.contains(plugin.descriptor().name()))
                        .map(CheckPlugins::home)
                        .sorted()
                        .collect(Collectors.joining(", "));
        return homes.isEmpty() ? "" : " (%s)".formatted(homes);
    }

    private static String home(ModuleReference plugin) {
        String place = plugin.location().map(URI::getPath).orElse("an unknown place");
        return "%s is in %s".formatted(plugin.descriptor().name(), place);
    }
}
