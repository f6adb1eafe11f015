package ds.core;

import ds.core.KeyDeclaration.Type;
import java.math.BigDecimal;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** What is said about a key that nobody declared, or a value that its key does not take. */
final class KeyAdvice {
    private static final int SHOWN_CHARACTERS = 60;
    private static final int SHOWN_KEYS = 12;
    private static final Pattern NUMBER =
            Pattern.compile("[+-]?\\d{1,30}(\\.\\d{1,30})?([eE][+-]?\\d{1,3})?");

    private KeyAdvice() {}

    /** Says that a key is unknown, and which one was probably meant. */
    static Diagnostic unknown(String written, String place, Set<String> known) {
        List<String> near = Spelling.nearest(written, known, 1);
        String suggestion =
                near.isEmpty()
                        ? known.isEmpty() || known.size() > SHOWN_KEYS
                                ? ""
                                : "Known here: " + String.join(", ", known) + "."
                        : "Did you mean '%s'?".formatted(near.getFirst());
        return Diagnostic.error(
                "unknown-key",
                place,
                "'%s' is not a key here.".formatted(cut(written)),
                suggestion);
    }

    /** Says that a value is not of its key's type, and what to write if that is clear. */
    static Diagnostic mistyped(KeyDeclaration key, @Nullable Object value, String place) {
        return Diagnostic.error(
                "type",
                place,
                "'%s' must be %s, was %s.".formatted(key.name(), key.rule(), shown(value)),
                wayOut(key, value));
    }

    /** Returns what was probably meant; {@code ""} if there is no telling. */
    private static String wayOut(KeyDeclaration key, @Nullable Object value) {
        if (key.type() == Type.OBJECT) {
            return asMember(key, value);
        }
        boolean number = key.type() == Type.INTEGER || key.type() == Type.NUMBER;
        if (number && value instanceof String text && NUMBER.matcher(text.strip()).matches()) {
            BigDecimal meant = new BigDecimal(text.strip());
            boolean whole = meant.stripTrailingZeros().scale() <= 0;
            return whole || key.type() == Type.NUMBER
                    ? "Write %s without quotes.".formatted(text.strip())
                    : "";
        }
        return "";
    }

    /** A section's switch, device or type written in place of the section. */
    private static String asMember(KeyDeclaration section, @Nullable Object value) {
        for (KeyDeclaration key : section.keys()) {
            boolean meant =
                    switch (key.name()) {
                        case "enabled" -> value instanceof Boolean;
                        case "type" -> value instanceof String;
                        case "device" -> value instanceof String s && key.choices().contains(s);
                        default -> false;
                    };
            if (meant) {
                return "Write {\"%s\": %s}.".formatted(key.name(), shown(value));
            }
        }
        return "";
    }

    /** Returns the name of a key as a sentence needs it: a switch is called by its section too. */
    static String label(KeyDeclaration key, String place) {
        int end = place.lastIndexOf('/');
        int start = place.lastIndexOf('/', end - 1);
        return key.name().equals("enabled") && start >= 0
                ? place.substring(start + 1, end) + "." + key.name()
                : key.name();
    }

    /** Says that a value was read though it should be written otherwise. */
    static Diagnostic lenient(KeyDeclaration key, Object value, String place, String better) {
        return Diagnostic.warning(
                "lenient",
                place,
                "'%s' should be %s, was %s."
                        .formatted(key.name(), key.type().phrase(), shown(value)),
                "It was read as %s; write that.".formatted(better));
    }

    /** Shows a value as JSON would write it, cut to a readable length. */
    static String shown(@Nullable Object value) {
        String text =
                switch (value) {
                    case null -> "null";
                    case String s -> "\"" + s + "\"";
                    case Map<?, ?> _ -> "an object";
                    case List<?> list when list.size() > 4 ->
                            "a list of %d items".formatted(list.size());
                    default -> String.valueOf(value);
                };
        return cut(text);
    }

    /** Returns a text without control characters, cut to a readable length. */
    static String cut(String text) {
        String line = text.replaceAll("\\p{Cntrl}", "?");
        return line.length() <= SHOWN_CHARACTERS
                ? line
                : line.substring(0, SHOWN_CHARACTERS) + "...";
    }
}
