package ds.config;

/** Where names and values of a readable document end, and what stands between them. */
final class TextSpans {
    private final String text;
    private final TextCursor cursor;

    TextSpans(String text) {
        this.text = text;
        this.cursor = new TextCursor(text);
    }

    /** Returns the offset behind blanks and comments. */
    int behindBlanks(int at) {
        cursor.to(at);
        cursor.skipBlank((_, _) -> {});
        return cursor.at();
    }

    /** Returns the offset behind the name or value that begins at {@code at}. */
    int end(int at) {
        char c = text.charAt(at);
        if (c == '"' || c == '\'') {
            return behindQuoted(at);
        }
        if (c == '{' || c == '[') {
            return behindContainer(at);
        }
        cursor.to(at);
        cursor.word();
        return cursor.at();
    }

    private int behindQuoted(int at) {
        char quote = text.charAt(at);
        int end = at + 1;
        while (text.charAt(end) != quote) {
            end += text.charAt(end) == '\\' ? 2 : 1;
        }
        return end + 1;
    }

    private int behindContainer(int at) {
        int depth = 0;
        int here = at;
        do {
            char c = text.charAt(here);
            if (c == '"' || c == '\'') {
                here = behindQuoted(here);
            } else {
                depth += c == '{' || c == '[' ? 1 : c == '}' || c == ']' ? -1 : 0;
                here++;
            }
            here = depth > 0 ? behindBlanks(here) : here;
        } while (depth > 0);
        return here;
    }

    /** Returns the offset at which the line of {@code at} starts; -1 if it has more before. */
    int lineStart(int at) {
        int start = at;
        while (start > 0 && isSpace(text.charAt(start - 1))) {
            start--;
        }
        return start == 0 || isLineEnd(text.charAt(start - 1)) ? start : -1;
    }

    /** Returns the offset of the next line; -1 if something stands before it. */
    int nextLine(int at) {
        int end = at;
        while (end < text.length() && isSpace(text.charAt(end))) {
            end++;
        }
        if (end < text.length() && !isLineEnd(text.charAt(end))) {
            return -1;
        }
        boolean both = text.startsWith("\r\n", end);
        return Math.min(text.length(), end + (both ? 2 : 1));
    }

    private static boolean isSpace(char c) {
        return c == ' ' || c == '\t';
    }

    private static boolean isLineEnd(char c) {
        return c == '\n' || c == '\r';
    }
}
