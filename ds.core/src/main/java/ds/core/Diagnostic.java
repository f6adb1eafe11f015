package ds.core;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Objects;

/**
 * One thing a document's author should know: what is wrong or noteworthy, where, and the way out.
 *
 * @param severity how much it matters; only {@link Severity#ERROR} stops a run
 * @param phase whether the document itself is at fault or only running it here
 * @param code stable identifier of the rule, such as {@code unknown-key}; scripts may match on it
 * @param pointer JSON pointer (RFC 6901) to the value at fault; {@code ""} is the whole document
 * @param line line in the text, counted from 1; 0 if the value did not come from text
 * @param column column in the line, counted from 1 in UTF-16 units; 0 if there is no text
 * @param message one sentence with the value found and the rule
 * @param suggestion the way out, or {@code ""} if the message already says it
 * @param related other places the problem is about, such as the other side of a conflict
 */
public record Diagnostic(
        Severity severity,
        Phase phase,
        String code,
        String pointer,
        int line,
        int column,
        String message,
        String suggestion,
        List<Related> related) {

    /**
     * Another place that a problem is about.
     *
     * @param pointer JSON pointer to it
     * @param line line in the text, counted from 1; 0 if the value did not come from text
     * @param column column in the line, counted from 1 in UTF-16 units; 0 if there is no text
     * @param role what stands there, in a few words, such as {@code first here}
     */
    public record Related(String pointer, int line, int column, String role) {
        /** Refuses missing parts and negative places. */
        public Related {
            Objects.requireNonNull(pointer, "pointer");
            Objects.requireNonNull(role, "role");
            requirePlace(line, column);
        }

        /** Returns the same at a place of the text, both counted from 1. */
        public Related at(int newLine, int newColumn) {
            return new Related(pointer, newLine, newColumn, role);
        }
    }

    /** How much a diagnostic matters. */
    public enum Severity {
        /** The document cannot be used as it stands. */
        ERROR,
        /** Usable, but probably not what was meant. */
        WARNING,
        /** Worth knowing, such as a setting that has no effect on this machine. */
        NOTE;

        /** Returns the lower-case name used in JSON output. */
        public String label() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /** What is at fault. */
    public enum Phase {
        /** The document: DeepSpeed would reject or ignore it too, or should. */
        CONFIG,
        /** Running it here: the document is valid, this runtime or machine cannot honour it. */
        RUNTIME;

        /** Returns the lower-case name used in JSON output. */
        public String label() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /** Refuses missing parts and negative places. */
    public Diagnostic {
        Objects.requireNonNull(severity, "severity");
        Objects.requireNonNull(phase, "phase");
        Objects.requireNonNull(code, "code");
        Objects.requireNonNull(pointer, "pointer");
        Objects.requireNonNull(message, "message");
        Objects.requireNonNull(suggestion, "suggestion");
        requirePlace(line, column);
        related = List.copyOf(related);
    }

    private static void requirePlace(int line, int column) {
        if (line < 0 || column < 0) {
            throw new IllegalArgumentException(
                    "A place is counted from 1, or 0 for none; was %d:%d.".formatted(line, column));
        }
    }

    /** Returns an error of phase {@link Phase#CONFIG} without a place in text. */
    public static Diagnostic error(String code, String pointer, String message, String suggestion) {
        return new Diagnostic(
                Severity.ERROR, Phase.CONFIG, code, pointer, 0, 0, message, suggestion, List.of());
    }

    /** Returns an error of phase {@link Phase#RUNTIME}: valid, but not to be run here. */
    public static Diagnostic refused(
            String code, String pointer, String message, String suggestion) {
        return new Diagnostic(
                Severity.ERROR, Phase.RUNTIME, code, pointer, 0, 0, message, suggestion, List.of());
    }

    /** Returns a warning of phase {@link Phase#CONFIG} without a place in text. */
    public static Diagnostic warning(
            String code, String pointer, String message, String suggestion) {
        return new Diagnostic(
                Severity.WARNING,
                Phase.CONFIG,
                code,
                pointer,
                0,
                0,
                message,
                suggestion,
                List.of());
    }

    /** Returns a note of phase {@link Phase#RUNTIME} without a place in text. */
    public static Diagnostic note(String code, String pointer, String message, String suggestion) {
        return new Diagnostic(
                Severity.NOTE, Phase.RUNTIME, code, pointer, 0, 0, message, suggestion, List.of());
    }

    /** Returns the same diagnostic at a place of the text, both counted from 1. */
    public Diagnostic at(int newLine, int newColumn) {
        return new Diagnostic(
                severity, phase, code, pointer, newLine, newColumn, message, suggestion, related);
    }

    /** Returns the same diagnostic with another severity. */
    public Diagnostic as(Severity other) {
        return new Diagnostic(
                other, phase, code, pointer, line, column, message, suggestion, related);
    }

    /** Returns the same diagnostic with another suggestion. */
    public Diagnostic suggesting(String other) {
        return new Diagnostic(
                severity, phase, code, pointer, line, column, message, other, related);
    }

    /** Returns the same diagnostic with these other places instead of the ones it had. */
    public Diagnostic alongside(List<Related> others) {
        return new Diagnostic(
                severity, phase, code, pointer, line, column, message, suggestion, others);
    }

    /**
     * Returns the same diagnostic with one more place it is about.
     *
     * @param other JSON pointer to it; the reader of the document finds line and column
     * @param role what stands there, in a few words, such as {@code also true}
     */
    public Diagnostic alongside(String other, String role) {
        List<Related> more = new ArrayList<>(related);
        more.add(new Related(other, 0, 0, role));
        return alongside(more);
    }

    /** Returns whether this stops a run. */
    public boolean isError() {
        return severity == Severity.ERROR;
    }

    /** Returns {@code pointer (line:column): message suggestion}, in one line. */
    @Override
    public String toString() {
        String place = line == 0 ? "" : " (%d:%d)".formatted(line, column);
        String head = pointer.isEmpty() ? "document" : pointer;
        return head + place + ": " + message + (suggestion.isEmpty() ? "" : " " + suggestion);
    }
}
