package ds.cli;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;

/**
 * The two streams: results on standard output, progress and messages on standard error. Everything
 * that this program prints goes through here.
 */
final class Output {
    private final PrintStream results;
    private final PrintStream messages;
    private final boolean json;
    private final boolean terminal;
    private boolean documented;
    private boolean
            drawn; // whether the last line is one of progress, to which no line feed was sent

    Output(PrintStream results, PrintStream messages, boolean json, boolean terminal) {
        this.results = results;
        this.messages = messages;
        this.json = json;
        this.terminal = terminal;
    }

    static Output system(boolean json) {
        return new Output(
                stream(FileDescriptor.out), stream(FileDescriptor.err), json, isTerminal());
    }

    private static PrintStream stream(FileDescriptor descriptor) {
        return new PrintStream(new FileOutputStream(descriptor), true, StandardCharsets.UTF_8);
    }

    private static boolean isTerminal() {
        String kind = System.getenv("TERM");
        java.io.Console console = System.console();
        return console != null && console.isTerminal() && !"dumb".equals(kind);
    }

    Output asJson(boolean wanted) {
        return new Output(results, messages, wanted, terminal);
    }

    /** Returns whether one JSON document is to be printed and nothing else. */
    boolean isJson() {
        return json;
    }

    /** Returns whether a progress bar may move. */
    boolean hasTerminal() {
        return terminal && !json;
    }

    /** Returns whether messages may be coloured: on a terminal, unless NO_COLOR is not empty. */
    boolean isColoured() {
        String refused = System.getenv("NO_COLOR");
        return terminal && (refused == null || refused.isEmpty());
    }

    /** Prints a result for people; nothing if a JSON document is wanted. */
    void result(String text) {
        if (!json) {
            endLine();
            results.println(text);
            results.flush();
        }
    }

    /** Prints the JSON document, if one is wanted. */
    void document(Object value) {
        if (json) {
            results.println(Json.of(value));
            results.flush();
            documented = true;
        }
    }

    /** Returns whether the JSON document has been printed. */
    boolean isDocumented() {
        return documented;
    }

    /** Prints a message. */
    void message(String text) {
        endLine();
        messages.println(text);
        messages.flush();
    }

    /** Goes to the next line, if there is a line of progress on this one. */
    void endLine() {
        if (drawn) {
            messages.println();
            drawn = false;
        }
    }

    /** Overwrites the line of progress. */
    void redraw(String text) {
        messages.print("\r" + text + "\u001b[K");
        messages.flush();
        drawn = true;
    }

    /** Removes the line of progress. */
    void clear() {
        messages.print("\r\u001b[K");
        messages.flush();
        drawn = false;
    }
}
