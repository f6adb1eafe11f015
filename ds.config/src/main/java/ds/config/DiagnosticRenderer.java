package ds.config;

import ds.core.Diagnostic;
import ds.core.Diagnostic.Severity;
import java.util.List;

/**
 * Renders diagnostics for people: what, where, the source line with a caret, and the way out. What
 * comes from the document is cut and stripped of control characters, so that no document can write
 * to the terminal more than its own text.
 *
 * <pre>{@code
 * error: 'gradient_cliping' is not a key here. [unknown-key]
 *   --> ds_config.json:4:3  /gradient_cliping
 *  4 |   "gradient_cliping": 1.0,
 *    |   ^^^^^^^^^^^^^^^^^^
 *    = Did you mean 'gradient_clipping'?
 * }</pre>
 */
public final class DiagnosticRenderer {
    private static final int WIDEST_LINE = 120;
    private static final int WIDEST_POINTER = 200;
    private static final int WIDEST_TEXT = 1_000;
    private static final String CUT = "...";
    private static final String RESET = "\u001b[0m";
    private static final String BOLD = "\u001b[1m";
    private static final String CYAN = "\u001b[36m";

    private final String origin;
    private final Lines lines;
    private final boolean coloured;

    /**
     * @param origin what was read, such as a file name
     * @param text the text that was read; {@code ""} leaves source lines out
     * @param coloured whether to use terminal colours
     */
    public DiagnosticRenderer(String origin, String text, boolean coloured) {
        this.origin = clean(origin, WIDEST_POINTER);
        this.lines = new Lines(text);
        this.coloured = coloured;
    }

    /** Returns all diagnostics, one block each, separated by empty lines. */
    public String render(List<Diagnostic> diagnostics) {
        StringBuilder out = new StringBuilder();
        diagnostics.forEach(diagnostic -> out.append(render(diagnostic)).append('\n'));
        return out.toString();
    }

    /** Returns one diagnostic as a block of lines. */
    public String render(Diagnostic diagnostic) {
        String colour = colour(diagnostic);
        StringBuilder out = new StringBuilder();
        out.append(paint(colour, diagnostic.severity().label()))
                .append(": ")
                .append(paint(BOLD, clean(diagnostic.message(), WIDEST_TEXT)))
                .append(" [")
                .append(diagnostic.code())
                .append("]\n");
        head("-->", diagnostic.line(), diagnostic.column(), diagnostic.pointer(), "", out);
        if (diagnostic.severity() != Severity.NOTE) { // nothing to mend there: the place will do
            source(diagnostic.line(), diagnostic.column(), '^', colour, out);
        }
        for (Diagnostic.Related other : diagnostic.related()) {
            head("and", other.line(), other.column(), other.pointer(), other.role(), out);
            source(other.line(), other.column(), '-', CYAN, out);
        }
        if (!diagnostic.suggestion().isEmpty()) {
            out.append("   = ")
                    .append(paint(CYAN, clean(diagnostic.suggestion(), WIDEST_TEXT)))
                    .append('\n');
        }
        return out.toString();
    }

    private void head(
            String arrow, int line, int column, String pointer, String role, StringBuilder out) {
        out.append("  ").append(arrow).append(' ').append(origin);
        if (line > 0) {
            out.append(':').append(line).append(':').append(column);
        }
        if (!pointer.isEmpty()) {
            out.append("  ").append(clean(pointer, WIDEST_POINTER));
        }
        if (!role.isEmpty()) {
            out.append("  (").append(clean(role, WIDEST_TEXT)).append(')');
        }
        out.append('\n');
    }

    private void source(int line, int column, char mark, String colour, StringBuilder out) {
        String source = lines.line(line);
        if (line < 1 || line > lines.count() || source.isBlank()) {
            return;
        }
        int caret = Math.clamp(column - 1L, 0, source.length());
        boolean near = Columns.of(source, 0, caret) <= WIDEST_LINE * 2 / 3;
        int from = near ? 0 : Columns.back(source, caret, WIDEST_LINE / 3);
        int to = Columns.forward(source, from, WIDEST_LINE);
        String number = String.valueOf(line);
        out.append(' ').append(number).append(" | ").append(from == 0 ? "" : CUT);
        out.append(Columns.expanded(visible(source.substring(from, to))));
        out.append(to == source.length() ? "" : CUT).append('\n');
        out.append(' ').append(" ".repeat(number.length())).append(" | ");
        out.append(from == 0 ? "" : " ".repeat(CUT.length()));
        out.append(" ".repeat(Columns.of(source, from, caret)));
        int end = Math.max(caret, Math.min(to, wordEnd(source, caret)));
        int width = Math.max(1, Columns.of(source, caret, end));
        out.append(paint(colour, String.valueOf(mark).repeat(width))).append('\n');
    }

    /** Returns where the name, text or number that starts at {@code start} ends in its line. */
    private static int wordEnd(String source, int start) {
        if (start >= source.length()) {
            return start;
        }
        char quote = source.charAt(start);
        boolean quoted = quote == '"' || quote == '\'';
        int end = start + (quoted ? 1 : 0);
        while (end < source.length()) {
            char c = source.charAt(end);
            if (quoted && c == quote) {
                return end + 1;
            }
            if (!quoted && (Character.isWhitespace(c) || ",:{}[]()\"'#".indexOf(c) >= 0)) {
                return end;
            }
            end += quoted && c == '\\' ? 2 : 1;
        }
        return source.length();
    }

    private static String clean(String text, int widest) {
        return visible(text.length() <= widest ? text : text.substring(0, widest) + CUT);
    }

    /** Replaces what a terminal would obey instead of showing. */
    private static String visible(String text) {
        StringBuilder out = new StringBuilder(text.length());
        text.codePoints()
                .forEach(
                        c -> {
                            boolean obeyed =
                                    (Character.isISOControl(c) && c != '\t')
                                            || Character.getType(c) == Character.FORMAT;
                            out.appendCodePoint(obeyed ? '\ufffd' : c);
                        });
        return out.toString();
    }

    private static String colour(Diagnostic diagnostic) {
        return switch (diagnostic.severity()) {
            case ERROR -> "\u001b[1;31m";
            case WARNING -> "\u001b[1;33m";
            case NOTE -> "\u001b[1;34m";
        };
    }

    private String paint(String code, String text) {
        return coloured ? code + text + RESET : text;
    }
}
