package ds.optim.spi;

import java.util.regex.Pattern;

/**
 * One fp32 state array, as long as the parameters it belongs to, starting at zero. The runtime owns
 * it and decides where it rests.
 *
 * @param name as it appears in checkpoints, and in the names of files: {@code exp_avg}; letters,
 *     digits, {@code _}, and behind the first {@code .} and {@code -}
 * @param values what it may hold, for codecs that keep fewer bits of it where it rests
 */
public record StateSlot(String name, Values values) {
    private static final Pattern NAME = Pattern.compile("[A-Za-z0-9_][A-Za-z0-9_.-]*");

    /** What a slot may hold. */
    public enum Values {
        /** Any sign, and a relative error does no harm: momenta. */
        SIGNED,
        /** Never below zero, and a relative error does no harm: averages or sums of squares. */
        NON_NEGATIVE,
        /** Whatever it is, every bit counts: it rests in fp32 always. */
        EXACT
    }

    /**
     * Checks the name.
     *
     * @throws IllegalArgumentException if it could not be part of a file's name
     */
    public StateSlot {
        if (!NAME.matcher(name).matches()) {
            throw new IllegalArgumentException(
                    "A slot's name must be letters, digits, '_', '.' and '-', beginning with none of the last two; was '%s'."
                            .formatted(name));
        }
    }

    /** Creates a slot of any sign. */
    public StateSlot(String name) {
        this(name, Values.SIGNED);
    }

    /** Creates a slot for what is never below zero. */
    public static StateSlot nonNegative(String name) {
        return new StateSlot(name, Values.NON_NEGATIVE);
    }
}
