package ds.config;

import ds.core.Settings;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * One entry of {@code jvm.parameter_groups}: which parameters, and what is different for them. A
 * parameter belongs to the first group whose conditions it all meets.
 *
 * @param names what its name may be; {@code *} stands for any text; empty for any name
 * @param dimensions how many sizes its shape has
 * @param tags of which it has one; empty for any
 * @param layers what the name of its unit may be, as for {@code names}
 * @param lr learning rate before the schedule, 0 or more
 * @param lrMultiplier factor of the scheduled learning rate, 0 or more; default 1
 * @param weightDecay weight decay, 0 or more
 * @param betas decay rates of both moments
 * @param frozen whether it is not trained at all
 */
public record ParameterGroup(
        List<String> names,
        OptionalInt dimensions,
        List<String> tags,
        List<String> layers,
        OptionalDouble lr,
        double lrMultiplier,
        OptionalDouble weightDecay,
        Optional<List<Double>> betas,
        boolean frozen) {
    /** Copies the lists and checks the ranges. */
    public ParameterGroup {
        names = List.copyOf(names);
        tags = List.copyOf(tags);
        layers = List.copyOf(layers);
        betas = betas.map(List::copyOf);
        if (names.isEmpty() && dimensions.isEmpty() && tags.isEmpty() && layers.isEmpty()) {
            throw new ConfigException(
                    ParameterGroupKeys.POINTER,
                    "a group needs at least one of name, dimensions, tag and layer");
        }
        if (lr.orElse(0) < 0 || lrMultiplier < 0 || weightDecay.orElse(0) < 0) {
            throw new ConfigException(
                    ParameterGroupKeys.POINTER,
                    "lr, lr_multiplier and weight_decay must be 0 or more, were %s, %s and %s"
                            .formatted(lr, lrMultiplier, weightDecay));
        }
    }

    /** Returns a group of the parameters with such a name, in which nothing is different yet. */
    public static ParameterGroup named(String... patterns) {
        return of(List.of(patterns), OptionalInt.empty(), List.of(), List.of());
    }

    /** Returns a group of the parameters with so many dimensions, in which nothing is different. */
    public static ParameterGroup ofDimensions(int count) {
        return of(List.of(), OptionalInt.of(count), List.of(), List.of());
    }

    /** Returns a group of the parameters with one of the tags, in which nothing is different. */
    public static ParameterGroup tagged(String... tags) {
        return of(List.of(), OptionalInt.empty(), List.of(tags), List.of());
    }

    /** Returns a group of the parameters of such units, in which nothing is different yet. */
    public static ParameterGroup inLayer(String... patterns) {
        return of(List.of(), OptionalInt.empty(), List.of(), List.of(patterns));
    }

    private static ParameterGroup of(
            List<String> names, OptionalInt dimensions, List<String> tags, List<String> layers) {
        return new ParameterGroup(
                names,
                dimensions,
                tags,
                layers,
                OptionalDouble.empty(),
                1,
                OptionalDouble.empty(),
                Optional.empty(),
                false);
    }

    /** Returns what {@code settings}, checked, say. */
    static ParameterGroup of(Settings settings) {
        return new ParameterGroup(
                texts(settings, "name"),
                settings.has("dimensions")
                        ? OptionalInt.of(settings.intOr("dimensions", 0))
                        : OptionalInt.empty(),
                texts(settings, "tag"),
                texts(settings, "layer"),
                number(settings, "lr"),
                settings.doubleOr("lr_multiplier", 1),
                number(settings, "weight_decay"),
                Optional.of(Arrays.stream(settings.doublesOr("betas")).boxed().toList())
                        .filter(betas -> !betas.isEmpty()),
                settings.booleanOr("frozen", false));
    }

    private static List<String> texts(Settings settings, String name) {
        return settings.list(name).stream().map(String::valueOf).toList();
    }

    private static OptionalDouble number(Settings settings, String name) {
        return settings.has(name)
                ? OptionalDouble.of(settings.doubleOr(name, 0))
                : OptionalDouble.empty();
    }

    /** Returns this group with another learning rate before the schedule. */
    public ParameterGroup withLr(double value) {
        return new ParameterGroup(
                names,
                dimensions,
                tags,
                layers,
                OptionalDouble.of(value),
                lrMultiplier,
                weightDecay,
                betas,
                frozen);
    }

    /** Returns this group with a factor of the scheduled learning rate. */
    public ParameterGroup withLrMultiplier(double value) {
        return new ParameterGroup(
                names, dimensions, tags, layers, lr, value, weightDecay, betas, frozen);
    }

    /** Returns this group with another weight decay. */
    public ParameterGroup withWeightDecay(double value) {
        return new ParameterGroup(
                names,
                dimensions,
                tags,
                layers,
                lr,
                lrMultiplier,
                OptionalDouble.of(value),
                betas,
                frozen);
    }

    /** Returns this group with other decay rates of the moments. */
    public ParameterGroup withBetas(double first, double second) {
        return new ParameterGroup(
                names,
                dimensions,
                tags,
                layers,
                lr,
                lrMultiplier,
                weightDecay,
                Optional.of(List.of(first, second)),
                frozen);
    }

    /** Returns this group as one that is not trained. */
    public ParameterGroup asFrozen() {
        return new ParameterGroup(
                names, dimensions, tags, layers, lr, lrMultiplier, weightDecay, betas, true);
    }

    /**
     * Returns whether a parameter meets all conditions.
     *
     * @param name of the parameter
     * @param sizes how many sizes its shape has
     * @param words its tags
     * @param unit the name of its unit
     */
    public boolean contains(String name, int sizes, Set<String> words, String unit) {
        return (names.isEmpty() || names.stream().anyMatch(p -> matches(p, name)))
                && (dimensions.isEmpty() || dimensions.getAsInt() == sizes)
                && (tags.isEmpty() || tags.stream().anyMatch(words::contains))
                && (layers.isEmpty() || layers.stream().anyMatch(p -> matches(p, unit)));
    }

    private static boolean matches(String pattern, String text) {
        String[] fixed = pattern.split("\\*", -1);
        StringBuilder regex = new StringBuilder();
        for (int i = 0; i < fixed.length; i++) {
            regex.append(i == 0 ? "" : ".*").append(Pattern.quote(fixed[i]));
        }
        return Pattern.matches(regex.toString(), text);
    }

    /** Returns the conditions in words: {@code name *.bias}. */
    public String conditions() {
        StringBuilder text = new StringBuilder();
        append(text, "name", names);
        dimensions.ifPresent(count -> append(text, "dimensions", List.of("" + count)));
        append(text, "tag", tags);
        append(text, "layer", layers);
        return text.toString();
    }

    private static void append(StringBuilder text, String what, List<String> values) {
        if (!values.isEmpty()) {
            text.append(text.isEmpty() ? "" : " and ")
                    .append(what)
                    .append(' ')
                    .append(String.join(" or ", values));
        }
    }
}
