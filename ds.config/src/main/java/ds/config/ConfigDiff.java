package ds.config;

import ds.config.ResolvedValue.Origin;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** In what two configurations differ in meaning: spelling, order and written defaults do not count. */
public final class ConfigDiff {
    private ConfigDiff() {}

    /**
     * A path at which two configurations differ.
     *
     * @param path dotted path of the key
     * @param before the value of the first; empty if it has no such key
     * @param after the value of the second; empty if it has no such key
     */
    public record Difference(
            String path, Optional<ResolvedValue> before, Optional<ResolvedValue> after) {}

    /**
     * Returns the differences, in the order of the key table.
     *
     * @param options ranks for the batch sizes; plug-ins, whose defaults then count as written
     */
    public static List<Difference> of(DsConfig before, DsConfig after, CheckOptions options) {
        Map<String, ResolvedValue> a = byPath(before, options);
        Map<String, ResolvedValue> b = byPath(after, options);
        Set<String> paths = new LinkedHashSet<>(a.keySet());
        paths.addAll(b.keySet());
        List<Difference> found = new ArrayList<>();
        for (String path : paths) {
            Optional<ResolvedValue> x = Optional.ofNullable(a.get(path));
            Optional<ResolvedValue> y = Optional.ofNullable(b.get(path));
            if (!same(x, y)) {
                found.add(new Difference(path, x, y));
            }
        }
        return found;
    }

    private static Map<String, ResolvedValue> byPath(DsConfig config, CheckOptions options) {
        Map<String, ResolvedValue> values = new LinkedHashMap<>();
        config.values(options).forEach(value -> values.put(value.path(), value));
        return values;
    }

    /** A key without a value and no key are the same; {@code "auto"} is only itself. */
    private static boolean same(Optional<ResolvedValue> a, Optional<ResolvedValue> b) {
        boolean autoA = a.map(v -> v.origin() == Origin.AUTO).orElse(false);
        boolean autoB = b.map(v -> v.origin() == Origin.AUTO).orElse(false);
        if (autoA || autoB) {
            return autoA == autoB;
        }
        @Nullable Object x = a.flatMap(ResolvedValue::value).orElse(null);
        @Nullable Object y = b.flatMap(ResolvedValue::value).orElse(null);
        if (a.isEmpty() || b.isEmpty()) { // a section that only one has: its defaults do not count
            ResolvedValue only = a.or(() -> b).orElseThrow();
            return only.isDefault() || Meaning.same(x == null ? y : x, standard(only.path()));
        }
        return Meaning.same(x, y);
    }

    private static @Nullable Object standard(String path) {
        return Explain.all().stream()
                .filter(key -> key.path().equals(path))
                .findFirst()
                .flatMap(key -> key.key().defaultValue())
                .orElse(null);
    }
}
