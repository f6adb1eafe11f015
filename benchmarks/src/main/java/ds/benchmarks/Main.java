package ds.benchmarks;

import java.io.PrintStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;

/**
 * Runs benchmarks and writes a results file: {@code [--full] [--list] [--out FILE] [NAME...]}. Exits
 * 0 if every benchmark gave a figure, 1 if not, 2 for a user's mistake.
 */
public final class Main {
    private static final int OK = 0;
    private static final int FAILED = 1;
    private static final int MISTAKE = 2;

    private final PrintStream out;
    private final PrintStream err;
    private boolean full;
    private boolean list;
    private Path file = Path.of("results.md");
    private final List<String> names = new ArrayList<>();
    private int failed;

    Main(PrintStream out, PrintStream err) {
        this.out = out;
        this.err = err;
    }

    /** Runs and exits. */
    public static void main(String[] arguments) {
        System.exit(new Main(System.out, System.err).run(List.of(arguments)));
    }

    int run(List<String> arguments) {
        String mistake = read(arguments);
        if (!mistake.isEmpty()) {
            err.println(mistake);
            return MISTAKE;
        }
        List<Suite> suites = Suite.select(names, full);
        if (list) {
            suites.forEach(suite -> out.println(suite.name() + "  " + suite.method()));
            return OK;
        }
        String groups = names.isEmpty() ? "all" : String.join(" ", names);
        Report report = new Report(file, (full ? "full: " : "quick: ") + groups);
        for (Suite suite : suites) {
            Suite present =
                    suite.present(
                            (backend, why) -> {
                                String name = suite.method() + " backend=" + backend;
                                out.println("%s is left out: %s".formatted(name, why));
                                report.addAbsent(suite.method(), "backend=" + backend, why);
                            });
            if (!present.isEmpty()) {
                run(present, report);
            }
        }
        out.println("Results are in " + file);
        return failed == 0 ? OK : FAILED;
    }

    private void run(Suite suite, Report report) {
        Progress progress =
                new Progress(
                        figure -> {
                            out.println(figure);
                            report.add(figure);
                        },
                        name -> {
                            failed++;
                            err.println(name + " failed.");
                            report.addFailure(name);
                        },
                        err);
        try {
            var unused = new Runner(suite.options().build(), progress).run();
        } catch (RunnerException e) {
            failed++;
            err.println("%s cannot run: %s".formatted(suite.method(), e.getMessage()));
            report.addFailure(suite.method());
        }
    }

    /** Reads the command line; returns what is wrong with it, or nothing. */
    private String read(List<String> arguments) {
        for (int i = 0; i < arguments.size(); i++) {
            String argument = arguments.get(i);
            switch (argument) {
                case "--full" -> full = true;
                case "--list" -> list = true;
                case "--out" -> {
                    if (++i == arguments.size()) {
                        return "--out needs a file.";
                    }
                    file = Path.of(arguments.get(i));
                }
                default -> {
                    if (!Suite.NAMES.contains(argument)) {
                        return "There is no benchmark '%s'; there are %s, and the options --full, --list and --out FILE."
                                .formatted(argument, Suite.NAMES);
                    }
                    names.add(argument);
                }
            }
        }
        return "";
    }
}
