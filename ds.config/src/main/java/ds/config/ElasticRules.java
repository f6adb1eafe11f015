package ds.config;

import ds.core.Diagnostic;
import ds.core.Settings;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/** Reads {@code elasticity} and says what is wrong with it. */
final class ElasticRules {
    /** The variable in which a job scheduler leaves the section that it went by. */
    static final String VARIABLE = "DEEPSPEED_ELASTICITY_CONFIG";

    private static final String AT = "/" + ElasticKeys.SECTION;
    private static final String SIZES = "micro_batch_sizes";
    private static final String CAP = "max_train_batch_size";
    private static final int MOST_SIZES = 64;

    private final Settings section;
    private final Settings root;
    private final List<Diagnostic> found = new ArrayList<>();

    private ElasticRules(Settings root) {
        this.root = root;
        this.section = root.section(ElasticKeys.SECTION);
    }

    /** Returns the document without what a section that is turned off says besides. */
    static Map<String, Object> readable(Map<String, Object> document, List<Diagnostic> found) {
        if (!(document.get(ElasticKeys.SECTION) instanceof Map<?, ?> written)
                || !isOff(written.get("enabled"))) {
            return document;
        }
        Map<String, Object> off = new LinkedHashMap<>();
        written.forEach(
                (key, value) -> {
                    String name = String.valueOf(key);
                    if (name.equals("enabled") || !isKnown(name)) {
                        off.put(name, value);
                    } else {
                        found.add(ExtendedRules.unread(AT, name, "where 'enabled' is false"));
                    }
                });
        Map<String, Object> readable = new LinkedHashMap<>(document);
        readable.put(ElasticKeys.SECTION, off);
        return readable;
    }

    private static boolean isKnown(String name) {
        return ElasticKeys.section().keys().stream().anyMatch(key -> key.name().equals(name));
    }

    private static boolean isOff(@Nullable Object enabled) {
        return enabled == null
                || Boolean.FALSE.equals(enabled)
                || (enabled instanceof Number n && n.doubleValue() == 0);
    }

    /** Returns the rule, if the section is on and sound. */
    static Optional<Elasticity> read(Settings root) {
        ElasticRules rules = new ElasticRules(root);
        return rules.isOn() && rules.check(Map.of()).isEmpty()
                ? Optional.of(rules.elasticity())
                : Optional.empty();
    }

    static List<Diagnostic> check(Settings root, Map<String, String> environment) {
        ElasticRules rules = new ElasticRules(root);
        return rules.isOn() ? rules.check(environment) : List.of();
    }

    private boolean isOn() {
        return section.booleanOr("enabled", false);
    }

    private Elasticity elasticity() {
        return new Elasticity(
                section.longOr(CAP, 1),
                sizes(),
                section.longOr("min_gpus", 1),
                section.longOr("max_gpus", 10_000),
                section.booleanOr("prefer_larger_batch", true),
                section.doubleOr("version", 0.2) == 0.2,
                section.longOr("num_gpus_per_node", 1),
                section.longOr("model_parallel_size", 1));
    }

    private List<Long> sizes() {
        List<Long> sizes = new ArrayList<>();
        section.list(SIZES).forEach(size -> sizes.add(((Number) size).longValue()));
        return sizes;
    }

    private List<Diagnostic> check(Map<String, String> environment) {
        boolean sized = sizesAreSound();
        if (!section.isGiven(CAP)) {
            missing(CAP, "an integer");
        } else if (sized && section.has(CAP)) {
            sizesFitCap();
        }
        ranges();
        version();
        if (!section.booleanOr("ignore_non_elastic_batch_info", false)) {
            batchKeys();
        }
        scheduler(environment.getOrDefault(VARIABLE, ""));
        return found;
    }

    private void missing(String name, String what) {
        found.add(
                Diagnostic.error(
                        "missing",
                        AT,
                        "'%s' is missing; where elasticity is on it must be %s."
                                .formatted(name, what),
                        ""));
    }

    private boolean sizesAreSound() {
        String what = "a list of 1 to %d integers, each 1 or more".formatted(MOST_SIZES);
        if (!section.isGiven(SIZES)) {
            missing(SIZES, what);
            return false;
        }
        int count = section.list(SIZES).size();
        if (count > MOST_SIZES) {
            found.add(
                    Diagnostic.error(
                            "range",
                            AT + "/" + SIZES,
                            "'%s' must be %s, was a list of %d.".formatted(SIZES, what, count),
                            ""));
        }
        return count > 0 && count <= MOST_SIZES;
    }

    private static String cut(Object value) {
        String text = String.valueOf(value);
        return text.length() <= 60 ? text : text.substring(0, 60) + "...";
    }

    private void sizesFitCap() {
        long cap = section.longOr(CAP, 1);
        for (long size : sizes()) {
            if (size > cap) {
                found.add(
                        Diagnostic.error(
                                        "conflict",
                                        AT + "/" + SIZES,
                                        "The micro-batch %d in '%s' is above '%s' %d."
                                                .formatted(size, SIZES, CAP, cap),
                                        "Lower it or raise the other.")
                                .alongside(AT + "/" + CAP, "the largest batch"));
                return;
            }
        }
    }

    /** A value that the reader refused is no ground for a second complaint. */
    private boolean isSound(String name) {
        return !section.isGiven(name) || section.has(name);
    }

    private void ranges() {
        long least = section.longOr("min_gpus", 1);
        long most = section.longOr("max_gpus", 10_000);
        if (isSound("min_gpus") && isSound("max_gpus") && least > most) {
            conflict(
                    "min_gpus",
                    "max_gpus",
                    "'min_gpus' %d is above 'max_gpus' %d.".formatted(least, most));
        }
    }

    private void version() {
        double version = section.doubleOr("version", 0.2);
        long parallel = section.longOr("model_parallel_size", 1);
        long node = section.longOr("num_gpus_per_node", 1);
        if (version != 0.1 && version != 0.2) {
            found.add(
                    Diagnostic.error(
                            "range",
                            AT + "/version",
                            "'version' must be 0.1 or 0.2, was %s.".formatted(version),
                            ""));
        } else if (version == 0.1 && parallel > 1) {
            conflict(
                    "model_parallel_size",
                    "version",
                    "'model_parallel_size' %d needs 'version' 0.2, was 0.1.".formatted(parallel));
        } else if (version == 0.2
                && isSound("num_gpus_per_node")
                && isSound("model_parallel_size")
                && node % parallel != 0) {
            conflict(
                    "num_gpus_per_node",
                    "model_parallel_size",
                    "'num_gpus_per_node' %d is not a multiple of 'model_parallel_size' %d."
                            .formatted(node, parallel));
        }
    }

    private void conflict(String key, String other, String message) {
        found.add(
                Diagnostic.error("conflict", AT + "/" + key, message, "")
                        .alongside(AT + "/" + other, "the other key"));
    }

    private void batchKeys() {
        for (String key : List.of(BatchSizes.TRAIN, BatchSizes.MICRO, BatchSizes.ACCUMULATION)) {
            if (root.isGiven(key)) {
                found.add(
                        Diagnostic.error(
                                        "conflict",
                                        "/" + key,
                                        "'%s' is given, and 'elasticity' chooses it too."
                                                .formatted(key),
                                        "Remove it, or set"
                                                + " elasticity.ignore_non_elastic_batch_info to"
                                                + " true, which passes over it.")
                                .alongside(AT, "the section that chooses"));
            }
        }
    }

    /** The section must be the one that a job scheduler went by, if it left one. */
    private void scheduler(String text) {
        if (text.isEmpty()) {
            return;
        }
        Map<String, Object> theirs = DocumentParser.parse(text).root();
        for (String key : List.of(CAP, SIZES, "version")) {
            Object seen = theirs.get(key);
            Object ours = section.value(key).orElse(null);
            if (seen != null && ours != null && !same(seen, ours)) {
                found.add(
                        Diagnostic.error(
                                "conflict",
                                AT + "/" + key,
                                "'%s' is %s here, and %s in %s, which the job scheduler went by."
                                        .formatted(key, cut(ours), cut(seen), VARIABLE),
                                "Make them the same."));
            }
        }
    }

    private static boolean same(Object a, Object b) {
        if (a instanceof List<?> x && b instanceof List<?> y) {
            return x.size() == y.size()
                    && IntStream.range(0, x.size()).allMatch(i -> same(x.get(i), y.get(i)));
        }
        return a instanceof Number x && b instanceof Number y
                ? x.doubleValue() == y.doubleValue()
                : a.equals(b);
    }
}
