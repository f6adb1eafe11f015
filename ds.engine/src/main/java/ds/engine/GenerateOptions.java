package ds.engine;

/**
 * How {@link Engine#generate} draws tokens.
 *
 * @param tokens how many to draw, at least 0
 * @param temperature 0 takes the most likely token; 1 draws from the model's distribution
 * @param seed of the draws
 * @param cache whether keys and values of earlier tokens are kept, if the model can: the text is the
 *     same, faster
 */
public record GenerateOptions(int tokens, double temperature, long seed, boolean cache) {
    /** 200 tokens at temperature 0.8, seed 42. */
    public static final GenerateOptions DEFAULT = new GenerateOptions(200, 0.8, 42, true);

    /** Checks the ranges. */
    public GenerateOptions {
        if (tokens < 0 || !(temperature >= 0) || Double.isInfinite(temperature)) {
            throw new IllegalArgumentException(
                    "Generation needs tokens >= 0 and a finite temperature >= 0, was %d and %s."
                            .formatted(tokens, temperature));
        }
    }

    /** Returns this with another count. */
    public GenerateOptions tokens(int count) {
        return new GenerateOptions(count, temperature, seed, cache);
    }

    /** Returns this with another temperature. */
    public GenerateOptions temperature(double value) {
        return new GenerateOptions(tokens, value, seed, cache);
    }

    /** Returns this with another seed. */
    public GenerateOptions seed(long value) {
        return new GenerateOptions(tokens, temperature, value, cache);
    }

    /** Returns this with or without keeping keys and values. */
    public GenerateOptions cache(boolean on) {
        return new GenerateOptions(tokens, temperature, seed, on);
    }
}
