package ds.cli;

import java.io.PrintWriter;
import java.io.StringWriter;

/** Failures as text. */
final class StackTraces {
    private StackTraces() {}

    static String of(Throwable failure) {
        StringWriter text = new StringWriter();
        failure.printStackTrace(new PrintWriter(text, true));
        return text.toString().stripTrailing();
    }
}
