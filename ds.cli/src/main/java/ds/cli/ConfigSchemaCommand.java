package ds.cli;

import ds.config.CheckOptions;
import ds.config.ConfigSchema;
import picocli.CommandLine;
import picocli.CommandLine.Option;

/** {@code ds config schema}. */
@CommandLine.Command(
        name = "schema",
        sortOptions = false,
        description =
                "Prints the JSON Schema (2020-12) of a configuration, with the settings of the optimizers and schedules of this installation.")
final class ConfigSchemaCommand extends Command {
    @Option(
            names = "--unknown-keys",
            paramLabel = "error|warn",
            description = "Whether the schema refuses unknown keys (default: ${DEFAULT-VALUE}).")
    private ConfigCheckCommand.UnknownKeys unknownKeys = ConfigCheckCommand.UnknownKeys.error;

    @Override
    int run() {
        boolean warn = unknownKeys == ConfigCheckCommand.UnknownKeys.warn;
        CheckOptions options = Setup.plugins(CheckOptions.none()).warnOnUnknownKeys(warn);
        out().asJson(true).document(ConfigSchema.document(options));
        return Main.OK;
    }
}
