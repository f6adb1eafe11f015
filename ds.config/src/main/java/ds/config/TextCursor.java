package ds.config;

import java.util.Optional;
import java.util.function.BiConsumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A position in a text that knows what JSON skips: blanks and comments. */
final class TextCursor {
    private static final String SEPARATORS = ":,{}[]()=;\"'\uff0c\uff1a";
    private static final Pattern THOUSANDS = Pattern.compile("-?\\d{1,3}(,\\d{3})+(?=\\s*[,}])");

    private final String text;
    private int at;

    TextCursor(String text) {
        this.text = text;
    }

    int at() {
        return at;
    }

    void to(int offset) {
        at = offset;
    }

    void skip(int characters) {
        at += characters;
    }

    boolean isEnded() {
        return at >= text.length();
    }

    /** Returns the character here, or NUL at the end. */
    char peek() {
        return peek(0);
    }

    char peek(int ahead) {
        return at + ahead < text.length() ? text.charAt(at + ahead) : '\0';
    }

    boolean startsWith(String wanted) {
        return text.startsWith(wanted, at);
    }

    boolean isLineEnd() {
        return isEnded() || peek() == '\n' || peek() == '\r';
    }

    String from(int start) {
        return text.substring(start, at);
    }

    /**
     * Skips blanks and comments.
     *
     * @param slip called with an offset and {@code blank} or {@code comment} for what looks like one
     */
    void skipBlank(BiConsumer<Integer, String> slip) {
        while (!isEnded()) {
            char c = peek();
            if (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
                at++;
            } else if (startsComment()) {
                comment(slip);
            } else if (looksBlank(c)) {
                slip.accept(at, "blank");
                at++;
            } else {
                return;
            }
        }
    }

    private static boolean looksBlank(char c) {
        return Character.isWhitespace(c)
                || Character.isSpaceChar(c)
                || Character.getType(c) == Character.FORMAT;
    }

    private boolean startsComment() {
        return peek() == '#' || startsWith("//") || startsWith("/*");
    }

    private void comment(BiConsumer<Integer, String> slip) {
        if (!startsWith("/*")) {
            while (!isLineEnd()) {
                at++;
            }
            return;
        }
        int end = text.indexOf("*/", at + 2);
        if (end < 0) {
            slip.accept(at, "comment");
        }
        at = end < 0 ? text.length() : end + 2;
    }

    /** Reads what stands here up to a blank or a character that JSON gives a meaning. */
    String word() {
        int start = at;
        while (!isEnded() && !isSeparator(peek()) && !(at > start && startsWith("//"))) {
            at++;
        }
        return from(start);
    }

    /** Reads a number whose thousands are set apart by commas, if one stands here. */
    Optional<String> thousands() {
        Matcher matcher = THOUSANDS.matcher(text).region(at, text.length());
        if (!matcher.lookingAt()) {
            return Optional.empty();
        }
        at = matcher.end();
        return Optional.of(matcher.group());
    }

    /** Reads what a template leaves to be filled in, if it stands here: <code>${x}, {{x}}</code>. */
    Optional<String> placeholder() {
        String close = startsWith("{{") ? "}}" : "}";
        int end = startsWith("{{") || startsWith("${") ? text.indexOf(close, at) : -1;
        int line = text.indexOf('\n', at);
        if (end < 0 || (line >= 0 && line < end)) {
            return Optional.empty();
        }
        String found = text.substring(at, end + close.length());
        at += found.length();
        return Optional.of(found);
    }

    /** Returns how many more braces close than open behind here. */
    int surplusBraces() {
        int surplus = 0;
        for (int index = at; index < text.length(); index++) {
            char c = text.charAt(index);
            surplus += c == '}' ? 1 : c == '{' ? -1 : 0;
        }
        return surplus;
    }

    /** Reads on to what may end a text without quotes: a comma, a closer, a quote, a comment. */
    String rest(int start) {
        while (!isLineEnd() && ",}])\"'".indexOf(peek()) < 0 && !isCommentBehindBlank()) {
            at++;
        }
        while (at > start && looksBlank(text.charAt(at - 1))) {
            at--;
        }
        return from(start);
    }

    private boolean isCommentBehindBlank() {
        return at > 0 && looksBlank(text.charAt(at - 1)) && startsComment();
    }

    /** Moves behind the bracket that closes the one here, without looking closely. */
    void skipBalanced() {
        int depth = 0;
        do {
            char c = peek();
            if (c == '"') {
                int close = text.indexOf('"', at + 1);
                at = close < 0 ? text.length() : close;
            }
            depth += c == '{' || c == '[' ? 1 : c == '}' || c == ']' ? -1 : 0;
            at++;
        } while (depth > 0 && !isEnded());
        at = Math.min(at, text.length());
    }

    /** Steps back from the end of a line over what ends a member: blanks, a comma, closers. */
    void backToMemberEnd(int least) {
        while (at > least && (" \t,}]".indexOf(text.charAt(at - 1)) >= 0)) {
            at--;
        }
    }

    private static boolean isSeparator(char c) {
        return c == '\0' || looksBlank(c) || SEPARATORS.indexOf(c) >= 0 || c == '\ufeff';
    }
}
