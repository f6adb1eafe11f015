package ds.config;

import ds.core.Diagnostic;
import java.util.List;

/** Says the slips of a text in a draft: one about each place, and not too many. */
final class SlipReport {
    /** Most slips said: behind that many the text is something else than JSON. */
    static final int MOST = 20;

    private final Lines lines;
    private final int textLength;
    private final DocumentDraft draft;
    private int count;
    private int last = -1;
    private String member = "";

    SlipReport(Lines lines, int textLength, DocumentDraft draft) {
        this.lines = lines;
        this.textLength = textLength;
        this.draft = draft;
    }

    /** Notes what is read now, which the slips that follow are about. */
    void about(String pointer) {
        member = pointer;
    }

    String member() {
        return member;
    }

    /** Returns whether nothing more would be said. */
    boolean isStopped() {
        return count >= MOST || draft.isFull();
    }

    void add(int offset, String message, String way) {
        add(offset, message, way, List.of());
    }

    void add(int offset, String message, String way, List<Diagnostic.Related> alongside) {
        if (offset == last || isStopped()) {
            return; // one thing at a time about one place
        }
        last = offset;
        count++;
        Place place = lines.place(Math.min(offset, textLength));
        draft.broken(
                Diagnostic.error("syntax", member, message, way)
                        .at(place.line(), place.column())
                        .alongside(alongside));
        if (count == MOST) {
            draft.broken(
                    Diagnostic.error(
                                    "syntax",
                                    "",
                                    "Behind this place the document was not read any further.",
                                    "Correct what was found so far.")
                            .at(place.line(), place.column()));
        }
    }
}
