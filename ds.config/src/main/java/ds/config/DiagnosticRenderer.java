package ds.config;

import ds.core.Diagnostic;
import java.util.List;

/**
 * Renders diagnostics for people: what, where, the source line with a caret, and the way out.
 *
 * <pre>{@code
 * error: 'gradient_cliping' is not a key here. [unknown-key]
 *   --> ds_config.json:4:3  /gradient_cliping
 *    |
 *  4 |   "gradient_cliping": 1.0,
 *    |   ^
 *    = Did you mean 'gradient_clipping'?
 * }</pre>
 */
public final class DiagnosticRenderer {
    private static final int WIDEST_LINE = 160;
    private static final String RESET = "\u001b[0m";

    private final String origin;
    private final String[] lines;
    private final boolean coloured;

    /**
     * @param origin what was read, such as a file name
     * @param text the text that was read; {@code ""} leaves source lines out
     * @param coloured whether to use terminal colours
     */
    public DiagnosticRenderer(String origin, String text, boolean coloured) {
        this.origin = origin;
        this.lines = text.split("\r?\n", -1);
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
        StringBuilder out = new StringBuilder();
        out.append(paint(colour(diagnostic), diagnostic.severity().label()))
                .append(": ")
                .append(paint("\u001b[1m", diagnostic.message()))
                .append(" [")
                .append(diagnostic.code())
                .append("]\n");
        String place =
                diagnostic.line() == 0
                        ? origin
                        : "%s:%d:%d".formatted(origin, diagnostic.line(), diagnostic.column());
        out.append("  --> ").append(place).append("  ").append(diagnostic.pointer());
        trimRight(out);
        out.append('\n');
        source(diagnostic, out);
        if (!diagnostic.suggestion().isEmpty()) {
            out.append("   = ").append(paint("\u001b[36m", diagnostic.suggestion())).append('\n');
        }
        return out.toString();
    }

    private void source(Diagnostic diagnostic, StringBuilder out) {
        int line = diagnostic.line();
        if (line < 1 || line > lines.length || lines[line - 1].isBlank()) {
            return;
        }
        String source = lines[line - 1];
        int caret = Math.clamp(diagnostic.column() - 1L, 0, source.length());
        int from = Math.max(0, caret - WIDEST_LINE / 2);
        String shown = source.substring(from, Math.min(source.length(), from + WIDEST_LINE));
        StringBuilder indent = new StringBuilder();
        for (int index = from; index < caret; index++) {
            indent.append(source.charAt(index) == '\t' ? '\t' : ' ');
        }
        String number = String.valueOf(line);
        String margin = " ".repeat(number.length());
        out.append(" %s | %s%n".formatted(number, shown).replace("\r\n", "\n"));
        out.append(" %s | %s".formatted(margin, indent)).append(paint(colour(diagnostic), "^"));
        out.append('\n');
    }

    private static void trimRight(StringBuilder out) {
        while (out.charAt(out.length() - 1) == ' ') {
            out.setLength(out.length() - 1);
        }
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
