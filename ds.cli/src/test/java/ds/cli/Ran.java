package ds.cli;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;

/**
 * What a command did.
 *
 * @param results what it wrote to standard output
 * @param messages what it wrote to standard error
 */
record Ran(int status, String results, String messages) {
    /** Runs {@code ds} with these arguments, away from a terminal. */
    static Ran ds(Object... arguments) {
        var results = new ByteArrayOutputStream();
        var messages = new ByteArrayOutputStream();
        String[] words = new String[arguments.length];
        for (int i = 0; i < words.length; i++) {
            words[i] = arguments[i].toString();
        }
        int status =
                Main.run(
                        new Output(
                                new PrintStream(results, true, StandardCharsets.UTF_8),
                                new PrintStream(messages, true, StandardCharsets.UTF_8),
                                false,
                                false),
                        words);
        return new Ran(
                status,
                results.toString(StandardCharsets.UTF_8),
                messages.toString(StandardCharsets.UTF_8));
    }
}
