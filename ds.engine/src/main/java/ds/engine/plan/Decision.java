package ds.engine.plan;

import ds.core.Diagnostic;

/**
 * Something the planner decided or has to say about a key.
 *
 * @param kind what sort of remark it is
 * @param pointer JSON pointer of the key
 * @param text what it became, or has no effect, and why
 */
public record Decision(Kind kind, String pointer, String text) {
    /** Sorts of remarks. */
    public enum Kind {
        /** An {@code "auto"} and what it became. */
        AUTO,
        /** A setting that has no meaning on this machine. */
        NO_EFFECT,
        /** A setting that is honoured, but perhaps not as expected. */
        WARNING
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
