package ds.config;

import java.util.List;

/**
 * A document in its modern form: old keys rewritten, everything else, comments included, as it was.
 *
 * @param text the document
 * @param changes what was changed, from the top to the bottom
 */
public record Migration(String text, List<Change> changes) {

    /**
     * A change to a document.
     *
     * @param line line of the original, counted from 1; 0 if it was not text
     * @param pointer JSON pointer of what was changed, in the original's spelling
     * @param message what was done, in a sentence
     */
    public record Change(int line, String pointer, String message) {}

    /** Copies the list. */
    public Migration {
        changes = List.copyOf(changes);
    }
}
