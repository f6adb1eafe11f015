package ds.core;

import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import java.util.stream.LongStream;

/**
 * Declares one key of a JSON object: everything the reader, the validator and {@code ds config
 * explain} know about it. Plug-ins declare their settings with the same type, so that their users'
 * mistakes are reported like all others. Immutable; every method that changes something returns a
 * new declaration.
 *
 * <pre>{@code
 * KeyDeclaration.number("lr", 1e-3).atLeast(0).doc("Learning rate.")
 * KeyDeclaration.numbers("betas", 0.9, 0.999).atLeast(0).below(1).items(2).doc("Decay rates.")
 * }</pre>
 *
 * @param name the key, exactly as written in JSON
 * @param type what its value must be
 * @param defaultValue value when absent; empty if absence has a meaning of its own
 * @param range limits of a number, or of each number in a list
 * @param choices the words allowed for {@link Type#CHOICE} or in {@link Type#STRINGS}; empty for
 *     any
 * @param doc one sentence for {@code explain}
 * @param unit unit of a number, such as {@code elements} or {@code bytes}; may be empty
 * @param aliases other spellings that mean the same
 * @param status whether this runtime honours it
 * @param reason why not, if it does not; for a refused key also what to do instead
 * @param traits the finer points
 * @param keys the keys inside, for {@link Type#OBJECT}; empty otherwise
 */
public record KeyDeclaration(
        String name,
        Type type,
        Optional<Object> defaultValue,
        Range range,
        List<String> choices,
        String doc,
        String unit,
        List<String> aliases,
        Status status,
        String reason,
        Set<Trait> traits,
        List<KeyDeclaration> keys) {

    /** What a value must be. */
    public enum Type {
        /** {@code true} or {@code false}. */
        BOOLEAN("true or false"),
        /** A number without fraction; {@code 5e8} is one. */
        INTEGER("an integer"),
        /** A finite number. */
        NUMBER("a number"),
        /** Any text. */
        STRING("a string"),
        /** A text that names a file or directory; repeated and trailing separators are dropped. */
        PATH("a path"),
        /** One of a fixed set of words. */
        CHOICE("one of a fixed set of words"),
        /** A list of finite numbers. */
        NUMBERS("a list of numbers"),
        /** A list of numbers without fraction. */
        INTEGERS("a list of integers"),
        /** A list of any values. */
        LIST("a list"),
        /** A list of texts. */
        STRINGS("a list of strings"),
        /** An object with declared keys. */
        OBJECT("an object"),
        /** Any JSON value. */
        ANY("any value"),
        /** No JSON value fits: the key may only be absent or {@code null}. */
        NOTHING("null or absent");

        private final String phrase;

        Type(String phrase) {
            this.phrase = phrase;
        }

        /** Returns the type in words, such as {@code an integer}. */
        public String phrase() {
            return phrase;
        }
    }

    /** Whether a key is honoured. */
    public enum Status {
        /** It does what it says. */
        IMPLEMENTED,
        /** Accepted; it has no meaning on this runtime, and the reason says why. */
        NO_EFFECT,
        /** Any value but the default is an error of phase {@code runtime}. */
        REFUSED
    }

    /** Finer points of a declaration. */
    public enum Trait {
        /** {@code null} is allowed and means absent. */
        NULLABLE,
        /** Must be present. */
        REQUIRED,
        /** An object that, if absent, has no defaults; {@code null} is a mistake. */
        OPTIONAL,
        /** An object for which {@code null} means its defaults. */
        EMPTY_IF_NULL,
        /** An object that also takes keys nobody declared. */
        OPEN,
        /** An object of free names; under each is an object with the declared keys. */
        NAMED,
        /** A key that documents mention and nobody reads: treated as unknown, with the reason. */
        UNREAD,
        /** A list of texts without order or repetition; one text stands for a list of one. */
        SET,
        /**
         * DeepSpeed keeps it as written: a value of another type is kept too, with a warning. Whoever
         * reads it checks it.
         */
        VERBATIM,
        /** A choice whose words may be written in any case; it is read as it is declared. */
        ANY_CASE,
        /** A number or a boolean in quotes is a mistake here; elsewhere it is read with a warning. */
        UNQUOTED,
        /** A text or a list must not be empty. */
        NOT_EMPTY,
        /** {@code true} is a mistake where this number belongs; elsewhere it is 1, with a warning. */
        NO_BOOLEAN,
        /** {@code "auto"} is a mistake here; elsewhere it leaves the value to the planner. */
        NO_AUTO,
        /** Still read, but its use earns a warning; the reason names the successor. */
        DEPRECATED
    }

    /**
     * Limits of a number; an absent bound does not bind.
     *
     * @param least smallest value
     * @param leastAllowed whether {@code least} itself is allowed
     * @param most largest value
     * @param mostAllowed whether {@code most} itself is allowed
     * @param items exact length of a list; 0 for any
     */
    public record Range(
            Optional<BigDecimal> least,
            boolean leastAllowed,
            Optional<BigDecimal> most,
            boolean mostAllowed,
            int items) {

        /** No limits at all. */
        public static final Range ANY =
                new Range(Optional.empty(), true, Optional.empty(), true, 0);

        /** Returns whether {@code value} lies within both bounds. */
        public boolean contains(BigDecimal value) {
            boolean above =
                    least.map(l -> value.compareTo(l) >= (leastAllowed ? 0 : 1)).orElse(true);
            boolean below =
                    most.map(m -> value.compareTo(m) <= (mostAllowed ? 0 : -1)).orElse(true);
            return above && below;
        }

        /** Returns the rule in words, such as {@code 0 or more}; empty if nothing binds. */
        public String phrase() {
            List<String> parts = new ArrayList<>();
            if (least.isPresent() && most.isPresent() && leastAllowed && mostAllowed) {
                parts.add("from %s to %s".formatted(plain(least.get()), plain(most.get())));
            } else {
                least.ifPresent(
                        l -> parts.add(leastAllowed ? plain(l) + " or more" : "above " + plain(l)));
                most.ifPresent(
                        m -> parts.add(mostAllowed ? plain(m) + " or less" : "below " + plain(m)));
            }
            return String.join(" and ", parts);
        }

        private static String plain(BigDecimal bound) {
            return bound.signum() == 0 ? "0" : bound.stripTrailingZeros().toPlainString();
        }
    }

    /** Copies the collections and refuses a nameless key. */
    public KeyDeclaration {
        if (name.isEmpty()) {
            throw new IllegalArgumentException("A key needs a name.");
        }
        Objects.requireNonNull(type, "type");
        Objects.requireNonNull(range, "range");
        Objects.requireNonNull(status, "status");
        choices = List.copyOf(choices);
        aliases = List.copyOf(aliases);
        keys = List.copyOf(keys);
        traits = Set.copyOf(traits);
        if (status != Status.IMPLEMENTED && reason.isEmpty()) {
            throw new IllegalArgumentException(
                    "Key '%s' is %s, which needs a reason.".formatted(name, status));
        }
    }

    /** Returns a key whose value is {@code true} or {@code false}. */
    public static KeyDeclaration flag(String name, boolean defaultValue) {
        return of(name, Type.BOOLEAN, Optional.of(defaultValue));
    }

    /** Returns a key whose value is {@code true} or {@code false}; absent means absent. */
    public static KeyDeclaration flag(String name) {
        return of(name, Type.BOOLEAN, Optional.empty()).with(Trait.NULLABLE);
    }

    /** Returns a key whose value is an integer, with a default. */
    public static KeyDeclaration integer(String name, long defaultValue) {
        return of(name, Type.INTEGER, Optional.of(defaultValue));
    }

    /** Returns a key whose value is an integer; absent means absent. */
    public static KeyDeclaration integer(String name) {
        return of(name, Type.INTEGER, Optional.empty()).with(Trait.NULLABLE);
    }

    /** Returns a key whose value is a finite number, with a default. */
    public static KeyDeclaration number(String name, double defaultValue) {
        return of(name, Type.NUMBER, Optional.of(defaultValue));
    }

    /** Returns a key whose value is a finite number; absent means absent. */
    public static KeyDeclaration number(String name) {
        return of(name, Type.NUMBER, Optional.empty()).with(Trait.NULLABLE);
    }

    /** Returns a key whose value is a text, with a default. */
    public static KeyDeclaration text(String name, String defaultValue) {
        return of(name, Type.STRING, Optional.of(defaultValue));
    }

    /** Returns a key whose value is a text; absent means absent. */
    public static KeyDeclaration text(String name) {
        return of(name, Type.STRING, Optional.empty()).with(Trait.NULLABLE);
    }

    /** Returns a key whose value is a path; absent means absent. */
    public static KeyDeclaration path(String name) {
        return of(name, Type.PATH, Optional.empty()).with(Trait.NULLABLE);
    }

    /** Returns a key whose value is one of {@code choices}, with a default among them. */
    public static KeyDeclaration choice(String name, String defaultValue, List<String> choices) {
        return choice(name, choices).withDefault(defaultValue);
    }

    /** Returns a key whose value is one of {@code choices}; absent means absent. */
    public static KeyDeclaration choice(String name, List<String> choices) {
        return new KeyDraft(name, Type.CHOICE).with(draft -> draft.choices = choices);
    }

    /** Returns a key whose value is a list of finite numbers, with the default given. */
    public static KeyDeclaration numbers(String name, double... defaultValue) {
        List<Double> values = new ArrayList<>();
        for (double value : defaultValue) {
            values.add(value);
        }
        return of(name, Type.NUMBERS, Optional.of(List.copyOf(values)));
    }

    /** Returns a key whose value is a list of integers, with the default given, if any. */
    public static KeyDeclaration integers(String name, long... defaultValue) {
        List<Long> values = LongStream.of(defaultValue).boxed().toList();
        return of(name, Type.INTEGERS, values.isEmpty() ? Optional.empty() : Optional.of(values));
    }

    /** Returns a key whose value is a list of any values, by default an empty one. */
    public static KeyDeclaration list(String name) {
        return of(name, Type.LIST, Optional.of(List.of()));
    }

    /** Returns a key whose value is a list of texts, with the default given. */
    public static KeyDeclaration texts(String name, String... defaultValue) {
        return of(name, Type.STRINGS, Optional.of(List.of(defaultValue)));
    }

    /** Returns a key whose value is a list of texts; absent means absent. */
    public static KeyDeclaration optionalTexts(String name) {
        return of(name, Type.STRINGS, Optional.empty()).with(Trait.NULLABLE);
    }

    /** Returns a key whose value is an object with exactly these keys. */
    public static KeyDeclaration object(String name, List<KeyDeclaration> keys) {
        return new KeyDraft(name, Type.OBJECT).with(draft -> draft.keys = keys);
    }

    /** Returns a key that takes any JSON value; absent means absent. */
    public static KeyDeclaration any(String name) {
        return of(name, Type.ANY, Optional.empty()).with(Trait.NULLABLE);
    }

    /** Returns a key that takes any JSON value, with a default. */
    public static KeyDeclaration any(String name, Object defaultValue) {
        return of(name, Type.ANY, Optional.of(defaultValue)).with(Trait.NULLABLE);
    }

    /** Returns a key that no JSON value fits, with what stands for it if it is absent. */
    public static KeyDeclaration nothing(String name, Optional<Object> defaultValue) {
        return of(name, Type.NOTHING, defaultValue).with(Trait.NULLABLE);
    }

    private static KeyDeclaration of(String name, Type type, Optional<Object> defaultValue) {
        return new KeyDraft(name, type).with(draft -> draft.defaultValue = defaultValue);
    }

    /** Returns this key with one sentence of documentation. */
    public KeyDeclaration doc(String sentence) {
        return changed(draft -> draft.doc = sentence);
    }

    /** Returns this key with the unit of its number. */
    public KeyDeclaration in(String newUnit) {
        return changed(draft -> draft.unit = newUnit);
    }

    /** Returns this key with other spellings that mean the same. */
    public KeyDeclaration alias(String... spellings) {
        return changed(draft -> draft.aliases = List.of(spellings));
    }

    /** Returns this key with a smallest value, itself allowed. */
    public KeyDeclaration atLeast(double least) {
        return limited(
                new Range(
                        Optional.of(BigDecimal.valueOf(least)),
                        true,
                        range.most,
                        range.mostAllowed,
                        range.items));
    }

    /** Returns this key with a lower bound that is not itself allowed. */
    public KeyDeclaration above(double least) {
        return limited(
                new Range(
                        Optional.of(BigDecimal.valueOf(least)),
                        false,
                        range.most,
                        range.mostAllowed,
                        range.items));
    }

    /** Returns this key with a largest value, itself allowed. */
    public KeyDeclaration atMost(double most) {
        return limited(
                new Range(
                        range.least,
                        range.leastAllowed,
                        Optional.of(BigDecimal.valueOf(most)),
                        true,
                        range.items));
    }

    /** Returns this key with an upper bound that is not itself allowed. */
    public KeyDeclaration below(double most) {
        return limited(
                new Range(
                        range.least,
                        range.leastAllowed,
                        Optional.of(BigDecimal.valueOf(most)),
                        false,
                        range.items));
    }

    /** Returns this key, a list, with an exact length. */
    public KeyDeclaration items(int count) {
        return limited(
                new Range(range.least, range.leastAllowed, range.most, range.mostAllowed, count));
    }

    /** Returns this key with one more trait. */
    public KeyDeclaration with(Trait trait) {
        Set<Trait> more = EnumSet.of(trait);
        more.addAll(traits);
        return changed(draft -> draft.traits = more);
    }

    /** Returns this key, which must be present. */
    public KeyDeclaration required() {
        return with(Trait.REQUIRED);
    }

    /** Returns this key, for which {@code null} means absent. */
    public KeyDeclaration nullable() {
        return with(Trait.NULLABLE);
    }

    /** Returns this key, for which {@code null} is a mistake; absent means absent. */
    public KeyDeclaration notNull() {
        Set<Trait> fewer = new HashSet<>(traits);
        fewer.remove(Trait.NULLABLE);
        return changed(draft -> draft.traits = fewer);
    }

    /** Returns this key, whose value is {@code "auto"} if it is absent. */
    public KeyDeclaration autoByDefault() {
        return withDefault(Settings.AUTO).notNull();
    }

    /** Returns this key, a list of texts, of which each must be one of {@code words}. */
    public KeyDeclaration among(String... words) {
        return changed(draft -> draft.choices = List.of(words));
    }

    /** Returns this key, an object, with these keys inside. */
    public KeyDeclaration containing(List<KeyDeclaration> inner) {
        return changed(draft -> draft.keys = inner);
    }

    /** Returns this key as one that is accepted but cannot do anything here, and why. */
    public KeyDeclaration noEffect(String why) {
        return standing(Status.NO_EFFECT, why);
    }

    /** Returns this key as one of which any value but the default is refused, and why. */
    public KeyDeclaration refused(String whyAndWhatInstead) {
        return standing(Status.REFUSED, whyAndWhatInstead);
    }

    /** Returns this key as an old one that is still read, and what replaces it, in a sentence. */
    public KeyDeclaration deprecated(String successor) {
        return with(Trait.DEPRECATED).standing(status, successor);
    }

    /** Returns whether this key has {@code trait}. */
    public boolean has(Trait trait) {
        return traits.contains(trait);
    }

    /** Returns whether {@code "auto"} in place of a value leaves it to the planner. */
    public boolean mayBeAuto() {
        boolean wholeSection = type == Type.OBJECT && !has(Trait.NULLABLE);
        return !wholeSection && !choices.contains(Settings.AUTO) && !has(Trait.NO_AUTO);
    }

    /** Returns what a value must be, in words with the range: {@code a number, 0 or more}. */
    public String rule() {
        String phrase =
                choices.isEmpty()
                        ? type.phrase()
                        : (type == Type.CHOICE ? "one of " : type.phrase() + ": ")
                                + String.join(", ", choices);
        if (range.items > 0) {
            phrase = "a list of %d numbers".formatted(range.items);
        }
        if (has(Trait.NOT_EMPTY)) {
            phrase += ", not empty";
        }
        if (type == Type.INTEGER && defaultValue.filter(Settings.AUTO::equals).isPresent()) {
            phrase += " or \"auto\"";
        }
        boolean list = type == Type.NUMBERS || type == Type.INTEGERS;
        String limits = range.phrase();
        return limits.isEmpty() ? phrase : phrase + (list ? ", each " : ", ") + limits;
    }

    private KeyDeclaration withDefault(Object value) {
        return changed(draft -> draft.defaultValue = Optional.of(value));
    }

    private KeyDeclaration limited(Range newRange) {
        return changed(draft -> draft.range = newRange);
    }

    private KeyDeclaration standing(Status newStatus, String why) {
        return changed(
                draft -> {
                    draft.status = newStatus;
                    draft.reason = why;
                });
    }

    private KeyDeclaration changed(Consumer<KeyDraft> change) {
        return new KeyDraft(this).with(change);
    }
}
