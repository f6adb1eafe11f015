package ds.cli;

import ds.config.ConfigCheck;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Option;

/** What every command has. */
abstract class Command implements Callable<Integer> {
    /** How results are printed. */
    enum Format {
        /** For people. */
        text,
        /** One JSON document. */
        json
    }

    @Option(
            names = {"-h", "--help"},
            usageHelp = true,
            description = "Show this help.")
    boolean help;

    @Option(names = "--stacktrace", description = "Show where in the program a failure arose.")
    private boolean stacktrace;

    @Option(
            names = "--format",
            paramLabel = "text|json",
            description = "How to print results; json prints one document and nothing else.")
    private Format format = Format.text;

    private final List<ConfigCheck> checks = new ArrayList<>();
    private Output output = Output.system(false);

    /** Tells where to print; called before {@link #call}. */
    final void printTo(Output base) {
        output = base.asJson(format == Format.json);
    }

    final Output out() {
        return output;
    }

    final boolean wantsStackTrace() {
        return stacktrace;
    }

    /** Takes note of a configuration that was read, so that a failure can say what it is about. */
    final ConfigCheck checked(ConfigCheck check) {
        checks.add(check);
        return check;
    }

    /** Returns the configurations that were read so far. */
    final List<ConfigCheck> checks() {
        return checks;
    }

    /** Does the work and returns the exit status. */
    abstract int run();

    @Override
    public final Integer call() {
        return run();
    }
}
