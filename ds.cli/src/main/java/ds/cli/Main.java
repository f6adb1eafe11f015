package ds.cli;

import ds.config.ConfigException;
import ds.core.DsException;
import ds.core.ProviderException;
import ds.core.Spelling;
import ds.engine.data.DataException;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Supplier;
import picocli.CommandLine;

/** The {@code ds} command. A command's class is loaded only when it is the one asked for. */
public final class Main {
    static final int OK = 0;
    static final int FAILURE = 1;
    static final int MISTAKE = 2;

    private static final List<String> NAMES =
            List.of(
                    "train",
                    "sample",
                    "eval",
                    "config",
                    "plan",
                    "report",
                    "init",
                    "bench",
                    "tune",
                    "checkpoint",
                    "store");
    private static final String USAGE =
            """
            Usage: ds COMMAND [OPTIONS]

            Trains models on the JVM from DeepSpeed JSON configurations.

              train        train a model; without options, a small GPT on the text in examples/gpt-text
              sample       let a checkpoint write
              eval         the loss of a checkpoint on data
              config       check, explain, schema, show, diff, migrate: what a configuration means, what is wrong
              plan         what a configuration would do with a model, without doing it
              report       versions, providers, devices of this installation
              init         write a commented configuration for this machine
              bench        gemm, adam, train, sample, io, offload: how fast this machine is
              tune         nvme: the settings that suit a drive
              checkpoint   inspect, verify: look into a checkpoint, check every byte
              store        inspect, verify, prune: the stores that runs left on NVMe

            'ds COMMAND --help' explains one. Exit status: 0 success, 2 a mistake of the user, 1 a failure.""";

    /** With the module java.logging, and without it, as in the image. */
    private static final List<String> LOG_FORMATS =
            List.of("java.util.logging.SimpleFormatter.format", "jdk.system.logger.format");

    static final long STARTED_NANOS = System.nanoTime();

    private Main() {}

    /** Runs a command and ends the process with its status. */
    public static void main(String[] arguments) {
        for (String format : LOG_FORMATS) {
            if (System.getProperty(format) == null) {
                System.setProperty(format, "%4$s: %5$s%n"); // without date and class
            }
        }
        Output out = Output.system(false);
        Optional<String> problem =
                Optional.ofNullable(System.getenv("DS_PLUGINS"))
                        .flatMap(path -> PluginPath.problem(path, ModuleLayer.boot()));
        System.exit(problem.isPresent() ? misused(problem.get(), arguments) : run(out, arguments));
    }

    /** Says on the streams of this process what is wrong before any command is looked at. */
    static int misused(String message, String[] arguments) {
        return misused(failing(Output.system(false), arguments), "ds", "ds: ", message);
    }

    /** Runs a command and returns its exit status. */
    static int run(Output out, String... arguments) {
        String name = arguments.length == 0 ? "--help" : arguments[0];
        if (name.equals("--help") || name.equals("-h") || name.equals("help")) {
            out.result(USAGE);
            return OK;
        }
        if (name.equals("--version") || name.equals("-V")) {
            out.result("ds " + Versions.own());
            return OK;
        }
        String[] rest = List.of(arguments).subList(1, arguments.length).toArray(String[]::new);
        return switch (name) {
            case "train" -> run(out, name, TrainCommand::new, rest);
            case "sample" -> run(out, name, SampleCommand::new, rest);
            case "eval" -> run(out, name, EvalCommand::new, rest);
            case "plan" -> run(out, name, PlanCommand::new, rest);
            case "report" -> run(out, name, ReportCommand::new, rest);
            case "init" -> run(out, name, InitCommand::new, rest);
            case "config" ->
                    group(
                            out,
                            name,
                            List.of("check", "explain", "schema", "show", "diff", "migrate"),
                            rest);
            case "bench" ->
                    group(
                            out,
                            name,
                            List.of("gemm", "adam", "train", "sample", "io", "offload"),
                            rest);
            case "tune" -> group(out, name, List.of("nvme"), rest);
            case "checkpoint" -> group(out, name, List.of("inspect", "verify"), rest);
            case "store" -> group(out, name, List.of("inspect", "verify", "prune"), rest);
            default -> unknown(failing(out, rest), "ds", "command", name, NAMES, "ds --help");
        };
    }

    private static int group(Output out, String group, List<String> names, String[] rest) {
        String name = rest.length == 0 ? "--help" : rest[0];
        if (name.equals("--help") || name.equals("-h")) {
            out.result(
                    "Usage: ds %s COMMAND [OPTIONS]%n%nCommands: %s. 'ds %s COMMAND --help' explains one."
                            .formatted(group, String.join(", ", names), group));
            return rest.length == 0 ? MISTAKE : OK;
        }
        String[] options = List.of(rest).subList(1, rest.length).toArray(String[]::new);
        String full = group + " " + name;
        return switch (full) {
            case "config check" -> run(out, full, ConfigCheckCommand::new, options);
            case "config explain" -> run(out, full, ConfigExplainCommand::new, options);
            case "config schema" -> run(out, full, ConfigSchemaCommand::new, options);
            case "config show" -> run(out, full, ConfigShowCommand::new, options);
            case "config diff" -> run(out, full, ConfigDiffCommand::new, options);
            case "config migrate" -> run(out, full, ConfigMigrateCommand::new, options);
            case "bench gemm" -> run(out, full, BenchGemmCommand::new, options);
            case "bench adam" -> run(out, full, BenchAdamCommand::new, options);
            case "bench train" -> run(out, full, BenchTrainCommand::new, options);
            case "bench sample" -> run(out, full, BenchSampleCommand::new, options);
            case "bench io" -> run(out, full, BenchIoCommand::new, options);
            case "bench offload" -> run(out, full, BenchOffloadCommand::new, options);
            case "tune nvme" -> run(out, full, TuneNvmeCommand::new, options);
            case "checkpoint inspect" -> run(out, full, CheckpointInspectCommand::new, options);
            case "checkpoint verify" -> run(out, full, CheckpointVerifyCommand::new, options);
            case "store inspect" -> run(out, full, StoreInspectCommand::new, options);
            case "store verify" -> run(out, full, StoreVerifyCommand::new, options);
            case "store prune" -> run(out, full, StorePruneCommand::new, options);
            default ->
                    unknown(
                            failing(out, options),
                            "ds " + group,
                            group + " command",
                            name,
                            names,
                            "ds " + group + " --help");
        };
    }

    private static int unknown(
            Output out, String by, String what, String name, List<String> names, String help) {
        List<String> near = Spelling.nearest(name, names, 1);
        return misused(
                out,
                by,
                "ds: ",
                "there is no %s '%s'%s; '%s' lists them."
                        .formatted(
                                what,
                                name,
                                near.isEmpty() ? "" : ". Did you mean '" + near.getFirst() + "'?",
                                help));
    }

    /** Says what is wrong with a command line. */
    private static int misused(Output out, String by, String before, String message) {
        out.message(before + message);
        out.document(FailureReport.of(by, MISTAKE, message));
        return MISTAKE;
    }

    /** Returns where to print that a command line is wrong, which may be before its format is read. */
    private static Output failing(Output out, String[] options) {
        List<String> words = List.of(options);
        int value = words.indexOf("--format") + 1;
        return out.asJson(
                words.contains("--format=json")
                        || (value > 0 && value < words.size() && words.get(value).equals("json")));
    }

    private static int run(
            Output out, String name, Supplier<? extends Command> create, String[] options) {
        Command command = create.get();
        CommandLine line = new CommandLine(command).setCommandName("ds " + name);
        line.setUsageHelpAutoWidth(true);
        try {
            line.parseArgs(options);
        } catch (CommandLine.UnmatchedArgumentException e) {
            return unmatched(failing(out, options), name, line, e.getUnmatched().getFirst());
        } catch (CommandLine.ParameterException e) {
            return misused(
                    failing(out, options),
                    "ds " + name,
                    "ds %s: ".formatted(name),
                    "%s. See 'ds %s --help'.".formatted(sentence(e), name));
        }
        if (line.isUsageHelpRequested()) {
            out.result(line.getUsageMessage().stripTrailing());
            return OK;
        }
        command.printTo(out);
        return guarded(command, "ds " + name);
    }

    private static int unmatched(Output out, String name, CommandLine line, String word) {
        if (!word.startsWith("-")) {
            return misused(
                    out,
                    "ds " + name,
                    "ds %s: ".formatted(name),
                    "'%s' is one word too many; an option begins with '--'. See 'ds %s --help'."
                            .formatted(word, name));
        }
        int equals = word.indexOf('=');
        List<String> options = List.copyOf(line.getCommandSpec().optionsMap().keySet());
        return unknown(
                out,
                "ds " + name,
                "option",
                equals < 0 ? word : word.substring(0, equals),
                options,
                "ds " + name + " --help");
    }

    private static String sentence(CommandLine.ParameterException e) {
        String message = said(e);
        int end = message.length();
        while (end > 0 && message.charAt(end - 1) == '.') {
            end--;
        }
        return message.substring(0, end);
    }

    /** Returns the message of an exception; one without any says what it is. */
    private static String said(Exception e) {
        return Objects.requireNonNullElseGet(e.getMessage(), e::toString);
    }

    private static int guarded(Command command, String name) {
        try {
            return command.run();
        } catch (ConfigException e) {
            return failed(command, name, MISTAKE, said(e), e);
        } catch (UserMistakeException | DataException | ProviderException e) {
            return failed(command, name, MISTAKE, said(e), e);
        } catch (DsException e) {
            return failed(command, name, FAILURE, said(e), e);
        } catch (OutOfMemoryError e) {
            return failed(
                    command,
                    name,
                    FAILURE,
                    "There is not enough memory (%s). Take a smaller model, more ranks at stage 3, or offload; 'ds plan' shows the bytes."
                            .formatted(e.getMessage()),
                    e);
        } catch (Throwable e) { // a trace is for those who ask for it
            return failed(
                    command,
                    name,
                    FAILURE,
                    "%s failed in a way that nobody foresaw: %s. Run it again with --stacktrace to see where."
                            .formatted(name, e),
                    e);
        }
    }

    private static int failed(
            Command command, String name, int status, String message, Throwable cause) {
        command.out().message("ds: " + message);
        if (!command.out().isDocumented()) {
            command.out()
                    .document(FailureReport.of(command.checks(), name, status, message, cause));
        }
        if (command.wantsStackTrace()) {
            command.out().message(StackTraces.of(cause));
        }
        return status;
    }
}
