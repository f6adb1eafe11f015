package ds.engine.checkpoint;

import ds.core.DType;

/**
 * A contiguous run of one parameter's elements, of one kind.
 *
 * @param kind {@link #MASTER}, {@link #FROZEN} or the name of an optimizer's state slot
 * @param parameter the parameter's name
 * @param offsetElements first element, in the parameter's own row-major order
 * @param lengthElements number of elements, at least 1
 * @param type element type
 */
public record Piece(
        String kind, String parameter, long offsetElements, long lengthElements, DType type) {
    /** The kind of fp32 master weights. */
    public static final String MASTER = "master";

    /** The kind of parameters that are not trained. */
    public static final String FROZEN = "frozen";

    /** Checks names and range. */
    public Piece {
        if (kind.isBlank() || kind.indexOf('/') >= 0 || parameter.isBlank()) {
            throw new IllegalArgumentException(
                    "A piece needs a kind without '/' and a parameter, was given '%s' and '%s'."
                            .formatted(kind, parameter));
        }
        if (offsetElements < 0 || lengthElements < 1) {
            throw new IllegalArgumentException(
                    "Piece %s/%s has offset %,d and %,d elements; it needs 0 or more and at least 1."
                            .formatted(kind, parameter, offsetElements, lengthElements));
        }
    }

    /** Returns the tensor's name in the file: {@code <kind>/<parameter>@<offset>}. */
    public String tensorName() {
        return kind + "/" + parameter + "@" + offsetElements;
    }

    /** Returns the size in bytes. */
    public long sizeBytes() {
        return type.bytesOf(lengthElements);
    }
}
