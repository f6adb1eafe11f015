package ds.cli;

import ds.config.CheckOptions;
import ds.config.ConfigDiff;
import ds.config.DsConfig;
import ds.config.ResolvedValue;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import picocli.CommandLine;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code ds config diff}. */
@CommandLine.Command(
        name = "diff",
        sortOptions = false,
        description =
                "Says in what two configurations differ in meaning; spelling, order, comments and"
                        + " defaults written out do not count.")
final class ConfigDiffCommand extends ConfigCommand {
    @Parameters(index = "0", paramLabel = "A", description = "A DeepSpeed JSON file.")
    private Path first;

    @Parameters(index = "1", paramLabel = "B", description = "Another one.")
    private Path second;

    @Option(names = "--exit-code", description = "End with status 1 if they differ.")
    private boolean exitCode;

    @Override
    int run() {
        CheckOptions options = options();
        List<DsConfig> configs = sound(List.of(first, second), options);
        List<ConfigDiff.Difference> found =
                ConfigDiff.of(configs.getFirst(), configs.getLast(), options);
        if (found.isEmpty()) {
            out().result("%s and %s mean the same.".formatted(first, second));
        } else {
            out().result("--- %s%n+++ %s".formatted(first, second));
        }
        for (ConfigDiff.Difference difference : found) {
            out().result(difference.path());
            out().result("  - " + side(difference.before()));
            out().result("  + " + side(difference.after()));
        }
        out().document(
                        Map.of(
                                "same",
                                found.isEmpty(),
                                "differences",
                                found.stream().map(ConfigDiffCommand::entry).toList()));
        return exitCode && !found.isEmpty() ? Main.FAILURE : Main.OK;
    }

    private static String side(Optional<ResolvedValue> value) {
        return value.filter(v -> v.value().isPresent() || !v.isDefault())
                .map(v -> "%s  (%s)".formatted(v.json(), v.words()))
                .orElse("absent");
    }

    private static Map<String, Object> entry(ConfigDiff.Difference difference) {
        Map<String, Object> entry = new LinkedHashMap<>();
        entry.put("path", difference.path());
        entry.put("a", difference.before().map(ConfigShowCommand::entry));
        entry.put("b", difference.after().map(ConfigShowCommand::entry));
        return entry;
    }
}
