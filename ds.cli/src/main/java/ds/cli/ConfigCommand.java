package ds.cli;

import ds.config.CheckOptions;
import ds.config.ConfigCheck;
import ds.config.DsConfig;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** What the commands that read configurations have. */
abstract class ConfigCommand extends Command {
    /** What an unknown key is. */
    enum UnknownKeys {
        /** An error. */
        error,
        /** A warning. */
        warn
    }

    @Option(
            names = "--world-size",
            paramLabel = "RANKS",
            description = "Work out the batch sizes for this number of ranks.")
    private @Nullable Integer worldSize; // null: not given

    @Option(
            names = "--unknown-keys",
            paramLabel = "error|warn",
            description = "What an unknown key is (default: what jvm.unknown_keys says: error).")
    private @Nullable UnknownKeys unknownKeys; // null: not given

    /** Returns what the options say, with every plug-in of this installation. */
    final CheckOptions options() {
        OptionalInt ranks = Setup.atLeastOne("--world-size", worldSize);
        CheckOptions options = Setup.plugins(CheckOptions.none());
        if (ranks.isPresent()) {
            options = options.worldSize(ranks.getAsInt());
        }
        return unknownKeys == null
                ? options
                : options.warnOnUnknownKeys(unknownKeys == UnknownKeys.warn);
    }

    /** Returns a sound configuration, whether or not it can run here; else says all that is wrong. */
    final DsConfig sound(Path file, CheckOptions options) {
        return sound(List.of(file), options).getFirst();
    }

    /** Returns sound configurations, in order; else says all that is wrong, with any of them. */
    final List<DsConfig> sound(List<Path> files, CheckOptions options) {
        List<DsConfig> sound = new ArrayList<>();
        List<String> mistaken = new ArrayList<>();
        for (Path file : files) {
            ConfigCheck check = checked(DsConfig.check(file, options));
            if (check.isOk()) {
                sound.add(check.config().orElseThrow());
            } else {
                out().message(check.render(out().isColoured()).stripTrailing() + "\n");
                mistaken.add(file.toString());
            }
        }
        if (!mistaken.isEmpty()) {
            throw new UserMistakeException(
                    "%s %s mistakes."
                            .formatted(
                                    String.join(" and ", mistaken),
                                    mistaken.size() == 1 ? "has" : "have"));
        }
        return sound;
    }
}
