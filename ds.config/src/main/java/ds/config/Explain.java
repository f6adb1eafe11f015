package ds.config;

import ds.core.KeyDeclaration;
import ds.core.KeyDeclaration.Status;
import ds.core.KeyDeclaration.Trait;
import ds.core.Spelling;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;

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
     * @param plugins for a setting of plug-ins the optimizers or schedules that have it; empty for
     *     a key of the table
     */
    public record Explained(
            String path, KeyDeclaration key, Status status, String reason, List<String> plugins) {
        /** Copies the list. */
        public Explained {
            plugins = List.copyOf(plugins);
        }

        /** Returns the explanation as text, several lines. */
        public String render() {
            StringBuilder out = new StringBuilder(path).append('\n');
            out.append("  ").append(key.doc()).append('\n');
            line(out, "of", String.join(", ", plugins));
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

        /** Returns in words whether it is honoured, and why not: {@code no effect here: ...}. */
        public String standing() {
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

    /** Returns the keys of the table that {@code asked} names, without settings of plug-ins. */
    public static List<Explained> find(String asked) {
        return find(asked, CheckOptions.none());
    }

    /**
     * Returns the keys that {@code asked} names.
     *
     * @param asked a JSON pointer ({@code /zero_optimization/stage}), a dotted path, or a bare name,
     *     which may exist in several sections; other spellings of a key, and of the sections around
     *     it, count
     * @param options says which plug-ins there are; their settings are found too
     * @return in the order of the table; empty if there is none
     */
    public static List<Explained> find(String asked, CheckOptions options) {
        List<String> parts = Pointers.parts(asked);
        List<KeyWalk.Entry> all = KeyWalk.of(options);
        List<Explained> exact = chosen(all.stream().filter(entry -> entry.isExactly(parts)));
        return exact.isEmpty()
                ? chosen(all.stream().filter(entry -> entry.endsWith(parts)))
                : exact;
    }

    private static List<Explained> chosen(Stream<KeyWalk.Entry> entries) {
        return entries.map(KeyWalk.Entry::explained).toList();
    }

    /** Returns paths of keys of the table that {@code asked} may have meant, closest first. */
    public static List<String> near(String asked) {
        return near(asked, CheckOptions.none());
    }

    /**
     * Returns paths of keys that {@code asked} may have meant, at most five: those in the sections
     * that it names first, then the closest.
     */
    public static List<String> near(String asked, CheckOptions options) {
        List<String> parts = Pointers.parts(asked);
        String name = parts.getLast();
        List<KeyWalk.Entry> all = KeyWalk.of(options);
        Set<String> names = new TreeSet<>();
        all.forEach(entry -> names.addAll(KeyWalk.spellings(entry.explained().key())));
        Set<String> paths = new LinkedHashSet<>(WrongSection.meant(name).stream().toList());
        for (String close : Spelling.nearest(name, names, Integer.MAX_VALUE)) {
            all.stream()
                    .filter(entry -> entry.endsWith(List.of(close)))
                    .forEach(entry -> paths.add(entry.explained().path()));
        }
        List<String> sections = parts.subList(0, parts.size() - 1);
        List<String> ordered = new ArrayList<>(paths);
        ordered.sort(Comparator.comparing(path -> !isInside(path, sections)));
        return ordered.stream().limit(NEAR).toList();
    }

    private static boolean isInside(String path, List<String> sections) {
        List<String> around = Pointers.parts(path);
        return around.subList(0, around.size() - 1).stream()
                .anyMatch(section -> !Spelling.nearest(section, sections, 1).isEmpty());
    }

    /** Returns every key of the table with its path, in the order of the table. */
    public static List<Explained> all() {
        return all(CheckOptions.none());
    }

    /** Returns every key of the table and every setting of the plug-ins that {@code options} name. */
    public static List<Explained> all(CheckOptions options) {
        return chosen(KeyWalk.of(options).stream());
    }

    /** Returns how many keys of the table have {@code status}. */
    public static long count(Status status) {
        return all().stream().filter(e -> e.status == status).count();
    }
}
