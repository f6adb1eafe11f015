package ds.config;

import ds.core.KeyDeclaration;
import ds.core.KeyDeclaration.Range;
import ds.core.KeyDeclaration.Trait;
import ds.core.KeyDeclaration.Type;
import ds.core.Settings;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** What the value of one key may be, in the words of JSON Schema: one form, or several to choose. */
final class ValueSchema {
    private static final String QUOTED_FLAG = "quotedBoolean";
    private static final String FLAG_NUMBER = "booleanAsNumber";
    private static final String QUOTED_INTEGER = "quotedInteger";
    private static final String QUOTED_NUMBER = "quotedNumber";

    private final KeyDeclaration key;
    private final List<Map<String, Object>> forms = new ArrayList<>();

    private ValueSchema(KeyDeclaration key) {
        this.key = key;
    }

    /**
     * Returns the schema of a value.
     *
     * @param object the schema of the object, if it is one; otherwise unused
     */
    static Map<String, Object> of(KeyDeclaration key, Map<String, Object> object) {
        ValueSchema value = new ValueSchema(key);
        value.forms(object);
        return value.forms.size() == 1
                ? value.forms.getFirst()
                : map("anyOf", List.copyOf(value.forms));
    }

    /** Returns the forms that the reader takes with a warning, by name. */
    static Map<String, Object> definitions() {
        Map<String, Object> all = new LinkedHashMap<>();
        all.put(
                QUOTED_FLAG,
                text(
                        "true, false, yes, no, on or off in quotes: read, with a warning.",
                        ignoringCase(
                                List.of(
                                        "true", "t", "yes", "y", "on", "1", "1.0", "false", "f",
                                        "no", "n", "off", "0", "0.0"))));
        Map<String, Object> number = map("enum", List.of(0, 1));
        number.put("description", "0 for false, 1 for true: read, with a warning.");
        all.put(FLAG_NUMBER, number);
        all.put(
                QUOTED_INTEGER,
                text(
                        "An integer in quotes: read, with a warning.",
                        "^\\s*[+-]?(\\d+(_\\d+)*(\\.0*)?|\\.0+)\\s*$"));
        all.put(
                QUOTED_NUMBER,
                text(
                        "A number in quotes: read, with a warning.",
                        "^\\s*[+-]?(\\d+(_\\d+)*(\\.\\d*)?|\\.\\d+)([eE][+-]?\\d{1,9})?\\s*$"));
        return all;
    }

    private void forms(Map<String, Object> object) {
        Range range = key.range();
        switch (key.type()) {
            case BOOLEAN -> {
                add(map("type", "boolean"));
                lenient(FLAG_NUMBER);
                quoted(QUOTED_FLAG);
            }
            case INTEGER -> {
                add(limited("integer", range));
                truth();
                quoted(QUOTED_INTEGER);
            }
            case NUMBER -> {
                add(limited("number", range));
                truth();
                quoted(QUOTED_NUMBER);
            }
            case STRING -> add(string());
            case PATH -> add(text("", "^[^\\u0000]*$"));
            case CHOICE -> choice();
            case NUMBERS -> add(list(numberOrTruth("number")));
            case INTEGERS -> add(list(numberOrTruth("integer")));
            case STRINGS -> {
                Map<String, Object> item =
                        key.choices().isEmpty() ? map("type", "string") : words();
                add(list(item));
                if (key.has(Trait.SET)) {
                    add(item);
                }
            }
            case LIST -> add(map("type", "array"));
            case OBJECT -> add(object);
            case ANY -> add(new LinkedHashMap<>());
            case NOTHING -> {}
        }
        if (key.type() == Type.ANY) {
            return; // whatever else might be said is any value too
        }
        if (key.mayBeAuto()) {
            add(map("const", Settings.AUTO));
        }
        if (key.has(Trait.NULLABLE) || key.has(Trait.EMPTY_IF_NULL)) {
            add(map("type", "null"));
        }
        if (key.has(Trait.VERBATIM)) {
            Map<String, Object> other = map("not", map("type", jsonType()));
            other.put("description", "A value of another type is left as it is, with a warning.");
            add(other);
        }
    }

    private void add(Map<String, Object> form) {
        forms.add(form);
    }

    /** A truth value stands for 1 or 0 where the range has them. */
    private void truth() {
        List<Object> read = truths();
        if (!read.isEmpty()) {
            Map<String, Object> truth = map("enum", read);
            truth.put("description", "Read as 1 or 0, with a warning.");
            add(truth);
        }
    }

    private List<Object> truths() {
        return key.has(Trait.NO_BOOLEAN)
                ? List.of()
                : Stream.of(true, false)
                        .filter(b -> key.range().contains(b ? BigDecimal.ONE : BigDecimal.ZERO))
                        .<Object>map(b -> b)
                        .toList();
    }

    private Map<String, Object> numberOrTruth(String type) {
        Map<String, Object> number = limited(type, key.range());
        List<Object> read = truths();
        return read.isEmpty() ? number : map("anyOf", List.of(number, map("enum", read)));
    }

    private void quoted(String definition) {
        if (!key.has(Trait.UNQUOTED)) {
            lenient(definition);
        }
    }

    private void lenient(String definition) {
        add(map("$ref", "#/$defs/" + definition));
    }

    private Map<String, Object> string() {
        Map<String, Object> string = map("type", "string");
        if (key.has(Trait.NOT_EMPTY)) {
            string.put("minLength", 1);
        }
        return string;
    }

    private void choice() {
        add(words());
        if (key.has(Trait.ANY_CASE)) {
            add(text("In any case.", ignoringCase(key.choices())));
        }
    }

    private Map<String, Object> words() {
        return map("enum", List.copyOf(key.choices()));
    }

    private Map<String, Object> list(Map<String, Object> item) {
        Map<String, Object> list = map("type", "array");
        list.put("items", item);
        int items = key.range().items();
        if (items > 0) {
            list.put("minItems", items);
            list.put("maxItems", items);
        } else if (key.has(Trait.NOT_EMPTY)) {
            list.put("minItems", 1);
        }
        return list;
    }

    private String jsonType() {
        return switch (key.type()) {
            case BOOLEAN -> "boolean";
            case INTEGER, NUMBER -> "number";
            case STRING, PATH, CHOICE -> "string";
            case NUMBERS, INTEGERS, STRINGS, LIST -> "array";
            case OBJECT, ANY -> "object";
            case NOTHING -> "null";
        };
    }

    private static Map<String, Object> limited(String type, Range range) {
        Map<String, Object> number = map("type", type);
        range.least()
                .ifPresent(
                        least ->
                                number.put(
                                        range.leastAllowed() ? "minimum" : "exclusiveMinimum",
                                        plain(least)));
        range.most()
                .ifPresent(
                        most ->
                                number.put(
                                        range.mostAllowed() ? "maximum" : "exclusiveMaximum",
                                        plain(most)));
        return number;
    }

    private static Number plain(BigDecimal bound) {
        boolean whole = bound.signum() == 0 || bound.stripTrailingZeros().scale() <= 0;
        return whole ? (Number) bound.toBigInteger() : bound;
    }

    /** Returns the schema of a text with this pattern; an empty description is left out. */
    static Map<String, Object> text(String description, String pattern) {
        Map<String, Object> text = map("type", "string");
        text.put("pattern", pattern);
        if (!description.isEmpty()) {
            text.put("description", description);
        }
        return text;
    }

    /** Returns a pattern, in the dialect of JavaScript, of these words in any case. */
    static String ignoringCase(List<String> words) {
        return words.stream()
                .map(ValueSchema::ignoringCase)
                .collect(Collectors.joining("|", "^(", ")$"));
    }

    private static String ignoringCase(String word) {
        StringBuilder pattern = new StringBuilder();
        for (char c : word.toCharArray()) {
            char upper = Character.toUpperCase(c);
            char lower = Character.toLowerCase(c);
            if (upper != lower) {
                pattern.append('[').append(lower).append(upper).append(']');
            } else {
                pattern.append(Character.isLetterOrDigit(c) || c == '_' ? "" : "\\").append(c);
            }
        }
        return pattern.toString();
    }

    /** Returns a map to which more can be added. */
    static Map<String, Object> map(String name, Object value) {
        Map<String, Object> map = new LinkedHashMap<>();
        map.put(name, value);
        return map;
    }
}
