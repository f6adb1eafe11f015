package ds.cli;

import ds.config.CheckOptions;
import ds.config.Explain;
import ds.core.KeyDeclaration;
import ds.core.ProviderTable;
import ds.core.spi.NamedProvider;
import ds.optim.spi.Optimizers;
import ds.optim.spi.Schedules;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import picocli.CommandLine;
import picocli.CommandLine.Parameters;

/** {@code ds config explain}. */
@CommandLine.Command(
        name = "explain",
        sortOptions = false,
        description = "Says what a key means, what it may be, and whether it is honoured here.")
final class ConfigExplainCommand extends Command {
    @Parameters(
            paramLabel = "KEY",
            description = "A name (stage), a path (optimizer.params.lr) or a JSON pointer.")
    private String key;

    @Override
    int run() {
        CheckOptions options = Setup.plugins(CheckOptions.none());
        List<Explain.Explained> found = Explain.find(key, options);
        if (found.isEmpty()) {
            return unknown(Explain.near(key, options));
        }
        List<Object> entries = new ArrayList<>();
        for (Explain.Explained explained : found) {
            List<? extends NamedProvider> named = named(explained.path());
            out().result(explained.render().stripTrailing() + names(named));
            Map<String, Object> entry = entry(explained);
            if (!named.isEmpty()) {
                entry.put("names", named.stream().map(ConfigExplainCommand::provider).toList());
            }
            entries.add(entry);
        }
        out().document(Map.of("results", entries));
        return Main.OK;
    }

    /** Returns what may be written where a key names a provider, sorted; else nothing. */
    private static List<? extends NamedProvider> named(String path) {
        return switch (path) {
            case "optimizer.type" -> List.copyOf(Optimizers.in(ModuleLayer.boot()).all());
            case "scheduler.type" -> List.copyOf(Schedules.in(ModuleLayer.boot()).all());
            default -> List.of();
        };
    }

    private static String names(List<? extends NamedProvider> named) {
        StringBuilder lines = new StringBuilder();
        for (NamedProvider provider : named) {
            lines.append(
                    "\n  %-8s %s of %s"
                            .formatted(
                                    lines.isEmpty() ? "names" : "",
                                    provider.name(),
                                    ProviderTable.home(provider.getClass())));
        }
        return lines.toString();
    }

    private static Map<String, Object> provider(NamedProvider provider) {
        Map<String, Object> entry = new LinkedHashMap<>();
        entry.put("name", provider.name());
        entry.put("module", String.valueOf(provider.getClass().getModule().getName()));
        return entry;
    }

    private int unknown(List<String> near) {
        Map<String, Object> document = new LinkedHashMap<>();
        document.put("results", List.of());
        document.put("near", near);
        out().document(document);
        throw new UserMistakeException(
                "There is no key '%s'; %s"
                        .formatted(
                                key,
                                near.isEmpty()
                                        ? "docs/config.md has them all."
                                        : "did you mean " + String.join(", ", near) + "?"));
    }

    private static Map<String, Object> entry(Explain.Explained explained) {
        KeyDeclaration declared = explained.key();
        Map<String, Object> entry = new LinkedHashMap<>();
        entry.put("key", explained.path());
        entry.put("of", explained.plugins());
        entry.put("doc", declared.doc());
        entry.put("type", declared.type().name().toLowerCase(Locale.ROOT));
        entry.put("rule", declared.rule());
        entry.put("default", declared.defaultValue());
        entry.put("unit", declared.unit());
        entry.put("aliases", declared.aliases());
        entry.put("keys", declared.keys().stream().map(KeyDeclaration::name).toList());
        entry.put("deprecated", declared.has(KeyDeclaration.Trait.DEPRECATED));
        entry.put("status", explained.status().name().toLowerCase(Locale.ROOT));
        entry.put("reason", explained.reason());
        return entry;
    }
}
