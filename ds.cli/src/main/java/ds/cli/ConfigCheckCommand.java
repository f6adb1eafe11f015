package ds.cli;

import ds.config.CheckOptions;
import ds.config.ConfigCheck;
import ds.config.DsConfig;
import ds.core.Diagnostic;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
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
        List<Object> results = new ArrayList<>();
        for (Path file : files) {
            ConfigCheck check = DsConfig.check(file, options);
            ok &= check.isRunnable();
            results.add(result(file, check));
            if (!check.diagnostics().isEmpty()) {
                out().result(check.render(out().isColoured()).stripTrailing());
            }
            out().result("%s: %s".formatted(file, verdict(check)));
        }
        out().document(Map.of("results", results));
        return ok ? Main.OK : Main.MISTAKE;
    }

    private static String verdict(ConfigCheck check) {
        if (!check.isOk()) {
            return "has mistakes";
        }
        return check.isRunnable() ? "ok" : "sound, but cannot run here";
    }

    private Map<String, Object> result(Path file, ConfigCheck check) {
        Map<String, Object> result = new LinkedHashMap<>();
        result.put("file", file.toString());
        result.put("ok", check.isOk());
        result.put("runnable", check.isRunnable());
        result.put(
                "resolved",
                check.config()
                        .map(
                                config ->
                                        config.resolved(
                                                worldSize > 0 && check.isOk()
                                                        ? OptionalInt.of(worldSize)
                                                        : OptionalInt.empty()))
                        .orElse(Map.of()));
        List<Object> diagnostics = new ArrayList<>();
        for (Diagnostic diagnostic : check.diagnostics()) {
            Map<String, Object> entry = new LinkedHashMap<>();
            entry.put("severity", diagnostic.severity().label());
            entry.put("phase", diagnostic.phase().label());
            entry.put("code", diagnostic.code());
            entry.put("pointer", diagnostic.pointer());
            entry.put("line", diagnostic.line());
            entry.put("column", diagnostic.column());
            entry.put("message", diagnostic.message());
            entry.put("suggestion", diagnostic.suggestion());
            diagnostics.add(entry);
        }
        result.put("diagnostics", diagnostics);
        return result;
    }
}
