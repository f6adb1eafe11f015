package ds.engine.plan;

import ds.config.DsConfig;
import ds.core.Diagnostic;

/**
 * Something the planner decided or has to say about a key.
 *
 * @param kind what sort of remark it is
 * @param pointer JSON pointer of the key
 * @param line line in the document, counted from 1; 0 if it did not come from text
 * @param column column in the line, counted from 1; 0 if there is no text
 * @param text what it became, or has no effect, and why
 */
public record Decision(Kind kind, String pointer, int line, int column, String text) {
    /** Sorts of remarks. */
    public enum Kind {
        /** An {@code "auto"} and what it became. */
        AUTO,
        /** A setting that has no meaning on this machine. */
        NO_EFFECT,
        /** A setting that is honoured, but perhaps not as expected. */
        WARNING
    }

    /** Creates a decision whose place is not known yet. */
    Decision(Kind kind, String pointer, String text) {
        this(kind, pointer, 0, 0, text);
    }

    /** Returns the pointer, and the place where there is one: {@code /fp16 (3:5)}. */
    public String place() {
        return line == 0 ? pointer : "%s (%d:%d)".formatted(pointer, line, column);
    }

    /** Returns this with the place that {@code config} has for the pointer. */
    Decision in(DsConfig config) {
        Diagnostic located = config.locate(Diagnostic.warning("", pointer, text, ""));
        return new Decision(kind, pointer, located.line(), located.column(), text);
    }

    /** Returns what a remark of the reader says. */
    static Decision of(Diagnostic diagnostic) {
        return new Decision(
                diagnostic.severity() == Diagnostic.Severity.WARNING
                        ? Kind.WARNING
                        : Kind.NO_EFFECT,
                diagnostic.pointer(),
                diagnostic.message());
    }
}
