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
    /** Stands for a value that could not be read; its member is left out. */
    static final Object UNREAD = new Object();

    /** Code of what is larger than any configuration is. */
    static final String LIMIT = "limit";

    /** Longest name of a member, in characters. */
    static final int MOST_NAME = 4_096;

    private static final int MOST_VALUES = 250_000;

    /** Most characters in all pointers together: long names deep down would multiply. */
    private static final long MOST_POINTER_CHARACTERS = 16L << 20;

    private final Map<String, Place> keys = new LinkedHashMap<>();
    private final Map<String, Place> values = new LinkedHashMap<>();
    private final BoundedDiagnostics problems = new BoundedDiagnostics();
    private long pointerCharacters;
    private int count;
    private boolean broken;
    private boolean stretched;
    private boolean full;

    /** Notes where the name of a member stands, and the value it names. */
    void member(String pointer, Place name, Place value) {
        keys.put(pointer, name);
        value(pointer, value);
        if (pointer.length() - pointer.lastIndexOf('/') > MOST_NAME) {
            longName(name);
        }
    }

    /** Notes that a name is longer than allowed; reading stops. */
    void longName(Place at) {
        limit(at, "A name has more than %,d characters.".formatted(MOST_NAME));
    }

    /** Notes where a value stands. */
    void value(String pointer, Place value) {
        values.putIfAbsent(pointer, value);
        pointerCharacters += pointer.length();
        if (++count > MOST_VALUES) {
            limit(value, "The document has more than %,d values.".formatted(MOST_VALUES));
        }
        if (pointerCharacters > MOST_POINTER_CHARACTERS) {
            limit(
                    value,
                    "The names of this document, each with those around it, have more than %,d"
                                    .formatted(MOST_POINTER_CHARACTERS)
                            + " characters.");
        }
    }

    /** Notes that a name stands a second time. */
    void duplicate(String name, String pointer, Place again) {
        if (problems.isFull()) {
            problems.add(Diagnostic.error("duplicate-key", pointer, "", "")); // only counted
            return;
        }
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

    /** Notes that a number has more characters than are read exactly; reading goes on. */
    void longNumber(String pointer, Place at, int characters) {
        stretched = true;
        problems.add(
                Diagnostic.error(
                                LIMIT,
                                pointer,
                                "A number has %,d characters; %d are the limit."
                                        .formatted(characters, JsonNumber.MOST_CHARACTERS),
                                "Write it shorter, or with an exponent.")
                        .at(at.line(), at.column()));
    }

    /** Notes that the document is larger than allowed in some way; reading stops. */
    void limit(Place at, String message) {
        if (!full) {
            broken(Diagnostic.error(LIMIT, "", message, "").at(at.line(), at.column()));
        }
        full = true;
    }

    /** Returns whether reading must stop. */
    boolean isFull() {
        return full;
    }

    /** Returns whether the text, or a part of it, could not be read. */
    boolean isBroken() {
        return broken;
    }

    /** Returns whether it is said why the strict reader refused the text. */
    boolean isExplained() {
        return broken || stretched;
    }

    /** Takes over what another reader found in the same text. */
    void adopt(DocumentDraft other) {
        keys.putAll(other.keys);
        values.putAll(other.values);
        other.problems.list().forEach(problems::add);
        broken |= other.broken;
        stretched |= other.stretched;
    }

    /** Returns the finished document. */
    LocatedDocument finish(Map<String, Object> root, String text) {
        return new LocatedDocument(root, keys, values, problems.list(), text, !broken);
    }
}
