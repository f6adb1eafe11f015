package ds.cli;

import ds.config.CheckOptions;
import ds.config.DsConfig;
import ds.config.ResolvedValue;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import picocli.CommandLine;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code ds config show}. */
@CommandLine.Command(
        name = "show",
        sortOptions = false,
        description = "Shows what a configuration comes to, and where each value came from.")
final class ConfigShowCommand extends ConfigCommand {
    private static final int WIDEST_VALUE = 44;

    @Parameters(paramLabel = "FILE", description = "A DeepSpeed JSON file.")
    private Path file;

    @Option(names = "--all", description = "Show the defaults too.")
    private boolean all;

    @Override
    int run() {
        CheckOptions options = options();
        DsConfig config = sound(file, options);
        List<ResolvedValue> values = config.values(options);
        List<ResolvedValue> shown =
                values.stream().filter(value -> all || !value.isDefault()).toList();
        int path = shown.stream().mapToInt(v -> v.path().length()).max().orElse(0);
        int value =
                shown.stream()
                        .mapToInt(v -> v.json().length())
                        .filter(width -> width <= WIDEST_VALUE)
                        .max()
                        .orElse(0);
        for (ResolvedValue each : shown) {
            out().result(row(each, path, value));
        }
        if (shown.size() < values.size() && !out().isJson()) {
            out().message(
                            "%d values are defaults; --all shows them."
                                    .formatted(values.size() - shown.size()));
        }
        out().document(
                        Map.of(
                                "file",
                                file.toString(),
                                "values",
                                shown.stream().map(ConfigShowCommand::entry).toList()));
        return Main.OK;
    }

    private static String row(ResolvedValue value, int pathWidth, int valueWidth) {
        String format = "%%-%ds  %%-%ds  %%s".formatted(pathWidth, Math.max(1, valueWidth));
        return format.formatted(value.path(), value.json(), value.words());
    }

    /** Returns a value as a JSON document shows it. */
    static Map<String, Object> entry(ResolvedValue value) {
        Map<String, Object> entry = new LinkedHashMap<>();
        entry.put("path", value.path());
        entry.put("value", value.value());
        entry.put("origin", value.origin().name().toLowerCase(Locale.ROOT));
        entry.put("from", value.from());
        entry.put("line", value.line());
        entry.put("column", value.column());
        return entry;
    }
}
