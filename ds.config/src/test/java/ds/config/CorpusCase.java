package ds.config;

import ds.core.Diagnostic;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.math.BigDecimal;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeSet;
import java.util.stream.IntStream;

/** One golden case: an input, and what DeepSpeed made of it. */
record CorpusCase(String name, String category, Map<String, Object> fields) {

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

    /** Returns how we differ from DeepSpeed: one word and details, or "" if we agree. */
    String difference() {
        if (fields.get("context") instanceof Map<?, ?> c && "base64url".equals(c.get("pass_as"))) {
            return "base64 is not read";
        }
        ConfigCheck check = check(false);
        Map<?, ?> expect = (Map<?, ?>) fields.get("expect");
        boolean accepted = Boolean.TRUE.equals(expect.get("ok"));
        List<?> ignored = list(expect, "silently_ignored");
        if (accepted && !ignored.isEmpty() && !check.isOk()) {
            check = check(true);
            String silent = unnamed(ignored, check, true);
            if (!silent.isEmpty()) {
                return "ignored-not-named " + silent;
            }
        }
        if (accepted != check.isOk()) {
            return (accepted ? "we-reject " : "we-accept ") + check.diagnostics();
        }
        if (!accepted) {
            String missed = unnamed(list(expect, "offending_keys"), check, false);
            return missed.isEmpty() ? "" : "not-named " + missed + " in " + check.diagnostics();
        }
        return wrongValues((Map<?, ?>) expect.get("resolved"), check.resolved());
    }

    private ConfigCheck check(boolean warn) {
        int world = ((Number) fields.get("world_size")).intValue();
        CheckOptions options = CheckOptions.none().worldSize(world).warnOnUnknownKeys(warn);
        if (fields.get("config_text") instanceof String text) {
            return DsConfig.check(text, options);
        }
        @SuppressWarnings("unchecked") // a JSON object has text keys
        Map<String, Object> config = (Map<String, Object>) fields.get("config");
        return DsConfig.check(config, options);
    }

    private static List<?> list(Map<?, ?> expect, String key) {
        return expect.get(key) instanceof List<?> list ? list : List.of();
    }

    /** Returns the keys that no diagnostic points to or mentions. */
    private static String unnamed(List<?> keys, ConfigCheck check, boolean warnings) {
        List<String> missed = new ArrayList<>();
        for (Object key : keys) {
            String dotted = String.valueOf(key).replaceAll("\\[(\\d+)\\]", ".$1");
            String last = dotted.substring(dotted.lastIndexOf('.') + 1);
            boolean named =
                    check.diagnostics().stream()
                            .filter(d -> warnings || d.isError())
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
                        if (value != null) {
                            wrong.add(path + " absent, not " + value);
                        }
                    } else if (!same(value, actual.get(path))) {
                        wrong.add(path + "=" + actual.get(path) + ", not " + value);
                    }
                });
        return wrong.isEmpty() ? "" : "values " + wrong;
    }

    private static boolean same(Object expected, Object actual) {
        if (expected instanceof Number a && actual instanceof Number b) {
            return new BigDecimal(a.toString()).compareTo(new BigDecimal(b.toString())) == 0
                    || a.doubleValue() == b.doubleValue();
        }
        if (expected instanceof List<?> a && actual instanceof List<?> b) {
            return a.size() == b.size()
                    && IntStream.range(0, a.size()).allMatch(i -> same(a.get(i), b.get(i)));
        }
        return Objects.equals(expected, actual);
    }
}
