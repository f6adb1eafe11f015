package ds.config;

import java.util.Optional;
import java.util.regex.Pattern;

/** What people write instead of JSON, and what to write instead of that. */
final class SyntaxAdvice {
    /** Stands for a null that was meant. */
    static final Object NULL = new Object();

    static final String FILL_IN = "Fill it in before the file is read.";

    static final String FAR_EXPONENT = "The exponent of this number has more than nine digits.";

    private static final Pattern NUMERIC = Pattern.compile("[+-]?\\.?\\d[\\w.+-]*");
    private static final Pattern NOT_FINITE =
            Pattern.compile("[+-]?(nan|inf|infinity)", Pattern.CASE_INSENSITIVE);

    /**
     * What a word without quotes was meant to be.
     *
     * @param message what is wrong with it
     * @param way what to write
     * @param value the value meant, {@link #NULL} for null; empty if there is no telling
     */
    record Guess(String message, String way, Optional<Object> value) {}

    private SyntaxAdvice() {}

    /** Returns the value of one of JSON's three words, {@link #NULL} for null. */
    static Optional<Object> literal(String word) {
        return switch (word) {
            case "true" -> Optional.of(true);
            case "false" -> Optional.of(false);
            case "null" -> Optional.of(NULL);
            default -> Optional.empty();
        };
    }

    /** Returns whether a word begins as a number does. */
    static boolean looksNumeric(String word) {
        return NUMERIC.matcher(word).matches();
    }

    /** Says what a word that is neither number nor literal was meant to be. */
    static Guess guess(String written) {
        String shown = Pointers.cut(written);
        if (NOT_FINITE.matcher(written).matches()) {
            return new Guess(
                    shown + " is not a JSON number.", "Write a finite number.", Optional.empty());
        }
        if (looksNumeric(written)) {
            Optional<String> meant = JsonNumber.meant(written);
            return new Guess(
                    "'%s' is not a JSON number.".formatted(shown),
                    meant.map("Write %s."::formatted)
                            .orElse("Write digits alone, such as 1000 or 1e-3."),
                    meant.flatMap(JsonNumber::value));
        }
        String literal =
                switch (written) {
                    case "True", "TRUE", "yes", "on" -> "true";
                    case "False", "FALSE", "no", "off" -> "false";
                    case "None", "Null", "NULL", "nil", "undefined" -> "null";
                    default -> "";
                };
        if (!literal.isEmpty()) {
            return new Guess(
                    "JSON spells %s otherwise.".formatted(shown),
                    "Write %s.".formatted(literal),
                    literal(literal));
        }
        return new Guess(
                "The text %s needs quotes.".formatted(shown),
                "Write \"%s\".".formatted(shown.replace("\\", "\\\\")),
                Optional.of(written));
    }

    /** Says that a template was not filled in. */
    static String placeholder(String found) {
        return "%s is a placeholder of a template.".formatted(Pointers.cut(found));
    }

    /** Says that a character has no meaning here. */
    static String stray(char c) {
        return "The character %s does not belong here.".formatted(named(c));
    }

    /** Says that a character only looks like a blank. */
    static String oddBlank(char c) {
        return "The character %s looks like a space, but is none in JSON.".formatted(named(c));
    }

    private static String named(char c) {
        boolean visible = c > ' ' && c < 127;
        return visible ? String.valueOf(c) : "U+%04X".formatted((int) c);
    }
}
