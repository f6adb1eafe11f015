package ds.cli;

import ds.config.CheckOptions;
import ds.config.CheckReport;
import ds.config.ConfigCheck;
import ds.config.DsConfig;
import ds.core.Diagnostic.Severity;
import ds.engine.plan.PathCheck;
import ds.engine.plan.PluginCheck;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import picocli.CommandLine;
import picocli.CommandLine.Parameters;

/** {@code ds config check}. */
@CommandLine.Command(
        name = "check",
        sortOptions = false,
        description = "Says everything that is wrong with configurations, with places.")
final class ConfigCheckCommand extends ConfigCommand {
    /** Codes of keys that change nothing. */
    private static final Set<String> UNREAD = Set.of("unknown-key", "unread-key");

    @Parameters(paramLabel = "FILE", arity = "1..*", description = "DeepSpeed JSON files.")
    private List<Path> files = List.of();

    @Override
    int run() {
        CheckOptions options = options();
        boolean ok = true;
        List<ConfigCheck> checks = new ArrayList<>();
        for (Path file : files) {
            ConfigCheck check =
                    PathCheck.of(PluginCheck.of(DsConfig.check(file, options), ModuleLayer.boot()));
            ok &= check.isRunnable();
            checks.add(check);
            if (!check.diagnostics().isEmpty()) {
                out().result(check.render(out().isColoured()).stripTrailing() + "\n");
            }
            out().result("%s: %s".formatted(file, verdict(file, check, options)));
        }
        out().document(CheckReport.document(checks));
        return ok ? Main.OK : Main.MISTAKE;
    }

    /** Returns one line: whether it can be used, and how much there is to read above. */
    private static String verdict(Path file, ConfigCheck check, CheckOptions options) {
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
        long passing = unread(check);
        if (passing > 0) {
            passing -= unread(DsConfig.check(file, options.warnOnUnknownKeys(true)));
        }
        if (passing > 0) {
            counts.add(
                    "--unknown-keys warn lets %d key%s pass"
                            .formatted(passing, passing == 1 ? "" : "s"));
        }
        return counts.isEmpty() ? verdict : verdict + " (" + String.join(", ", counts) + ")";
    }

    private static long unread(ConfigCheck check) {
        return check.diagnostics().stream()
                .filter(d -> d.isError() && UNREAD.contains(d.code()))
                .count();
    }
}
