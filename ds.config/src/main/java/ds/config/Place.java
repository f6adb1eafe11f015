package ds.config;

/**
 * A place in the text of a document.
 *
 * @param line counted from 1; 0 if the document was not text
 * @param column counted from 1, in UTF-16 units; 0 if the document was not text
 */
record Place(int line, int column) {
    /** The place of everything in a document that was never text. */
    static final Place NONE = new Place(0, 0);

    @Override
    public String toString() {
        return line + ":" + column;
    }
}
