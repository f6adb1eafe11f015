package ds.core;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Immutable values by name, as a plug-in or a section of the configuration receives them.
 *
 * <p>Read from a document by {@link #validate}, they hold what was given and the declared defaults
 * of what was not; integers are {@link Long} (or {@link BigInteger} beyond 64 bits), other numbers
 * {@link Double}, lists immutable lists, objects further {@code Settings}.
 */
public final class Settings {
    /** The word that leaves a value to the planner. */
    public static final String AUTO = "auto";

    private static final Settings EMPTY = new Settings(Map.of(), Set.of(), Set.of());

    private final Map<String, Object> values;
    private final Set<String> given;
    private final Set<String> auto;

    Settings(Map<String, Object> values, Set<String> given, Set<String> auto) {
        this.values = Collections.unmodifiableMap(new LinkedHashMap<>(values));
        this.given = Collections.unmodifiableSet(new LinkedHashSet<>(given));
        this.auto = Collections.unmodifiableSet(new LinkedHashSet<>(auto));
    }

    /**
     * What {@link #validate} found.
     *
     * @param settings the usable values; meaningful only if {@link #isUsable()}
     * @param diagnostics everything to be said, in the order of the document
     */
    public record Checked(Settings settings, List<Diagnostic> diagnostics) {
        /** Copies the list. */
        public Checked {
            diagnostics = List.copyOf(diagnostics);
        }

        /** Returns whether no diagnostic is an error. */
        public boolean isUsable() {
            return diagnostics.stream().noneMatch(Diagnostic::isError);
        }
    }

    /** Returns settings without any value. */
    public static Settings empty() {
        return EMPTY;
    }

    /**
     * Returns settings with these values, unchecked: for tests and embedders. Integers become
     * {@code Long}, other numbers {@code Double}, maps become settings; a {@code null} is left out.
     *
     * @param values by name; not kept
     * @throws IllegalArgumentException if a value has no JSON meaning
     */
    public static Settings of(Map<String, ?> values) {
        Map<String, Object> plain = new LinkedHashMap<>();
        values.forEach(
                (name, value) -> {
                    if (value != null) {
                        plain.put(name, plain(name, value));
                    }
                });
        return new Settings(plain, plain.keySet(), Set.of());
    }

    /**
     * Checks an object of JSON values against its declaration and returns all problems at once.
     *
     * <p>Keys that start with {@code _} or {@code //} and are not declared are comments. The map is
     * not modified and not kept. Its values may be strings, booleans, numbers, lists, maps, null.
     *
     * @param declared the keys that exist
     * @param object the values, in document order if the order of diagnostics matters
     * @param pointer JSON pointer of the object in its document; {@code ""} for the root
     * @return settings with defaults filled in, and diagnostics without line and column
     */
    public static Checked validate(
            List<KeyDeclaration> declared, Map<String, ?> object, String pointer) {
        return SettingsCheck.run(declared, object, pointer);
    }

    /** Returns the names that have a value, given ones first. */
    public Set<String> names() {
        return values.keySet();
    }

    /** Returns whether {@code name} has a value, given or by default. */
    public boolean has(String name) {
        return values.containsKey(name);
    }

    /** Returns whether the document named {@code name} itself, also as {@code "auto"} or null. */
    public boolean isGiven(String name) {
        return given.contains(name);
    }

    /** Returns whether {@code name} was written as {@code "auto"}; its value is then the default. */
    public boolean isAuto(String name) {
        return auto.contains(name);
    }

    /** Returns the names written as {@code "auto"}. */
    public Set<String> autoNames() {
        return auto;
    }

    /** Returns the value of {@code name} as it is stored, if any. */
    public Optional<Object> value(String name) {
        return Optional.ofNullable(values.get(name));
    }

    /** Returns a number as {@code float}, or {@code fallback} if there is none. */
    public float floatOr(String name, float fallback) {
        return value(name).map(v -> number(name, v).floatValue()).orElse(fallback);
    }

    /** Returns a number, or {@code fallback} if there is none. */
    public double doubleOr(String name, double fallback) {
        return value(name).map(v -> number(name, v).doubleValue()).orElse(fallback);
    }

    /**
     * Returns an integer, or {@code fallback} if there is none.
     *
     * @throws IllegalArgumentException if it does not fit 32 bits
     */
    public int intOr(String name, int fallback) {
        long value = longOr(name, fallback);
        if (value != (int) value) {
            throw new IllegalArgumentException(
                    "Setting '%s' must fit 32 bits, was %d.".formatted(name, value));
        }
        return (int) value;
    }

    /**
     * Returns an integer, or {@code fallback} if there is none. One beyond 64 bits becomes the
     * nearest {@code long}: sizes use such numbers to say "without limit".
     */
    public long longOr(String name, long fallback) {
        return value(name).map(v -> integer(name, v)).orElse(fallback);
    }

    /** Returns a boolean, or {@code fallback} if there is none. */
    public boolean booleanOr(String name, boolean fallback) {
        return value(name).map(v -> typed(name, v, Boolean.class)).orElse(fallback);
    }

    /** Returns a text, or {@code fallback} if there is none. */
    public String stringOr(String name, String fallback) {
        return value(name).map(v -> typed(name, v, String.class)).orElse(fallback);
    }

    /** Returns a list as it is stored, or an empty one if there is none. */
    public List<?> list(String name) {
        return value(name).<List<?>>map(v -> typed(name, v, List.class)).orElse(List.of());
    }

    /** Returns a list of numbers, or {@code fallback} if there is none. */
    public double[] doublesOr(String name, double... fallback) {
        if (!has(name)) {
            return fallback.clone();
        }
        return list(name).stream().mapToDouble(v -> number(name, v).doubleValue()).toArray();
    }

    /** Returns the object under {@code name}, or an empty one if there is none. */
    public Settings section(String name) {
        return value(name).map(v -> typed(name, v, Settings.class)).orElse(EMPTY);
    }

    /** Returns these settings with {@code name} set to a value that the planner decided. */
    public Settings with(String name, Object decided) {
        Map<String, Object> more = new LinkedHashMap<>(values);
        more.put(name, plain(name, decided));
        Set<String> stillAuto = new LinkedHashSet<>(auto);
        stillAuto.remove(name);
        return new Settings(more, given, stillAuto);
    }

    /**
     * Returns these settings with more values; names that the document gave stay as they are.
     *
     * @param more values as settings hold them, by name
     */
    public Settings withMore(Map<String, Object> more) {
        if (more.isEmpty()) {
            return this;
        }
        Map<String, Object> all = new LinkedHashMap<>(values);
        more.forEach((name, value) -> all.put(name, plain(name, value)));
        return new Settings(all, given, auto);
    }

    /** Returns these settings without {@code name}, as if it had not been written. */
    public Settings without(String name) {
        Map<String, Object> fewer = new LinkedHashMap<>(values);
        fewer.remove(name);
        Set<String> stillGiven = new LinkedHashSet<>(given);
        stillGiven.remove(name);
        Set<String> stillAuto = new LinkedHashSet<>(auto);
        stillAuto.remove(name);
        return new Settings(fewer, stillGiven, stillAuto);
    }

    /** Returns the values as an unmodifiable map; objects inside become maps too. */
    public Map<String, Object> asMap() {
        Map<String, Object> map = new LinkedHashMap<>();
        values.forEach(
                (name, value) -> map.put(name, value instanceof Settings s ? s.asMap() : value));
        return Collections.unmodifiableMap(map);
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Settings s
                && values.equals(s.values)
                && given.equals(s.given)
                && auto.equals(s.auto);
    }

    @Override
    public int hashCode() {
        return values.hashCode();
    }

    @Override
    public String toString() {
        return values.toString();
    }

    /** Returns a JSON value in the form in which it is stored: deep, immutable, without nulls in maps. */
    static Object plain(String name, Object value) {
        return switch (value) {
            case String s -> s;
            case Boolean b -> b;
            case Settings s -> s;
            case Byte n -> n.longValue();
            case Short n -> n.longValue();
            case Integer n -> n.longValue();
            case Long n -> n;
            case BigInteger n -> n.bitLength() < Long.SIZE ? (Object) n.longValue() : n;
            case Float n -> finite(name, n.doubleValue());
            case Double n -> finite(name, n);
            case BigDecimal n -> finite(name, n.doubleValue());
            case List<?> list -> {
                List<@Nullable Object> copy = new ArrayList<>();
                list.forEach(item -> copy.add(item == null ? null : plain(name, item)));
                yield Collections.unmodifiableList(copy);
            }
            case Map<?, ?> map -> {
                Map<String, Object> inner = new LinkedHashMap<>();
                map.forEach(
                        (key, item) -> {
                            if (item != null) {
                                inner.put(String.valueOf(key), plain(name, item));
                            }
                        });
                yield new Settings(inner, inner.keySet(), Set.of());
            }
            default ->
                    throw new IllegalArgumentException(
                            "Setting '%s' must be a JSON value, was a %s."
                                    .formatted(name, value.getClass().getName()));
        };
    }

    private static Double finite(String name, double value) {
        if (Double.isInfinite(value) || Double.isNaN(value)) {
            throw new IllegalArgumentException(
                    "'%s' must be a finite number, was %s.".formatted(name, value));
        }
        return value;
    }

    private static Number number(String name, Object value) {
        return typed(name, value, Number.class);
    }

    private static long integer(String name, Object value) {
        return switch (value) {
            case Long n -> n;
            case BigInteger n -> n.signum() < 0 ? Long.MIN_VALUE : Long.MAX_VALUE;
            case Double n when n == Math.rint(n) && Math.abs(n) < 0x1p63 -> n.longValue();
            default ->
                    throw new IllegalArgumentException(
                            "Setting '%s' must be an integer, was %s.".formatted(name, value));
        };
    }

    private static <T> T typed(String name, Object value, Class<T> type) {
        if (!type.isInstance(value)) {
            throw new IllegalArgumentException(
                    "Setting '%s' must be a %s, was %s."
                            .formatted(name, type.getSimpleName().toLowerCase(Locale.ROOT), value));
        }
        return type.cast(value);
    }
}
