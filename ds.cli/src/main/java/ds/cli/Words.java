package ds.cli;

import ds.core.Diagnostic;
import ds.core.KeyDeclaration;
import ds.core.Settings;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Settings as they stand on a command line: {@code key=value,key=value}. */
final class Words {
    private Words() {}

    /**
     * Adds what {@code list} says to {@code raw}, as texts.
     *
     * @throws UserMistakeException if a word is no key=value, or a key is given twice
     */
    static void read(String option, String list, Map<String, Object> raw) {
        for (String word : list.split(",", -1)) {
            int equals = word.indexOf('=');
            if (equals < 1) {
                throw new UserMistakeException(
                        "'%s' in %s is no key=value; write %s."
                                .formatted(
                                        word,
                                        option,
                                        option.equals("--model")
                                                ? "gpt:layers=4,width=128"
                                                : "sgd:momentum=0.9"));
            }
            String key = word.substring(0, equals).strip();
            if (raw.put(key, word.substring(equals + 1).strip()) != null) {
                throw new UserMistakeException(
                        "'%s' is given twice in %s; give it once.".formatted(key, option));
            }
        }
    }

    /** Returns {@code value} as the type that {@code key} is declared with, where it is one. */
    static Object typed(List<KeyDeclaration> declared, String key, Object value) {
        if (!(value instanceof String word)) {
            return value;
        }
        for (KeyDeclaration declaration : declared) {
            if (declaration.name().equals(key)) {
                return switch (declaration.type()) {
                    case BOOLEAN -> truth(word);
                    case INTEGER, NUMBER -> number(word);
                    case NUMBERS -> numbers(word);
                    default -> word;
                };
            }
        }
        return value;
    }

    private static Object truth(String word) {
        return switch (word) {
            case "true" -> true;
            case "false" -> false;
            default -> word;
        };
    }

    private static Object number(String word) {
        try {
            double value = Double.parseDouble(word);
            return value == Math.rint(value) && Math.abs(value) < 0x1p53
                    ? (Object) (long) value
                    : value;
        } catch (NumberFormatException e) {
            return word; // the check says what is expected
        }
    }

    private static Object numbers(String word) {
        List<Object> values = new ArrayList<>();
        for (String part : word.split("x", -1)) {
            values.add(number(part));
        }
        return values;
    }

    /** Returns every problem of {@code checked} in one sentence about {@code what}. */
    static String problems(String what, Settings.Checked checked) {
        List<String> problems = new ArrayList<>();
        for (Diagnostic problem : checked.diagnostics()) {
            if (problem.isError()) {
                problems.add((problem.message() + " " + problem.suggestion()).strip());
            }
        }
        return "%s: %s".formatted(what, String.join(" ", problems));
    }
}
