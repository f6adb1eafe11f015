package ds.engine.data;

import java.util.Optional;

/**
 * What a reader has to know beside the file.
 *
 * @param context tokens of one window of text; at least 1
 * @param target column of a table that is predicted: its name, or its index from 0; required for
 *     tables only
 * @param standardise whether numeric columns are brought to mean 0 and deviation 1, measured on the
 *     training part
 */
public record DataOptions(int context, Optional<String> target, boolean standardise) {
    /** Windows of 128 tokens, no target column, columns standardised. */
    public static final DataOptions DEFAULT = new DataOptions(128, Optional.empty(), true);

    /** Checks the range. */
    public DataOptions {
        if (context < 1) {
            throw new IllegalArgumentException(
                    "The context is %,d tokens; it must be at least 1.".formatted(context));
        }
    }

    /** Returns these options with another window size. */
    public DataOptions withContext(int tokens) {
        return new DataOptions(tokens, target, standardise);
    }

    /** Returns these options with a target column. */
    public DataOptions withTarget(String column) {
        return new DataOptions(context, Optional.of(column), standardise);
    }
}
