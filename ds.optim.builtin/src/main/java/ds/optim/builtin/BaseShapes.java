package ds.optim.builtin;

import ds.core.Settings;
import ds.optim.spi.ParameterSpec;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/**
 * The sizes that parameters have in the base model, whose learning rate was found: μP's base shapes
 * (Yang et al. 2021, arXiv:2203.03466). A size of 0 stands for a dimension that does not grow with
 * the width: mup's finite dimensions.
 *
 * @param entries in the order of the document; the first that fits a parameter's name and number of
 *     dimensions holds
 */
record BaseShapes(List<Entry> entries) {
    /** The sizes of parameters with such a name; {@code *} stands for any text. */
    record Entry(String name, Pattern pattern, List<Integer> sizes) {}

    /** How a parameter has grown: per dimension that grows, its size over the base size. */
    record Growth(List<Double> widths) {
        int dimensions() {
            return widths.size();
        }

        /** Returns the growth of the last dimension that grows: of the fan-in, for a matrix. */
        double width() {
            return widths.isEmpty() ? 1 : widths.getLast();
        }

        /** Returns the growth of the fan-in over that of the fan-out. */
        double ratio() {
            return widths.getLast() / widths.getFirst();
        }
    }

    /** Copies the list. */
    BaseShapes {
        entries = List.copyOf(entries);
    }

    /**
     * Reads the setting {@code base_shapes}.
     *
     * @param type of the optimizer, to begin a sentence
     * @throws IllegalArgumentException if there is none, or one is no list of sizes
     */
    static BaseShapes of(Settings params, String type) {
        Object written = params.value("base_shapes").orElse("");
        if (!(written instanceof Settings shapes) || shapes.names().isEmpty()) {
            throw new IllegalArgumentException(
                    "%s scales learning rates by how much wider each parameter is than in the base model, which the configuration does not say: give base_shapes, such as {\"*.weight\": [64, 64], \"*.bias\": [64]}."
                            .formatted(type));
        }
        List<Entry> entries = new ArrayList<>();
        for (Map.Entry<String, Object> entry : shapes.asMap().entrySet()) {
            List<Integer> sizes = new ArrayList<>();
            for (Object size : entry.getValue() instanceof List<?> list ? list : List.of(-1L)) {
                if (!(size instanceof Long whole) || whole < 0 || whole > Integer.MAX_VALUE) {
                    throw new IllegalArgumentException(
                            "The base shape of '%s' must be a list of sizes, 0 for one that does not grow, was %s."
                                    .formatted(entry.getKey(), entry.getValue()));
                }
                sizes.add(whole.intValue());
            }
            entries.add(new Entry(entry.getKey(), pattern(entry.getKey()), List.copyOf(sizes)));
        }
        return new BaseShapes(entries);
    }

    private static Pattern pattern(String name) {
        List<String> fixed = new ArrayList<>();
        for (String text : name.split("\\*", -1)) {
            fixed.add(Pattern.quote(text));
        }
        return Pattern.compile(String.join(".*", fixed));
    }

    /**
     * Returns how {@code parameter} has grown.
     *
     * @throws IllegalArgumentException if there is no base shape for it, or more than two of its
     *     dimensions grow
     */
    Growth growth(ParameterSpec parameter) {
        List<Integer> shape = parameter.shape();
        for (Entry entry : entries) {
            if (entry.sizes().size() == shape.size()
                    && entry.pattern().matcher(parameter.name()).matches()) {
                return growth(parameter, entry);
            }
        }
        throw new IllegalArgumentException(
                "base_shapes has no entry of %d sizes for parameter '%s' %s; add one."
                        .formatted(shape.size(), parameter.name(), shape));
    }

    private static Growth growth(ParameterSpec parameter, Entry entry) {
        List<Double> widths = new ArrayList<>();
        for (int i = 0; i < entry.sizes().size(); i++) {
            if (entry.sizes().get(i) > 0) {
                widths.add((double) parameter.shape().get(i) / entry.sizes().get(i));
            }
        }
        if (widths.size() > 2) {
            throw new IllegalArgumentException(
                    "Parameter '%s' grows in %d dimensions by its base shape %s; μP knows at most 2."
                            .formatted(parameter.name(), widths.size(), entry.sizes()));
        }
        return new Growth(List.copyOf(widths));
    }
}
