package ds.optim.spi;

/**
 * One fp32 state array, as long as the parameters it belongs to, starting at zero. The runtime owns
 * it and decides where it rests.
 *
 * @param name as it appears in checkpoints: {@code exp_avg}
 * @param values what it may hold, for codecs that keep fewer bits of it where it rests
 */
public record StateSlot(String name, Values values) {
    /** What a slot may hold. */
    public enum Values {
        /** Any sign, and a relative error does no harm: momenta. */
        SIGNED,
        /** Never below zero, and a relative error does no harm: averages or sums of squares. */
        NON_NEGATIVE,
        /** Whatever it is, every bit counts: it rests in fp32 always. */
        EXACT
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
