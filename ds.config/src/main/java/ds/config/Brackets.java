package ds.config;

import ds.core.Diagnostic;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;

/** The braces and brackets that are open where a text is read, and what a closer ends. */
final class Brackets {
    /** Offset of the opener of a document that is read on behind its end. */
    private static final int NOWHERE = -1;

    private record Opener(int offset, char close) {}

    private final TextCursor cursor;
    private final String text;
    private final Lines lines;
    private final SlipReport slips;
    private final Deque<Opener> open = new ArrayDeque<>();

    Brackets(TextCursor cursor, String text, Lines lines, SlipReport slips) {
        this.cursor = cursor;
        this.text = text;
        this.lines = lines;
        this.slips = slips;
    }

    /** Takes the opener that stands here, which {@code close} ends. */
    void open(char close) {
        open.push(new Opener(cursor.at(), close));
        cursor.skip(1);
    }

    /** Goes on in the document behind its end. */
    void reopen() {
        open.push(new Opener(NOWHERE, '}'));
    }

    void leave() {
        open.pop();
    }

    int depth() {
        return open.size();
    }

    boolean isInObject() {
        return !open.isEmpty() && open.element().close() == '}';
    }

    /** Takes a closer; true if the container that wants {@code wanted} ends with it. */
    boolean closes(char c, char wanted) {
        if (c == wanted && !open.isEmpty()) {
            cursor.skip(1);
            return true;
        }
        long objects = open.stream().filter(opener -> opener.close() == '}').count();
        boolean outer = open.stream().skip(1).anyMatch(opener -> opener.close() == c);
        boolean spare = c != '}' || objects >= cursor.surplusBraces();
        if (outer && spare) {
            Opener opener = open.element();
            slips.add(
                    cursor.at(),
                    "The %c of %s is not closed before this %c."
                            .formatted(text.charAt(opener.offset()), place(opener), c),
                    "Write %c before it.".formatted(opener.close()),
                    List.of(related(opener)));
            return true;
        }
        boolean lacking = c == '}' ? outer : objects > cursor.surplusBraces();
        if (!open.isEmpty() && !isReopened() && lacking) {
            Opener opener = open.element();
            slips.add(
                    cursor.at(),
                    "The %c of %s is closed by %c."
                            .formatted(text.charAt(opener.offset()), place(opener), c),
                    "Write %c.".formatted(opener.close()),
                    List.of(related(opener)));
            cursor.skip(1);
            return true;
        }
        stray();
        return false;
    }

    /** Skips a closer that ends nothing. */
    void stray() {
        slips.add(
                cursor.at(),
                "This closing brace or bracket has no partner.",
                "Remove it, or add the opening one.");
        cursor.skip(1);
    }

    /** Says that the text ends in a container. */
    void unclosed() {
        if (open.isEmpty() || isReopened()) {
            return;
        }
        Opener opener = open.element();
        slips.add(
                cursor.at(),
                "The text ends, but the %c of %s is still open."
                        .formatted(text.charAt(opener.offset()), place(opener)),
                "Close it with %c.".formatted(opener.close()),
                List.of(related(opener)));
    }

    /** Returns whether the innermost object is the document, read on behind its end. */
    private boolean isReopened() {
        return open.element().offset() == NOWHERE;
    }

    private Place place(Opener opener) {
        return lines.place(opener.offset());
    }

    private Diagnostic.Related related(Opener opener) {
        Place start = place(opener);
        return new Diagnostic.Related(slips.member(), start.line(), start.column(), "opened here");
    }
}
