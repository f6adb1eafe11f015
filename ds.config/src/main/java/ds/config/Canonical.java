package ds.config;

import ds.core.KeyDeclaration;
import ds.core.KeyDeclaration.Trait;
import ds.core.KeyDeclaration.Type;
import ds.core.Settings;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * The one form of a configuration that all documents of the same keys and values share: keys under
 * their own names in the order of the key table, free names sorted, old keys as their successors,
 * without comments and unread keys. Defaults stay unwritten.
 */
final class Canonical {
    private Canonical() {}

    /**
     * Returns the members of the canonical document.
     *
     * @param read the document as it was read, before defaults and old keys were given a meaning
     * @param written the document itself, for values that are kept as they were written
     */
    static Map<String, Object> of(Settings read, Map<String, Object> written) {
        return object(KeyTable.ROOT, read, written, false);
    }

    private static Map<String, Object> object(
            List<KeyDeclaration> keys, Settings read, Map<?, ?> written, boolean open) {
        Map<String, Object> members = new LinkedHashMap<>();
        for (KeyDeclaration key : keys) {
            if (key.has(Trait.DEPRECATED)) {
                continue;
            }
            if (read.isGiven(key.name())) {
                members.put(key.name(), member(key, read, raw(key, written)));
            } else {
                OldKeys.replacedBy(key.name())
                        .flatMap(old -> old.meaning(read))
                        .ifPresent(value -> members.put(key.name(), value));
            }
        }
        if (open) {
            Map<String, Object> free = new TreeMap<>();
            for (Map.Entry<?, ?> entry : written.entrySet()) {
                String name = String.valueOf(entry.getKey());
                boolean declared = keys.stream().anyMatch(key -> isSpelled(key, name));
                if (!declared && !isComment(name)) {
                    free.put(name, kept(entry.getValue()));
                }
            }
            members.putAll(free);
        }
        return members;
    }

    private static @Nullable Object member(
            KeyDeclaration key, Settings read, @Nullable Object written) {
        if (read.isAuto(key.name())) {
            return Settings.AUTO;
        }
        Object value = read.value(key.name()).orElse(null);
        if (value == null) {
            return null;
        }
        if (key.type() == Type.OBJECT && value instanceof Settings inner) {
            Map<?, ?> raw = written instanceof Map<?, ?> map ? map : Map.of();
            return key.has(Trait.NAMED)
                    ? named(key, inner, raw)
                    : object(key.keys(), inner, raw, key.has(Trait.OPEN));
        }
        boolean asWritten = key.type() == Type.ANY || key.has(Trait.VERBATIM);
        return asWritten && written != null ? kept(written) : value;
    }

    private static Map<String, Object> named(KeyDeclaration key, Settings read, Map<?, ?> written) {
        Map<String, Object> members = new TreeMap<>();
        for (String name : read.names()) {
            Map<?, ?> raw = written.get(name) instanceof Map<?, ?> map ? map : Map.of();
            Settings each = read.section(name);
            members.put(name, object(key.keys(), each, raw, key.has(Trait.OPEN)));
        }
        return members;
    }

    /** Returns what the document wrote for a key, under whatever spelling. */
    private static @Nullable Object raw(KeyDeclaration key, Map<?, ?> written) {
        Object found = written.get(key.name());
        for (String alias : key.aliases()) {
            found = found == null ? written.get(alias) : found;
        }
        return found;
    }

    /** Returns a value as it was written, its members sorted and without comments. */
    private static @Nullable Object kept(@Nullable Object value) {
        if (value instanceof List<?> list) {
            List<@Nullable Object> items = new ArrayList<>();
            list.forEach(item -> items.add(kept(item)));
            return Collections.unmodifiableList(items);
        }
        if (!(value instanceof Map<?, ?> map)) {
            return value;
        }
        Map<String, @Nullable Object> sorted = new TreeMap<>();
        map.forEach(
                (name, item) -> {
                    if (!isComment(String.valueOf(name))) {
                        sorted.put(String.valueOf(name), kept(item));
                    }
                });
        return sorted;
    }

    static boolean isSpelled(KeyDeclaration key, String name) {
        return key.name().equals(name) || key.aliases().contains(name);
    }

    private static boolean isComment(String name) {
        return name.startsWith("_") || name.startsWith("//");
    }
}
