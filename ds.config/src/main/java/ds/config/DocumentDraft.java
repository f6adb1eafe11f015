package ds.config;

import ds.core.BoundedDiagnostics;
import ds.core.Diagnostic;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What a reader has made of a document so far: places and problems. Bounded, so that no document
 * can exhaust memory: a reader stops where it {@link #isFull()}.
 */
final class DocumentDraft {
    /** Most characters in all pointers together: long names deep down would multiply. */
    private static final long MOST_POINTER_CHARACTERS = 16L << 20;

    private final Map<String, Place> keys = new LinkedHashMap<>();
    private final Map<String, Place> values = new LinkedHashMap<>();
    private final BoundedDiagnostics problems = new BoundedDiagnostics();
    private long pointerCharacters;
    private boolean broken;
    private boolean full;

    /** Notes where the name of a member stands, and the value it names. */
    void member(String pointer, Place name, Place value) {
        keys.put(pointer, name);
        value(pointer, value);
    }

    /** Notes where a value stands. */
    void value(String pointer, Place value) {
        values.putIfAbsent(pointer, value);
        pointerCharacters += pointer.length();
        if (pointerCharacters > MOST_POINTER_CHARACTERS && !full) {
            limit(
                    value,
                    "The names of this document, each with those around it, have more than %,d"
                                    .formatted(MOST_POINTER_CHARACTERS)
                            + " characters.");
        }
    }

    /** Notes that a name stands a second time. */
    void duplicate(String name, String pointer, Place again) {
        Place before = keys.getOrDefault(pointer, Place.NONE);
        problems.add(
                Diagnostic.error(
                                "duplicate-key",
                                pointer,
                                "'%s' appears twice: at %s and again at %s."
                                        .formatted(Pointers.cut(name), before, again),
                                "Keep one of them.")
                        .at(again.line(), again.column())
                        .alongside(
                                List.of(
                                        new Diagnostic.Related(
                                                pointer,
                                                before.line(),
                                                before.column(),
                                                "first here"))));
    }

    /** Notes what keeps the text from being JSON. */
    void broken(Diagnostic problem) {
        broken = true;
        problems.add(problem);
    }

    /** Notes that the document is larger than allowed in some way; reading stops. */
    void limit(Place at, String message) {
        full = true;
        broken(Diagnostic.error("limit", "", message, "").at(at.line(), at.column()));
    }

    /** Returns whether reading must stop. */
    boolean isFull() {
        return full;
    }

    /** Returns whether the text, or a part of it, could not be read. */
    boolean isBroken() {
        return broken;
    }

    /** Takes over what another reader found in the same text. */
    void adopt(DocumentDraft other) {
        keys.putAll(other.keys);
        values.putAll(other.values);
        other.problems.list().forEach(problems::add);
        broken |= other.broken;
    }

    /** Returns the finished document. */
    LocatedDocument finish(Map<String, Object> root, String text) {
        return new LocatedDocument(root, keys, values, problems.list(), text, !broken);
    }
}
