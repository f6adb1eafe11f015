package ds.config;

import ds.core.KeyDeclaration;
import ds.core.KeyDeclaration.Status;
import ds.core.KeyDeclaration.Trait;
import ds.core.Spelling;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.TreeSet;

/** Says what a key means, what it may be, and whether this runtime honours it. */
public final class Explain {
    private static final int NEAR = 5;

    private Explain() {}

    /**
     * A key and where it lives.
     *
     * @param path dotted path, such as {@code zero_optimization.stage}
     * @param key its declaration
     * @param status whether it is honoured; a key in a section that is not, is not either
     * @param reason why not, or {@code ""}
     */
    public record Explained(String path, KeyDeclaration key, Status status, String reason) {
        /** Returns the explanation as text, several lines. */
        public String render() {
            StringBuilder out = new StringBuilder(path).append('\n');
            out.append("  ").append(key.doc()).append('\n');
            line(out, "type", key.rule());
            line(out, "unit", key.unit());
            key.defaultValue().ifPresent(value -> line(out, "default", String.valueOf(value)));
            line(out, "also", String.join(", ", key.aliases()));
            if (!key.keys().isEmpty()) {
                line(
                        out,
                        "keys",
                        String.join(", ", key.keys().stream().map(KeyDeclaration::name).toList()));
            }
            line(out, "status", standing());
            return out.toString();
        }

        private String standing() {
            if (key.has(Trait.DEPRECATED)) {
                return "deprecated: " + key.reason();
            }
            return switch (status) {
                case IMPLEMENTED -> "implemented";
                case NO_EFFECT -> "no effect here: " + reason;
                case REFUSED -> "refused unless it is the default: " + reason;
            };
        }

        private static void line(StringBuilder out, String label, String value) {
            if (!value.isEmpty()) {
                out.append("  %-8s %s%n".formatted(label, value).replace("\r\n", "\n"));
            }
        }
    }

    /**
     * Returns the keys that {@code asked} names.
     *
     * @param asked a JSON pointer ({@code /zero_optimization/stage}), a dotted path, or a bare name,
     *     which may exist in several sections; other spellings of a key count
     * @return in the order of the table; empty if there is none
     */
    public static List<Explained> find(String asked) {
        String path = asked.startsWith("/") ? Pointers.dotted(asked) : asked;
        List<Explained> all = new ArrayList<>();
        collect(KeyTable.ROOT, "", Optional.empty(), all);
        List<Explained> exact = all.stream().filter(e -> spellings(e).contains(path)).toList();
        return exact.isEmpty()
                ? all.stream()
                        .filter(e -> spellings(e).stream().anyMatch(s -> s.endsWith("." + path)))
                        .toList()
                : exact;
    }

    /** Returns paths of keys that {@code asked} may have meant, closest first. */
    public static List<String> near(String asked) {
        String path = asked.startsWith("/") ? Pointers.dotted(asked) : asked;
        String name = path.substring(path.lastIndexOf('.') + 1);
        List<Explained> all = new ArrayList<>();
        collect(KeyTable.ROOT, "", Optional.empty(), all);
        TreeSet<String> names = new TreeSet<>();
        all.forEach(e -> names.add(e.key.name()));
        return Spelling.nearest(name, names, NEAR).stream()
                .flatMap(n -> all.stream().filter(e -> e.key.name().equals(n)))
                .map(Explained::path)
                .limit(NEAR)
                .toList();
    }

    /** Returns every key with its path, in the order of the table. */
    public static List<Explained> all() {
        List<Explained> all = new ArrayList<>();
        collect(KeyTable.ROOT, "", Optional.empty(), all);
        return List.copyOf(all);
    }

    /** Returns how many keys have {@code status}. */
    public static long count(Status status) {
        return all().stream().filter(e -> e.status == status).count();
    }

    private static List<String> spellings(Explained explained) {
        String path = explained.path;
        String home = path.substring(0, path.length() - explained.key.name().length());
        List<String> spellings = new ArrayList<>(List.of(path));
        explained.key.aliases().forEach(alias -> spellings.add(home + alias));
        return spellings;
    }

    /** Walks the table; {@code above} is what a section that is not honoured hands down. */
    private static void collect(
            List<KeyDeclaration> keys,
            String prefix,
            Optional<KeyDeclaration> above,
            List<Explained> into) {
        Optional<KeyDeclaration> toggle = toggle(keys);
        for (KeyDeclaration key : keys) {
            KeyDeclaration decides =
                    toggle.or(() -> above)
                            .filter(outer -> outer.status().compareTo(key.status()) > 0)
                            .orElse(key);
            into.add(explained(prefix + key.name(), key, decides));
            Optional<KeyDeclaration> below =
                    decides.status() == Status.IMPLEMENTED
                            ? Optional.empty()
                            : Optional.of(decides);
            collect(key.keys(), prefix + key.name() + ".", below, into);
        }
    }

    /** A section is honoured if a key in it is. */
    private static Explained explained(String path, KeyDeclaration key, KeyDeclaration decides) {
        if (decides.status() != Status.IMPLEMENTED || isHonoured(key)) {
            return new Explained(path, key, decides.status(), decides.reason());
        }
        return toggle(key.keys())
                .map(toggle -> new Explained(path, key, toggle.status(), toggle.reason()))
                .orElseGet(
                        () ->
                                new Explained(
                                        path,
                                        key,
                                        Status.NO_EFFECT,
                                        "no key in it has one; each says why."));
    }

    private static boolean isHonoured(KeyDeclaration key) {
        boolean leaf = key.type() != KeyDeclaration.Type.OBJECT || key.keys().isEmpty();
        return key.status() == Status.IMPLEMENTED
                && toggle(key.keys()).isEmpty()
                && (leaf || key.keys().stream().anyMatch(Explain::isHonoured));
    }

    /** A section whose {@code enabled} is not honoured does nothing. */
    private static Optional<KeyDeclaration> toggle(List<KeyDeclaration> keys) {
        return keys.stream()
                .filter(key -> key.name().equals("enabled"))
                .filter(key -> key.status() != Status.IMPLEMENTED)
                .findFirst();
    }
}
