package ds.core;

import ds.core.KeyDeclaration.Status;
import ds.core.KeyDeclaration.Trait;
import ds.core.KeyDeclaration.Type;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Holds an object of JSON values against its declaration. One walk; every problem is kept. */
final class SettingsCheck {
    private static final Set<String> TRUE_WORDS = Set.of("true", "t", "yes", "y", "on", "1");
    private static final Set<String> FALSE_WORDS = Set.of("false", "f", "no", "n", "off", "0");

    private final BoundedDiagnostics found = new BoundedDiagnostics();
    private int refusals;

    private SettingsCheck() {}

    static Settings.Checked run(List<KeyDeclaration> declared, Map<String, ?> object, String at) {
        SettingsCheck check = new SettingsCheck();
        Settings settings = check.object(declared, object, at, false, false);
        return new Settings.Checked(settings, check.found.list());
    }

    private Settings object(
            List<KeyDeclaration> declared,
            Map<?, ?> object,
            String at,
            boolean open,
            boolean idle) {
        Map<String, KeyDeclaration> bySpelling = new LinkedHashMap<>();
        for (KeyDeclaration key : declared) {
            bySpelling.put(key.name(), key);
            key.aliases().forEach(alias -> bySpelling.put(alias, key));
        }
        Map<String, Object> values = new LinkedHashMap<>();
        Map<String, String> spelledAs = new LinkedHashMap<>();
        Set<String> auto = new LinkedHashSet<>();
        for (Map.Entry<?, ?> entry : object.entrySet()) {
            String written = String.valueOf(entry.getKey());
            String place = at + "/" + escape(written);
            KeyDeclaration key = bySpelling.get(written);
            if (key == null) {
                if (isComment(written)) {
                    continue;
                }
                if (open) {
                    if (entry.getValue() != null) {
                        json(written, entry.getValue(), place)
                                .ifPresent(value -> values.put(written, value));
                    }
                    spelledAs.put(written, written);
                } else {
                    found.add(
                            found.isFull()
                                    ? Diagnostic.error("unknown-key", place, "", "") // counted
                                    : KeyAdvice.unknown(written, place, bySpelling.keySet()));
                }
                continue;
            }
            if (key.has(Trait.UNREAD)) {
                found.add(unread(key, place));
                continue;
            }
            if (entry.getValue() == null
                    && key.has(Trait.NULLABLE)
                    && spelledAs.containsKey(key.name())) {
                continue;
            }
            @Nullable String twin = spelledAs.putIfAbsent(key.name(), written);
            boolean nothing = twin != null && object.get(twin) == null;
            if (nothing && key.has(Trait.NULLABLE)) {
                spelledAs.put(key.name(), written);
                twin = null;
            }
            if (twin != null) {
                found.add(
                        Diagnostic.error(
                                        "conflict",
                                        place,
                                        "'%s' and '%s' are two spellings of one key."
                                                .formatted(twin, written),
                                        "Keep one of them.")
                                .alongside(at + "/" + escape(twin), "the other spelling"));
                continue;
            }
            if (Settings.AUTO.equals(entry.getValue()) && key.mayBeAuto()) {
                auto.add(key.name());
                continue;
            }
            value(key, entry.getValue(), place, idle).ifPresent(v -> values.put(key.name(), v));
        }
        for (KeyDeclaration key : declared) {
            boolean present = spelledAs.containsKey(key.name());
            if (!present && key.has(Trait.REQUIRED)) {
                found.add(
                        Diagnostic.error(
                                "missing",
                                at,
                                "'%s' is missing; it must be %s.".formatted(key.name(), key.rule()),
                                ""));
            }
            if (!present || auto.contains(key.name())) {
                key.defaultValue().ifPresent(value -> values.put(key.name(), value));
            }
        }
        return new Settings(values, spelledAs.keySet(), auto);
    }

    private static boolean isComment(String name) {
        return name.startsWith("_") || name.startsWith("//");
    }

    private static Diagnostic unread(KeyDeclaration key, String place) {
        return Diagnostic.error(
                "unread-key",
                place,
                "'%s' is read by nobody: %s".formatted(key.name(), key.reason()),
                "");
    }

    private Optional<Object> value(
            KeyDeclaration key, @Nullable Object written, String place, boolean idle) {
        if (key.has(Trait.VERBATIM) && misfits(key, written)) {
            found.add(verbatim(key, written, place));
            return written == null ? Optional.empty() : json(key.name(), written, place);
        }
        Object value = written == null && key.has(Trait.EMPTY_IF_NULL) ? Map.of() : written;
        if (value == null) {
            if (!key.has(Trait.NULLABLE)) {
                found.add(KeyAdvice.mistyped(key, null, place));
            }
            return Optional.empty();
        }
        boolean inert = idle || key.status() == Status.NO_EFFECT;
        int before = refusals;
        Optional<Object> read =
                switch (key.type()) {
                    case BOOLEAN -> flag(key, value, place);
                    case INTEGER, NUMBER -> number(key, value, place);
                    case STRING -> text(key, value, place);
                    case PATH -> text(key, value, place).map(SettingsCheck::path);
                    case CHOICE -> choice(key, value, place);
                    case NUMBERS, INTEGERS, STRINGS -> list(key, value, place);
                    case OBJECT -> section(key, value, place, inert);
                    case ANY -> json(key.name(), value, place);
                    case LIST ->
                            value instanceof List<?>
                                    ? json(key.name(), value, place)
                                    : mistyped(key, value, place);
                    case NOTHING -> nothing(key, value, place);
                };
        if (read.isEmpty() || read.equals(key.defaultValue())) {
            return read;
        }
        if (key.has(Trait.DEPRECATED)) {
            found.add(
                    Diagnostic.warning(
                            "deprecated",
                            place,
                            "'%s' is an old key.".formatted(key.name()),
                            key.reason()));
        } else if (key.status() == Status.REFUSED) {
            refusals++;
            found.add(
                    Diagnostic.refused(
                            "refused",
                            place,
                            "'%s' = %s is not supported here: %s"
                                    .formatted(
                                            KeyAdvice.label(key, place),
                                            KeyAdvice.shown(value),
                                            key.reason()),
                            ""));
        } else if (key.status() == Status.NO_EFFECT && !idle && refusals == before) {
            found.add(
                    Diagnostic.note(
                            "no-effect",
                            place,
                            "'%s' has no effect here: %s".formatted(key.name(), key.reason()),
                            ""));
        }
        return read;
    }

    private static boolean misfits(KeyDeclaration key, @Nullable Object value) {
        if (value == null) {
            return !key.has(Trait.NULLABLE);
        }
        return !switch (key.type()) {
            case BOOLEAN -> value instanceof Boolean;
            case INTEGER, NUMBER -> value instanceof Number;
            case STRING, PATH, CHOICE -> value instanceof String;
            case NUMBERS, INTEGERS, STRINGS, LIST -> value instanceof List<?>;
            case OBJECT -> value instanceof Map<?, ?>;
            case ANY -> true;
            case NOTHING -> false;
        };
    }

    private static Diagnostic verbatim(KeyDeclaration key, @Nullable Object value, String place) {
        return Diagnostic.warning(
                "lenient",
                place,
                "'%s' should be %s, was %s."
                        .formatted(key.name(), key.rule(), KeyAdvice.shown(value)),
                "It was left as it is: nothing here reads it.");
    }

    private Optional<Object> mistyped(KeyDeclaration key, Object value, String place) {
        found.add(KeyAdvice.mistyped(key, value, place));
        return Optional.empty();
    }

    private Optional<Object> nothing(KeyDeclaration key, Object value, String place) {
        found.add(
                Diagnostic.error(
                        "type",
                        place,
                        "'%s' must be %s, was %s."
                                .formatted(key.name(), key.rule(), KeyAdvice.shown(value)),
                        "Remove it."));
        return Optional.empty();
    }

    /** Takes any JSON value; what has no JSON meaning can only come from a map made in code. */
    private Optional<Object> json(String name, Object value, String place) {
        try {
            return Optional.of(Settings.plain(name, withoutComments(value)));
        } catch (IllegalArgumentException e) {
            found.add(Diagnostic.error("type", place, String.valueOf(e.getMessage()), ""));
            return Optional.empty();
        }
    }

    private static Object withoutComments(Object value) {
        if (value instanceof List<?> list) {
            return list.stream().map(item -> item == null ? null : withoutComments(item)).toList();
        }
        if (!(value instanceof Map<?, ?> map)) {
            return value;
        }
        Map<Object, Object> kept = new LinkedHashMap<>();
        map.forEach(
                (name, item) -> {
                    if (item != null && !isComment(String.valueOf(name))) {
                        kept.put(name, withoutComments(item));
                    }
                });
        return kept;
    }

    private Optional<Object> flag(KeyDeclaration key, Object value, String place) {
        if (value instanceof Boolean) {
            return Optional.of(value);
        }
        String word = String.valueOf(value).toLowerCase(Locale.ROOT);
        boolean yes = TRUE_WORDS.contains(word) || "1.0".equals(word);
        boolean no = FALSE_WORDS.contains(word) || "0.0".equals(word);
        boolean readable =
                value instanceof Number || (value instanceof String && !key.has(Trait.UNQUOTED));
        if (readable && (yes || no)) {
            found.add(KeyAdvice.lenient(key, value, place, String.valueOf(yes)));
            return Optional.of(yes);
        }
        found.add(KeyAdvice.mistyped(key, value, place));
        return Optional.empty();
    }

    private Optional<Object> number(KeyDeclaration key, Object value, String place) {
        Optional<BigDecimal> parsed =
                value instanceof String s ? Numeral.quoted(key, s) : Numeral.of(key, value);
        if (parsed.isEmpty()) {
            found.add(KeyAdvice.mistyped(key, value, place));
            return Optional.empty();
        }
        BigDecimal number = parsed.get();
        if (Numeral.isBeyond(number) && key.range().contains(number)) {
            found.add(
                    Diagnostic.error(
                            "range",
                            place,
                            "'%s' is beyond what a 64-bit number holds, was %s."
                                    .formatted(key.name(), KeyAdvice.shown(value)),
                            ""));
            return Optional.empty();
        }
        if (key.type() == Type.INTEGER && !Numeral.isWhole(number)) {
            found.add(KeyAdvice.mistyped(key, value, place));
            return Optional.empty();
        }
        if (!key.range().contains(number)) {
            found.add(outOfRange(key, value, place));
            return Optional.empty();
        }
        if (!(value instanceof Number)) {
            found.add(KeyAdvice.lenient(key, value, place, number.toString()));
        }
        return Optional.of(Numeral.stored(key.type() == Type.INTEGER, number));
    }

    private static Diagnostic outOfRange(KeyDeclaration key, @Nullable Object value, String place) {
        return Diagnostic.error(
                "range",
                place,
                "'%s' must be %s, was %s."
                        .formatted(key.name(), key.rule(), KeyAdvice.shown(value)),
                "");
    }

    private Optional<Object> text(KeyDeclaration key, Object value, String place) {
        boolean nul = key.type() == Type.PATH && String.valueOf(value).indexOf('\0') >= 0;
        boolean lacking = key.has(Trait.NOT_EMPTY) && "".equals(value);
        if (value instanceof String && !nul && !lacking) {
            return Optional.of(value);
        }
        found.add(KeyAdvice.mistyped(key, value, place));
        return Optional.empty();
    }

    private static Object path(Object text) {
        String clean = text.toString().replaceAll("/{2,}", "/");
        if (clean.length() > 1 && clean.endsWith("/")) {
            clean = clean.substring(0, clean.length() - 1);
        }
        return clean.isEmpty() ? "." : clean;
    }

    private Optional<Object> choice(KeyDeclaration key, Object value, String place) {
        if (!(value instanceof String word)) {
            found.add(KeyAdvice.mistyped(key, value, place));
            return Optional.empty();
        }
        boolean anyCase = key.has(Trait.ANY_CASE);
        Optional<String> wanted =
                key.choices().stream()
                        .filter(c -> anyCase ? c.equalsIgnoreCase(word) : c.equals(word))
                        .findFirst();
        if (wanted.isPresent()) {
            return Optional.of(wanted.get());
        }
        List<String> near = Spelling.nearest(word, key.choices(), 1);
        found.add(
                Diagnostic.error(
                        "choice",
                        place,
                        "'%s' must be %s, was %s."
                                .formatted(key.name(), key.rule(), KeyAdvice.shown(value)),
                        near.isEmpty() ? "" : "Did you mean \"%s\"?".formatted(near.getFirst())));
        return Optional.empty();
    }

    private Optional<Object> list(KeyDeclaration key, Object value, String place) {
        int items = key.range().items();
        Object written = value instanceof String && key.has(Trait.SET) ? List.of(value) : value;
        if (!(written instanceof List<?> given)
                || (items > 0 && given.size() != items)
                || (key.has(Trait.NOT_EMPTY) && given.isEmpty())) {
            found.add(KeyAdvice.mistyped(key, value, place));
            return Optional.empty();
        }
        List<Object> read = new ArrayList<>();
        for (int index = 0; index < given.size(); index++) {
            Object item = given.get(index);
            String itemPlace = place + "/" + index;
            if (item != null && key.type() == Type.STRINGS) {
                if (!key.choices().isEmpty() && !key.choices().contains(item)) {
                    found.add(
                            Diagnostic.error(
                                    "choice",
                                    itemPlace,
                                    "'%s' must be %s, was %s."
                                            .formatted(
                                                    key.name(), key.rule(), KeyAdvice.shown(item)),
                                    ""));
                } else {
                    text(key, item, itemPlace).ifPresent(read::add);
                }
                continue;
            }
            boolean whole = key.type() == Type.INTEGERS;
            Optional<BigDecimal> number =
                    item == null
                            ? Optional.empty()
                            : Numeral.of(key, item)
                                    .filter(
                                            n ->
                                                    !Numeral.isBeyond(n)
                                                            && (!whole || Numeral.isWhole(n)));
            if (number.isEmpty()) {
                found.add(KeyAdvice.mistyped(key, item, itemPlace));
                continue;
            }
            if (!key.range().contains(number.get())) {
                found.add(outOfRange(key, item, itemPlace));
                continue;
            }
            if (item instanceof Boolean) {
                found.add(KeyAdvice.lenient(key, item, itemPlace, number.get().toString()));
            }
            read.add(Numeral.stored(whole, number.get()));
        }
        if (read.size() < given.size()) {
            return Optional.empty();
        }
        return Optional.of(
                key.has(Trait.SET) ? read.stream().distinct().toList() : List.copyOf(read));
    }

    private Optional<Object> section(
            KeyDeclaration key, @Nullable Object value, String place, boolean inert) {
        if (!(value instanceof Map<?, ?> map)) {
            found.add(KeyAdvice.mistyped(key, value, place));
            return Optional.empty();
        }
        return Optional.of(
                key.has(Trait.NAMED)
                        ? named(key, map, place, inert)
                        : object(key.keys(), map, place, key.has(Trait.OPEN), inert));
    }

    private Settings named(KeyDeclaration key, Map<?, ?> map, String place, boolean inert) {
        Map<String, Object> values = new LinkedHashMap<>();
        map.forEach(
                (written, value) -> {
                    String name = String.valueOf(written);
                    if (isComment(name)) {
                        return;
                    }
                    String inner = place + "/" + escape(name);
                    KeyDeclaration each =
                            KeyDeclaration.object(name.isEmpty() ? "?" : name, key.keys());
                    section(each, value, inner, inert).ifPresent(read -> values.put(name, read));
                });
        return new Settings(values, values.keySet(), Set.of());
    }

    private static String escape(String name) {
        return name.replace("~", "~0").replace("/", "~1");
    }
}
