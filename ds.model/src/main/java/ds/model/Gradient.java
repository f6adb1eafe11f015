package ds.model;

import ds.core.FlatBuffer;

/** Where the gradient of one parameter goes during one micro-batch. */
public interface Gradient {
    /** Writes a gradient into its place. */
    @FunctionalInterface
    interface Writer {
        /**
         * Writes all elements.
         *
         * @param target as long as the parameter; fp32, or the run's 16-bit type
         * @param accumulate whether to add to the content (a second use) or to overwrite it
         */
        void write(FlatBuffer target, boolean accumulate);
    }

    /** Returns whether anybody wants this gradient: false for a frozen parameter. */
    boolean wanted();

    /** Lets {@code writer} write the gradient in place; does nothing where it is not wanted. */
    void accumulate(Writer writer);

    /**
     * Adds {@code contribution}, of any type.
     *
     * @throws IllegalArgumentException if its length is not the parameter's; names parameter, shape
     *     and both lengths
     */
    void accumulate(FlatBuffer contribution);
}
