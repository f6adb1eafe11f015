package ds.engine;

/**
 * What {@link Engine#generation} wrote.
 *
 * @param text the prompt and what follows it
 * @param promptTokens tokens of the prompt; one if it was empty
 * @param tokens tokens that were drawn
 * @param cached whether keys and values of earlier tokens were kept
 * @param passes forward passes over a whole window: one for the prompt, one whenever the window
 *     moves; one for each token where nothing is kept
 * @param nanos wall time, the passes over the prompt among it
 */
public record Generation(
        String text, int promptTokens, int tokens, boolean cached, int passes, long nanos) {
    /** Returns the drawn tokens per second; 0 without any. */
    public double tokensPerSecond() {
        return nanos == 0 ? 0 : tokens * 1e9 / nanos;
    }
}
