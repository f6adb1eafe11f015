package ds.cli;

import ds.config.DsConfig;
import ds.config.Migration;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import picocli.CommandLine;
import picocli.CommandLine.Parameters;

/** {@code ds config migrate}. */
@CommandLine.Command(
        name = "migrate",
        sortOptions = false,
        description =
                "Prints a configuration with its old keys rewritten; order, comments and everything"
                        + " else stay as they are. The changes go to standard error.")
final class ConfigMigrateCommand extends ConfigCommand {
    @Parameters(paramLabel = "FILE", description = "A DeepSpeed JSON file.")
    private Path file;

    @Override
    int run() {
        DsConfig config = sound(file, options());
        Migration migration = config.migrated();
        out().result(migration.text().replaceFirst("\\R\\z", ""));
        for (Migration.Change change : migration.changes()) {
            out().message("%s:%d: %s".formatted(file, change.line(), change.message()));
        }
        if (migration.changes().isEmpty()) {
            out().message("%s has no old keys; it is unchanged.".formatted(file));
        }
        out().document(
                        Map.of(
                                "text",
                                migration.text(),
                                "changes",
                                migration.changes().stream()
                                        .map(ConfigMigrateCommand::entry)
                                        .toList()));
        return Main.OK;
    }

    private static Map<String, Object> entry(Migration.Change change) {
        Map<String, Object> entry = new LinkedHashMap<>();
        entry.put("line", change.line());
        entry.put("pointer", change.pointer());
        entry.put("message", change.message());
        return entry;
    }
}
