package ds.model;

/** How a parameter starts. Draws are a function of (seed, parameter name, element). */
public sealed interface Init {
    /** Every element is {@code value}. */
    record Constant(float value) implements Init {}

    /** Normal with mean 0. */
    record Normal(float standardDeviation) implements Init {
        /** Returns the same with its deviation multiplied by {@code factor}. */
        public Normal scaled(double factor) {
            return new Normal((float) (standardDeviation * factor));
        }
    }

    /** Uniform in [−bound, bound). */
    record Uniform(float bound) implements Init {}

    /** Zero. */
    Init ZERO = new Constant(0);

    /** One. */
    Init ONE = new Constant(1);
}
