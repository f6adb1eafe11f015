package ds.config;

import ds.core.Diagnostic;
import ds.core.Diagnostic.Severity;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeSet;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/** One golden case: an input, and what DeepSpeed made of it. */
record CorpusCase(String name, String category, Map<String, Object> fields) {

    /** What stands for a key that is absent where {@code null} means something else. */
    private static final String UNSET = "@unset";

    /** The folder of the files that the cases were made of. */
    static final String REAL_FILES = "real-configs";

    /** Returns the cases about documents below {@code folder}, in the order of their names. */
    static List<CorpusCase> in(Path folder) throws IOException {
        try (Stream<Path> files = Files.walk(folder, 2)) {
            return files.filter(file -> file.toString().endsWith(".json"))
                    .filter(file -> !file.getParent().endsWith(REAL_FILES))
                    .sorted()
                    .map(CorpusCase::read)
                    .filter(golden -> !"initialize".equals(golden.fields.get("phase")))
                    .toList();
        }
    }

    static CorpusCase read(Path file) {
        try {
            LocatedDocument document = DocumentParser.parse(Files.readString(file));
            if (!document.problems().isEmpty()) {
                throw new IllegalStateException(file + ": " + document.problems());
            }
            Map<String, Object> fields = document.root();
            return new CorpusCase(
                    String.valueOf(fields.get("name")),
                    String.valueOf(fields.get("category")),
                    fields);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Returns every golden case, in the order of their files. */
    static List<CorpusCase> all() throws IOException {
        return in(Fixtures.config().resolve("corpus"));
    }

    /** Returns the input as a mapping; empty if it is a text that is not JSON. */
    Optional<Map<String, Object>> mapping() {
        if (fields.get("config_text") instanceof String text) {
            LocatedDocument document = DocumentParser.parse(text);
            return document.problems().isEmpty() ? Optional.of(document.root()) : Optional.empty();
        }
        @SuppressWarnings("unchecked") // a JSON object has text keys
        Map<String, Object> config = (Map<String, Object>) fields.get("config");
        return Optional.of(config);
    }

    /** How our reading compares with DeepSpeed's. */
    enum Kind {
        /** Both mean the same. */
        AGREE,
        /** DeepSpeed drops keys in silence; we refuse them, or warn if asked to, and then agree. */
        IGNORED,
        /** Anything else; it needs a reason on the list. */
        DIFFERS
    }

    /**
     * The comparison of one case.
     *
     * @param details the difference in words; empty if there is none
     */
    record Outcome(Kind kind, String details) {
        private static Outcome of(String difference, Kind otherwise) {
            return difference.isEmpty()
                    ? new Outcome(otherwise, "")
                    : new Outcome(Kind.DIFFERS, difference);
        }
    }

    /** Returns whether DeepSpeed accepted the input. */
    boolean accepted() {
        return Boolean.TRUE.equals(expect().get("ok"));
    }

    private Map<?, ?> expect() {
        return (Map<?, ?>) fields.get("expect");
    }

    /** Holds our reading against DeepSpeed's. */
    Outcome outcome() {
        ConfigCheck check = check(false);
        Map<?, ?> expect = expect();
        boolean accepted = accepted();
        List<?> ignored =
                list(expect, "silently_ignored").stream()
                        .filter(key -> !comment(String.valueOf(key)))
                        .toList();
        if (accepted && !ignored.isEmpty()) {
            return Outcome.of(ignoring(check, ignored, expect), Kind.IGNORED);
        }
        if (accepted != check.isOk()) {
            String difference = (accepted ? "we-reject " : "we-accept ") + check.diagnostics();
            return new Outcome(Kind.DIFFERS, difference);
        }
        if (!accepted) {
            String missed = unnamed(list(expect, "offending_keys"), check, Severity.ERROR);
            return Outcome.of(
                    missed.isEmpty() ? "" : "not-named " + missed + " in " + check.diagnostics(),
                    Kind.AGREE);
        }
        return Outcome.of(
                wrongValues((Map<?, ?>) expect.get("resolved"), check.resolved()), Kind.AGREE);
    }

    private String ignoring(ConfigCheck strict, List<?> ignored, Map<?, ?> expect) {
        String kept = unnamed(ignored, strict, Severity.ERROR);
        if (strict.isOk() || !kept.isEmpty()) {
            return "not-refused " + kept + " in " + strict.diagnostics();
        }
        ConfigCheck lax = check(true);
        String silent = unnamed(ignored, lax, Severity.WARNING);
        if (!lax.isOk() || !silent.isEmpty()) {
            return "not-relaxed " + silent + " in " + lax.diagnostics();
        }
        return wrongValues((Map<?, ?>) expect.get("resolved"), lax.resolved());
    }

    private static boolean comment(String key) {
        return key.startsWith("_") || key.startsWith("//");
    }

    /** Returns what is known besides the document. */
    CheckOptions options() {
        int world = ((Number) fields.get("world_size")).intValue();
        return surroundings(CheckOptions.none().worldSize(world));
    }

    ConfigCheck check(boolean warn) {
        CheckOptions options = options().warnOnUnknownKeys(warn);
        if (fields.get("config_text") instanceof String text) {
            String form =
                    fields.get("context") instanceof Map<?, ?> context
                            ? String.valueOf(context.get("pass_as"))
                            : "file";
            return switch (form) {
                case "base64url" -> {
                    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
                    String encoded = Base64.getUrlEncoder().encodeToString(bytes);
                    yield DsConfig.checkArgument(encoded, options);
                }
                case "raw_string" -> DsConfig.checkArgument(text, options);
                default -> DsConfig.check(text, options);
            };
        }
        @SuppressWarnings("unchecked") // a JSON object has text keys
        Map<String, Object> config = (Map<String, Object>) fields.get("config");
        return DsConfig.check(config, options);
    }

    /** Adds what the case says of groups of ranks and of the environment. */
    private CheckOptions surroundings(CheckOptions options) {
        if (!(fields.get("context") instanceof Map<?, ?> context)) {
            return options;
        }
        CheckOptions full = options;
        if (Boolean.FALSE.equals(context.get("dist_initialized"))) {
            full = full.dataParallelSize(1);
        }
        for (String key : List.of("mpu_data_parallel_world_size", "mesh_data_parallel_size")) {
            if (context.get(key) instanceof Number size) {
                full = full.dataParallelSize(size.intValue());
            }
        }
        if (context.get("mpu_sequence_parallel_world_size") instanceof Number size) {
            full = full.sequenceParallelSize(size.intValue());
        }
        Map<String, String> environment = new HashMap<>();
        if (context.get("env") instanceof Map<?, ?> variables) {
            variables.forEach((k, v) -> environment.put(String.valueOf(k), String.valueOf(v)));
        }
        return full.environment(environment);
    }

    private static List<?> list(Map<?, ?> expect, String key) {
        return expect.get(key) instanceof List<?> list ? list : List.of();
    }

    /** Returns the keys that no diagnostic points to or mentions. */
    private static String unnamed(List<?> keys, ConfigCheck check, Severity severity) {
        List<String> missed = new ArrayList<>();
        for (Object key : keys) {
            String dotted = String.valueOf(key).replaceAll("\\[(\\d+)\\]", ".$1");
            String last = dotted.substring(dotted.lastIndexOf('.') + 1);
            boolean named =
                    check.diagnostics().stream()
                            .filter(d -> d.severity() == severity)
                            .anyMatch(d -> names(d, dotted, last));
            if (!named) {
                missed.add(dotted);
            }
        }
        boolean batch = missed.size() < keys.size() && keys.contains(BatchSizes.TRAIN);
        return batch ? "" : String.join(",", missed);
    }

    private static boolean names(Diagnostic diagnostic, String dotted, String last) {
        String at = Pointers.dotted(diagnostic.pointer());
        return at.equals(dotted)
                || at.startsWith(dotted + ".")
                || diagnostic.message().contains(dotted)
                || (diagnostic.message().contains("'" + last + "'")
                        && (dotted.startsWith(at)
                                || at.endsWith(last)
                                || at.startsWith(parent(dotted) + ".")));
    }

    private static String parent(String dotted) {
        return dotted.substring(0, Math.max(0, dotted.lastIndexOf('.')));
    }

    private static String wrongValues(Map<?, ?> expected, Map<String, Object> actual) {
        TreeSet<String> wrong = new TreeSet<>();
        expected.forEach(
                (key, value) -> {
                    String path = String.valueOf(key);
                    if (path.startsWith("@") || path.contains(".@")) {
                        return;
                    }
                    if (!actual.containsKey(path)) {
                        if (value != null && !UNSET.equals(value)) {
                            wrong.add(path + " absent, not " + value);
                        }
                    } else if (!same(value, actual.get(path))) {
                        wrong.add(path + "=" + actual.get(path) + ", not " + value);
                    }
                });
        return wrong.isEmpty() ? "" : "values " + wrong;
    }

    /** Compares as Python does: numbers by value, {@code true} as 1. */
    private static boolean same(Object expected, Object actual) {
        if (expected instanceof Number n && actual instanceof Boolean b) {
            return n.doubleValue() == (b ? 1 : 0);
        }
        if (expected instanceof Boolean && actual instanceof Number) {
            return same(actual, expected);
        }
        if (expected instanceof Number a && actual instanceof Number b) {
            return new BigDecimal(a.toString()).compareTo(new BigDecimal(b.toString())) == 0
                    || a.doubleValue() == b.doubleValue();
        }
        if (expected instanceof List<?> a && actual instanceof List<?> b) {
            return a.size() == b.size()
                    && IntStream.range(0, a.size()).allMatch(i -> same(a.get(i), b.get(i)));
        }
        if (expected instanceof Map<?, ?> a && actual instanceof Map<?, ?> b) {
            return a.keySet().equals(b.keySet())
                    && a.keySet().stream().allMatch(key -> same(a.get(key), b.get(key)));
        }
        return Objects.equals(UNSET.equals(expected) ? null : expected, actual);
    }
}
