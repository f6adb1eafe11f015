package ds.config;

import ds.core.KeyDeclaration;
import ds.core.KeyDeclaration.Trait;
import ds.core.KeyDeclaration.Type;
import ds.core.Settings;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Rewrites old keys in the text of a sound document: one at a time, the lowest first, so that the
 * places above stay true; the text is read again after each.
 */
final class Modernizer {
    private static final String ZERO = "/" + OldKeys.SECTION;

    /**
     * What to do with one member.
     *
     * @param pointer of the member
     * @param name its new name; empty to leave it
     * @param value its new value; empty to leave it
     * @param also pointer of another member that goes with it; {@code ""} for none
     */
    private record Rewrite(
            String pointer,
            Optional<String> name,
            Optional<String> value,
            boolean removed,
            String also,
            String message) {
        static Rewrite renamed(String pointer, String name) {
            return new Rewrite(
                    pointer,
                    Optional.of(name),
                    Optional.empty(),
                    false,
                    "",
                    "'%s' is now '%s'.".formatted(Pointers.last(pointer), name));
        }

        static Rewrite removed(String pointer, String message) {
            return new Rewrite(pointer, Optional.empty(), Optional.empty(), true, "", message);
        }
    }

    private final List<Migration.Change> changes = new ArrayList<>();
    private LocatedDocument document;
    private String text;
    private Lines lines;
    private TextSpans spans;

    Modernizer(LocatedDocument document) {
        this.document = document;
        this.text = document.text();
        this.lines = new Lines(text);
        this.spans = new TextSpans(text);
    }

    Migration run() {
        for (Optional<Rewrite> next = lowest(); next.isPresent(); next = lowest()) {
            Rewrite rewrite = next.get();
            Place place = document.keys().getOrDefault(rewrite.pointer(), Place.NONE);
            changes.addFirst(
                    new Migration.Change(place.line(), rewrite.pointer(), rewrite.message()));
            apply(rewrite);
        }
        return new Migration(text, changes);
    }

    private Optional<Rewrite> lowest() {
        List<Rewrite> found = new ArrayList<>();
        object(KeyTable.ROOT, document.root(), "", found);
        return found.stream().reduce((a, b) -> start(a.pointer()) > start(b.pointer()) ? a : b);
    }

    private void object(
            List<KeyDeclaration> keys, Map<?, ?> object, String at, List<Rewrite> found) {
        object.forEach(
                (name, value) -> {
                    String spelling = String.valueOf(name);
                    keys.stream()
                            .filter(key -> Canonical.isSpelled(key, spelling))
                            .findFirst()
                            .ifPresent(
                                    key ->
                                            member(
                                                    key,
                                                    spelling,
                                                    value,
                                                    object,
                                                    Pointers.child(at, spelling),
                                                    found));
                });
    }

    private void member(
            KeyDeclaration key,
            String spelling,
            @Nullable Object value,
            Map<?, ?> around,
            String at,
            List<Rewrite> found) {
        if (key.has(Trait.DEPRECATED)) {
            found.add(old(OldKeys.named(key.name()).orElseThrow(), value, at));
            return;
        }
        if (at.equals(ZERO) && value instanceof Boolean on) {
            found.add(stage(on));
            return;
        }
        if (!key.name().equals(spelling)) {
            boolean twin = around.containsKey(key.name());
            boolean nothing = twin && around.get(key.name()) == null && value != null;
            found.add(
                    nothing
                            ? gone(Pointers.child(Pointers.parent(at), key.name()), spelling)
                            : twin ? gone(at, key.name()) : Rewrite.renamed(at, key.name()));
        }
        if (key.type() == Type.OBJECT && value instanceof Map<?, ?> inner) {
            if (key.has(Trait.NAMED)) {
                inner.forEach(
                        (name, each) -> {
                            if (each instanceof Map<?, ?> map) {
                                String deeper = Pointers.child(at, String.valueOf(name));
                                object(key.keys(), map, deeper, found);
                            }
                        });
            } else {
                object(key.keys(), inner, at, found);
            }
        }
    }

    /** Of two spellings of one key, one is read. */
    private static Rewrite gone(String pointer, String other) {
        return Rewrite.removed(
                pointer,
                "'%s' is gone: '%s' is read instead.".formatted(Pointers.last(pointer), other));
    }

    private static Rewrite old(OldKeys old, @Nullable Object value, String at) {
        Map<String, Object> alone = new LinkedHashMap<>();
        alone.put(old.key(), value);
        Settings read = Settings.validate(ZeroKeys.section().keys(), alone, "").settings();
        Optional<Object> meaning = old.meaning(read);
        if (meaning.isEmpty()) {
            return Rewrite.removed(
                    at,
                    old.successor().isEmpty()
                            ? "'%s' is gone: nothing reads it.".formatted(old.key())
                            : "'%s' is gone: off is the default.".formatted(old.key()));
        }
        String modern =
                meaning.get() instanceof Map<?, ?>
                        ? "{\"device\": \"cpu\"}"
                        : JsonText.of(meaning.get());
        return new Rewrite(
                at,
                Optional.of(old.successor()),
                Optional.of(modern),
                false,
                "",
                "'%s' is now '%s': %s.".formatted(old.key(), old.successor(), modern));
    }

    /** Rewrites {@code "zero_optimization": true}, which took its bucket size from beside it. */
    private Rewrite stage(boolean on) {
        Object size = document.root().get("allgather_size");
        boolean sized = on && size instanceof Number;
        String modern =
                sized
                        ? "{\"stage\": 1, \"allgather_bucket_size\": %s}"
                                .formatted(JsonText.of(size))
                        : "{\"stage\": %d}".formatted(on ? 1 : 0);
        return new Rewrite(
                ZERO,
                Optional.empty(),
                Optional.of(modern),
                false,
                sized ? "/allgather_size" : "",
                "'zero_optimization' as %b is now %s.".formatted(on, modern));
    }

    private void apply(Rewrite rewrite) {
        int at = start(rewrite.pointer());
        if (rewrite.removed()) {
            read(without(rewrite.pointer()));
            return;
        }
        String also = rewrite.also();
        boolean below = !also.isEmpty() && start(also) > at;
        if (below) {
            read(without(also));
        }
        int value = lines.offset(document.values().getOrDefault(rewrite.pointer(), Place.NONE));
        String name = text.substring(at, spans.end(at));
        String newName = rewrite.name().map(n -> quotedAs(name, n)).orElse(name);
        String tail = text.substring(spans.end(value));
        String newValue = rewrite.value().orElse(text.substring(value, spans.end(value)));
        String between = text.substring(at + name.length(), value);
        read(text.substring(0, at) + newName + between + newValue + tail);
        if (!also.isEmpty() && !below) {
            read(without(also));
        }
    }

    private static String quotedAs(String old, String name) {
        char quote = old.charAt(0);
        return quote == '"' || quote == '\'' ? quote + name + quote : name;
    }

    /** Returns the text without a member, its comma and, if nothing else stands there, its line. */
    private String without(String pointer) {
        int start = start(pointer);
        int end = spans.end(lines.offset(document.values().getOrDefault(pointer, Place.NONE)));
        int comma = spans.behindBlanks(end);
        if (text.charAt(comma) == ',') {
            return cut(start, comma + 1);
        }
        Optional<String> before = sibling(pointer);
        if (before.isEmpty()) {
            return cut(start, end);
        }
        Place value = document.values().getOrDefault(before.get(), Place.NONE);
        int previous = spans.behindBlanks(spans.end(lines.offset(value)));
        String between = text.substring(previous + 1, start);
        if (between.isBlank() && between.indexOf('\n') < 0) {
            return text.substring(0, previous) + text.substring(end);
        }
        return text.substring(0, previous) + cut(start, end).substring(previous + 1);
    }

    private String cut(int start, int end) {
        int from = spans.lineStart(start);
        int to = spans.nextLine(end);
        if (from >= 0 && to >= 0) {
            return text.substring(0, from) + text.substring(to);
        }
        int next = end;
        while (text.charAt(next) == ' ') {
            next++;
        }
        return text.substring(0, start) + text.substring(next);
    }

    /** Returns the member before this one in the same object. */
    private Optional<String> sibling(String pointer) {
        String parent = Pointers.parent(pointer);
        Optional<String> before = Optional.empty();
        for (String other : document.keys().keySet()) {
            if (other.equals(pointer)) {
                return before;
            }
            before = Pointers.parent(other).equals(parent) ? Optional.of(other) : before;
        }
        return Optional.empty();
    }

    private int start(String pointer) {
        return lines.offset(document.keys().getOrDefault(pointer, Place.NONE));
    }

    private void read(String newText) {
        text = newText;
        document = DocumentParser.parse(newText);
        lines = new Lines(newText);
        spans = new TextSpans(newText);
    }
}
