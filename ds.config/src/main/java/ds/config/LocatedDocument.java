package ds.config;

import ds.core.BoundedDiagnostics;
import ds.core.Diagnostic;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.ToIntFunction;

/**
 * A JSON object and where in the text each part stood.
 *
 * @param root the values: strings, booleans, numbers, lists, maps, null
 * @param keys place of each member's name, by pointer
 * @param values place of each value, by pointer
 * @param problems what was wrong with the text itself
 * @param text the text, or {@code ""} if there was none
 * @param complete whether all of the text could be read; if not, that a key is absent proves nothing
 */
record LocatedDocument(
        Map<String, Object> root,
        Map<String, Place> keys,
        Map<String, Place> values,
        List<Diagnostic> problems,
        String text,
        boolean complete) {

    /** Rules about the name of a member rather than its value: the caret goes under the name. */
    private static final Set<String> ABOUT_NAMES =
            Set.of(
                    "unknown-key",
                    "duplicate-key",
                    "deprecated",
                    "conflict",
                    "no-effect",
                    "missing");

    /** Rules that compare a key with others, which may stand in a part that was not read. */
    private static final Set<String> ABOUT_SEVERAL = Set.of("conflict");

    /** Rules about the value of a key. */
    private static final Set<String> ABOUT_VALUES = Set.of("type", "range", "choice");

    /** Most diagnostics reported about one document. */
    static final int MOST_SHOWN = 200;

    LocatedDocument {
        root = Collections.unmodifiableMap(root);
        keys = Collections.unmodifiableMap(keys);
        values = Collections.unmodifiableMap(values);
        problems = List.copyOf(problems);
    }

    /**
     * Returns what was found in the order of the text, with places, bounded; without what only the
     * unread part of a broken text may explain.
     */
    List<Diagnostic> arrange(List<Diagnostic> found) {
        List<Diagnostic> located = new ArrayList<>();
        found.stream().filter(this::isProven).forEach(d -> located.add(locate(d)));
        Comparator<Diagnostic> byPlace =
                Comparator.<Diagnostic, Boolean>comparing(
                                d -> d.code().equals(BoundedDiagnostics.MORE))
                        .thenComparingInt(Diagnostic::line)
                        .thenComparingInt(Diagnostic::column)
                        .thenComparingInt(order(located));
        if (located.size() > MOST_SHOWN) {
            BoundedDiagnostics worst = new BoundedDiagnostics(MOST_SHOWN);
            located.sort(Comparator.comparing(Diagnostic::severity).thenComparing(byPlace));
            located.forEach(worst::add);
            located.clear();
            located.addAll(worst.list());
        }
        located.sort(byPlace);
        return located;
    }

    /** Returns the order of a document that was never text. */
    private ToIntFunction<Diagnostic> order(List<Diagnostic> found) {
        if (!text.isEmpty() || found.size() < 2) {
            return _ -> 0;
        }
        Map<String, Integer> ordinals = new HashMap<>();
        keys.keySet().forEach(pointer -> ordinals.put(pointer, ordinals.size()));
        return diagnostic -> ordinals.getOrDefault(diagnostic.pointer(), -1);
    }

    /** In a text that was not read to its end, absence proves nothing. */
    private boolean isProven(Diagnostic diagnostic) {
        boolean aboutText = problems.contains(diagnostic);
        if (aboutText) {
            return true;
        }
        if (ABOUT_VALUES.contains(diagnostic.code()) && isTooLong(diagnostic.pointer())) {
            return false;
        }
        if (complete) {
            return true;
        }
        boolean standsThere = keys.containsKey(diagnostic.pointer());
        boolean between = ABOUT_SEVERAL.contains(diagnostic.code());
        return standsThere
                && !diagnostic.code().equals("missing")
                && (!between
                        || (!diagnostic.related().isEmpty()
                                && diagnostic.related().stream()
                                        .allMatch(other -> keys.containsKey(other.pointer()))));
    }

    /** Returns whether the value at {@code pointer}, or one in its list, was not read exactly. */
    private boolean isTooLong(String pointer) {
        return !pointer.isEmpty()
                && problems.stream()
                        .filter(problem -> problem.code().equals(DocumentDraft.LIMIT))
                        .anyMatch(problem -> (problem.pointer() + "/").startsWith(pointer + "/"));
    }

    /** Returns the diagnostic with the places of what it is about, where it has none yet. */
    Diagnostic locate(Diagnostic diagnostic) {
        if (values.isEmpty()) {
            return diagnostic;
        }
        boolean name = ABOUT_NAMES.contains(diagnostic.code());
        Diagnostic located = diagnostic;
        if (diagnostic.line() == 0) {
            Place place = place(diagnostic.pointer(), name);
            located = diagnostic.at(place.line(), place.column());
        }
        return located.related().isEmpty()
                ? located
                : located.alongside(
                        located.related().stream().map(other -> locate(other, name)).toList());
    }

    private Diagnostic.Related locate(Diagnostic.Related other, boolean name) {
        if (other.line() > 0) {
            return other;
        }
        Place place = place(other.pointer(), name);
        return other.at(place.line(), place.column());
    }

    /** Returns the place of a value, or of the nearest one around it that stands in the text. */
    private Place place(String pointer, boolean name) {
        for (String at = pointer; ; at = Pointers.parent(at)) {
            Place place = name ? keys.getOrDefault(at, values.get(at)) : values.get(at);
            if (place != null || at.isEmpty()) {
                return place == null ? Place.NONE : place;
            }
        }
    }
}
