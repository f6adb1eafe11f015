package ds.config;

import ds.config.Explain.Explained;
import ds.core.KeyDeclaration;
import ds.core.KeyDeclaration.Status;
import ds.core.KeyDeclaration.Trait;
import ds.core.KeyDeclaration.Type;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** Walks the table, and the settings of plug-ins where they are known, in the order of the table. */
final class KeyWalk {
    private final CheckOptions options;
    private final List<Entry> entries = new ArrayList<>();

    private KeyWalk(CheckOptions options) {
        this.options = options;
    }

    /**
     * One key.
     *
     * @param chain the key and those that it lies in, outermost first
     * @param explained what is said of it
     */
    record Entry(List<KeyDeclaration> chain, Explained explained) {
        /** Copies the list. */
        Entry {
            chain = List.copyOf(chain);
        }

        /** Returns whether {@code parts} name this key from the document on. */
        boolean isExactly(List<String> parts) {
            return matches(parts, parts.size(), chain.size(), true);
        }

        /** Returns whether {@code parts} are the end of this key's path, in any spelling. */
        boolean endsWith(List<String> parts) {
            return matches(parts, parts.size(), chain.size(), false);
        }

        /** Compares from the end; what lies in a section of free names has one of them before it. */
        private boolean matches(List<String> parts, int left, int keys, boolean whole) {
            if (left == 0 || keys == 0) {
                return left == 0 && (keys == 0 || !whole);
            }
            KeyDeclaration key = chain.get(keys - 1);
            if (!spellings(key).contains(parts.get(left - 1))) {
                return false;
            }
            boolean named = keys > 1 && chain.get(keys - 2).has(Trait.NAMED);
            return matches(parts, left - 1, keys - 1, whole)
                    || (named && left > 1 && matches(parts, left - 2, keys - 1, whole));
        }
    }

    static List<Entry> of(CheckOptions options) {
        KeyWalk walk = new KeyWalk(options);
        walk.collect(KeyTable.ROOT, List.of(), Optional.empty());
        return walk.entries;
    }

    /** Returns all names of a key. */
    static List<String> spellings(KeyDeclaration key) {
        List<String> spellings = new ArrayList<>(List.of(key.name()));
        spellings.addAll(key.aliases());
        return spellings;
    }

    /** Walks on; {@code above} is what a section that is not honoured hands down. */
    private void collect(
            List<KeyDeclaration> keys, List<KeyDeclaration> into, Optional<KeyDeclaration> above) {
        Optional<KeyDeclaration> toggle = toggle(keys);
        for (KeyDeclaration key : keys) {
            KeyDeclaration decides =
                    toggle.or(() -> above)
                            .filter(outer -> outer.status().compareTo(key.status()) > 0)
                            .orElse(key);
            List<KeyDeclaration> chain = new ArrayList<>(into);
            chain.add(key);
            String path = path(chain);
            entries.add(new Entry(chain, explained(path, key, decides)));
            Optional<KeyDeclaration> below =
                    decides.status() == Status.IMPLEMENTED
                            ? Optional.empty()
                            : Optional.of(decides);
            collect(key.keys(), chain, below);
            switch (path) {
                case "optimizer.params" -> plugins(options.optimizers(), chain);
                case "scheduler.params" -> plugins(options.schedulers(), chain);
                default -> {}
            }
        }
    }

    /** Adds the settings of plug-ins by name; those that several declare alike are one entry. */
    private void plugins(Map<String, List<KeyDeclaration>> plugins, List<KeyDeclaration> section) {
        Map<String, Map<KeyDeclaration, List<String>>> byName = new TreeMap<>();
        Map<String, List<KeyDeclaration>> sorted = new TreeMap<>(String.CASE_INSENSITIVE_ORDER);
        sorted.putAll(plugins);
        for (Map.Entry<String, List<KeyDeclaration>> plugin : sorted.entrySet()) {
            for (KeyDeclaration key : plugin.getValue()) {
                byName.computeIfAbsent(key.name(), _ -> new LinkedHashMap<>())
                        .computeIfAbsent(key, _ -> new ArrayList<>())
                        .add(plugin.getKey());
            }
        }
        byName.values().forEach(alike -> alike.forEach((key, of) -> setting(section, key, of)));
    }

    private void setting(List<KeyDeclaration> section, KeyDeclaration key, List<String> of) {
        List<KeyDeclaration> chain = new ArrayList<>(section);
        chain.add(key);
        entries.add(
                new Entry(chain, new Explained(path(chain), key, key.status(), key.reason(), of)));
    }

    private static String path(List<KeyDeclaration> chain) {
        return String.join(".", chain.stream().map(KeyDeclaration::name).toList());
    }

    /** A section is honoured if a key in it is. */
    private static Explained explained(String path, KeyDeclaration key, KeyDeclaration decides) {
        if (decides.status() != Status.IMPLEMENTED || isHonoured(key)) {
            return said(path, key, decides.status(), decides.reason());
        }
        return toggle(key.keys())
                .map(toggle -> said(path, key, toggle.status(), toggle.reason()))
                .orElseGet(
                        () ->
                                said(
                                        path,
                                        key,
                                        Status.NO_EFFECT,
                                        "no key in it has one; each says why."));
    }

    private static Explained said(String path, KeyDeclaration key, Status status, String reason) {
        return new Explained(path, key, status, reason, List.of());
    }

    private static boolean isHonoured(KeyDeclaration key) {
        boolean leaf = key.type() != Type.OBJECT || key.keys().isEmpty();
        return key.status() == Status.IMPLEMENTED
                && toggle(key.keys()).isEmpty()
                && (leaf || key.keys().stream().anyMatch(KeyWalk::isHonoured));
    }

    /** A section whose {@code enabled} is not honoured does nothing: what is beside it may stand. */
    private static Optional<KeyDeclaration> toggle(List<KeyDeclaration> keys) {
        return keys.stream()
                .filter(key -> key.name().equals("enabled"))
                .filter(key -> key.status() != Status.IMPLEMENTED)
                .findFirst()
                .map(key -> key.noEffect(key.reason()));
    }
}
