package ds.cli;

import ds.config.CheckOptions;
import ds.config.CheckReport;
import ds.config.ConfigCheck;
import ds.config.DsConfig;
import ds.core.Diagnostic.Severity;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code ds config check}. */
@CommandLine.Command(
        name = "check",
        sortOptions = false,
        description = "Says everything that is wrong with configurations, with places.")
final class ConfigCheckCommand extends Command {
    /** What an unknown key is. */
    enum UnknownKeys {
        /** An error. */
        error,
        /** A warning. */
        warn
    }

    @Parameters(paramLabel = "FILE", arity = "1..*", description = "DeepSpeed JSON files.")
    private List<Path> files = List.of();

    @Option(
            names = "--world-size",
            paramLabel = "RANKS",
            description = "Check the batch sizes against this number of ranks.")
    private int worldSize;

    @Option(
            names = "--unknown-keys",
            paramLabel = "error|warn",
            description = "What an unknown key is (default: what jvm.unknown_keys says: error).")
    private @Nullable UnknownKeys unknownKeys; // null: not given

    @Override
    int run() {
        if (worldSize < 0) {
            throw new UserMistakeException(
                    "--world-size is %d; it must be at least 1.".formatted(worldSize));
        }
        CheckOptions options = Setup.plugins(CheckOptions.none());
        if (worldSize > 0) {
            options = options.worldSize(worldSize);
        }
        if (unknownKeys != null) {
            options = options.warnOnUnknownKeys(unknownKeys == UnknownKeys.warn);
        }
        boolean ok = true;
        List<ConfigCheck> checks = new ArrayList<>();
        for (Path file : files) {
            ConfigCheck check = DsConfig.check(file, options);
            ok &= check.isRunnable();
            checks.add(check);
            if (!check.diagnostics().isEmpty()) {
                out().result(check.render(out().isColoured()).stripTrailing() + "\n");
            }
            out().result("%s: %s".formatted(file, verdict(check)));
        }
        out().document(CheckReport.document(checks));
        return ok ? Main.OK : Main.MISTAKE;
    }

    /** Returns one line: whether it can be used, and how much there is to read above. */
    private static String verdict(ConfigCheck check) {
        String verdict =
                !check.isOk()
                        ? "has mistakes"
                        : check.isRunnable() ? "ok" : "sound, but cannot run here";
        List<String> counts = new ArrayList<>();
        for (Severity severity : Severity.values()) {
            long count = check.diagnostics().stream().filter(d -> d.severity() == severity).count();
            if (count > 0) {
                counts.add("%d %s%s".formatted(count, severity.label(), count == 1 ? "" : "s"));
            }
        }
        return counts.isEmpty() ? verdict : verdict + " (" + String.join(", ", counts) + ")";
    }
}
