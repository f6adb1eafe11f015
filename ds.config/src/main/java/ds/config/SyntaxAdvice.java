package ds.config;

import ds.core.Diagnostic;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import tools.jackson.core.JacksonException;
import tools.jackson.core.exc.UnexpectedEndOfInputException;

/** Turns a reader's complaint into what to write instead. */
final class SyntaxAdvice {
    private static final Pattern BARE_WORD = Pattern.compile("[\\p{L}_][\\p{L}\\p{N}_./-]*");
    private static final Pattern BARE_NUMBER = Pattern.compile("[+]?[\\d_.][\\w.+-]*");

    private SyntaxAdvice() {}

    static Diagnostic describe(String text, JacksonException failure) {
        int line = DocumentParser.line(failure.getLocation());
        int column = DocumentParser.column(failure.getLocation());
        String original = failure.getOriginalMessage();
        if (failure instanceof UnexpectedEndOfInputException || original.contains("end-of-input")) {
            return at(
                    line,
                    column,
                    "The text ends in the middle of a value or object.",
                    "Close what is still open: a brace, a bracket or a quote.");
        }
        int offset = offset(text, line, column);
        int start = wordStart(text, offset);
        String rest = text.substring(start, lineEnd(text, start));
        char before = lastInk(text, start);
        int wordColumn = column - (offset - start);
        int quotes = text.lastIndexOf("'''", offset);
        if (quotes >= 0 && quotes + 2 >= offset) {
            return at(
                    line,
                    column - (offset - quotes),
                    "Text in ''' is not read here.",
                    "Write one \"quoted\" string with \\n for a new line.");
        }
        Matcher word = BARE_WORD.matcher(rest);
        if (word.lookingAt() && (before == ':' || before == '[')) {
            return bareWord(line, wordColumn, word.group());
        }
        Matcher number = BARE_NUMBER.matcher(rest);
        if (number.lookingAt() && (before == ':' || before == '[')) {
            return at(
                    line,
                    wordColumn,
                    "'%s' is not a JSON number.".formatted(number.group()),
                    "Write digits without a leading zero, plus sign or underscore, such as 1000.");
        }
        if (before == ',' && rest.startsWith(",")) {
            return at(line, wordColumn, "Two commas follow each other.", "Remove one.");
        }
        if (original.contains("Illegal unquoted character") || original.contains("CTRL-CHAR")) {
            return at(
                    line,
                    column,
                    "A string contains a raw control character.",
                    "Write it as an escape: \\n for a new line, \\t for a tab.");
        }
        if (original.contains("expecting comma") || original.contains("expected comma")) {
            return at(
                    line,
                    column,
                    "A comma is missing before this.",
                    "Separate members with commas; a new line does not.");
        }
        if (original.contains("Unexpected close marker")) {
            return at(
                    line,
                    column,
                    "This closing brace or bracket has no partner.",
                    "Remove it, or add the opening one.");
        }
        if (original.contains("colon")) {
            return at(
                    line,
                    column,
                    "A colon is missing after the name of a key.",
                    "Write \"name\": value.");
        }
        if (text.stripLeading().startsWith("{")) {
            return at(line, column, "This is not JSON: " + firstSentence(original) + ".", "");
        }
        return at(
                line,
                column,
                "The document must be an object in braces.",
                "Put { before the first key and } after the last.");
    }

    private static Diagnostic bareWord(int line, int column, String word) {
        String instead =
                switch (word) {
                    case "True", "TRUE" -> "true";
                    case "False", "FALSE" -> "false";
                    case "None", "Null", "NULL", "nil" -> "null";
                    default -> "\"" + word + "\"";
                };
        boolean number = word.equals("NaN") || word.startsWith("Inf");
        return at(
                line,
                column,
                number
                        ? "%s is not a JSON number.".formatted(word)
                        : "The text %s needs quotes or another spelling.".formatted(word),
                number ? "Write a finite number." : "Write %s.".formatted(instead));
    }

    private static Diagnostic at(int line, int column, String message, String way) {
        return Diagnostic.error("syntax", "", message, way).at(line, Math.max(0, column));
    }

    private static int offset(String text, int line, int column) {
        int start = 0;
        for (int current = 1; current < line && start < text.length(); current++) {
            start = lineEnd(text, start) + 1;
        }
        return Math.clamp((long) start + column - 1, 0, Math.max(0, text.length() - 1));
    }

    /** Steps back to the beginning of the word that the reader stopped in or just behind. */
    private static int wordStart(String text, int offset) {
        int start = offset;
        while (start > 0 && isWord(text.charAt(start - 1))) {
            start--;
        }
        return start;
    }

    private static boolean isWord(char c) {
        return Character.isLetterOrDigit(c) || c == '_' || c == '.' || c == '+' || c == '-';
    }

    private static char lastInk(String text, int offset) {
        int at = offset - 1;
        while (at >= 0 && Character.isWhitespace(text.charAt(at))) {
            at--;
        }
        return at < 0 ? ' ' : text.charAt(at);
    }

    private static int lineEnd(String text, int from) {
        int end = text.indexOf('\n', from);
        return end < 0 ? text.length() : end;
    }

    private static String firstSentence(String message) {
        int end = message.indexOf('\n');
        return end < 0 ? message : message.substring(0, end);
    }
}
