package ds.config;

/** Reads a text in quotes, whatever quotes, and says what JSON does not have. */
final class QuotedText {
    /** Takes note of a slip: offset, what is wrong, what to write. */
    @FunctionalInterface
    interface Slips {
        void add(int offset, String message, String way);
    }

    private static final String TYPOGRAPHIC =
            "\u201c\u201d\u201e\u201f\u2018\u2019\u201a\u00ab\u00bb\u2033\uff02`";

    private final TextCursor cursor;
    private final Slips slips;
    private final StringBuilder out = new StringBuilder();

    QuotedText(TextCursor cursor, Slips slips) {
        this.cursor = cursor;
        this.slips = slips;
    }

    static boolean isTypographic(char c) {
        return TYPOGRAPHIC.indexOf(c) >= 0;
    }

    /** Reads the text that starts here and moves behind it. */
    String read() {
        int start = cursor.at();
        char quote = cursor.peek();
        boolean typographic = isTypographic(quote);
        if (typographic) {
            slips.add(start, "The quote %c does not delimit text.".formatted(quote), "Write \".");
        }
        cursor.skip(1);
        while (!cursor.isLineEnd()) {
            char c = cursor.peek();
            if (c == quote || (typographic && (isTypographic(c) || c == '"'))) {
                cursor.skip(1);
                return out.toString();
            }
            if (c == '\\') {
                escape();
            } else {
                if (c < ' ') {
                    control(c);
                }
                out.append(c);
                cursor.skip(1);
            }
        }
        return unclosed(start);
    }

    private void control(char c) {
        slips.add(
                cursor.at(),
                "A string contains a raw control character, U+%04X.".formatted((int) c),
                c == '\t' ? "Write \\t." : "Write it as an escape, \\u%04x.".formatted((int) c));
    }

    private String unclosed(int start) {
        int end = cursor.at();
        slips.add(
                start,
                "The string that starts here has no closing quote in its line.",
                "Write the quote at its end; a line break inside a string is \\n.");
        cursor.backToMemberEnd(start + 1);
        out.setLength(Math.max(0, out.length() - (end - cursor.at())));
        return out.toString();
    }

    private void escape() {
        int here = cursor.at();
        char c = cursor.peek(1);
        int known = "\"\\/bfnrt".indexOf(c);
        if (known >= 0 && c != '\0') {
            out.append("\"\\/\b\f\n\r\t".charAt(known));
            cursor.skip(2);
            return;
        }
        int code = c == 'u' ? hexadecimal() : -1;
        if (code >= 0) {
            out.append((char) code);
            cursor.skip(6);
            return;
        }
        slips.add(
                here,
                c == 'u'
                        ? "An escape \\u needs four hexadecimal digits."
                        : "\\%s is not an escape.".formatted(c < ' ' ? "" : c),
                c == '\'' ? "Write ' alone." : "Write \\\\ for a backslash.");
        out.append('\\');
        cursor.skip(1);
    }

    private int hexadecimal() {
        int code = 0;
        for (int digit = 2; digit < 6; digit++) {
            int value = Character.digit(cursor.peek(digit), 16);
            if (value < 0) {
                return -1;
            }
            code = 16 * code + value;
        }
        return code;
    }
}
