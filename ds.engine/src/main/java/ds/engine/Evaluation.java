package ds.engine;

/**
 * The loss over a data set.
 *
 * @param loss mean over all targets that are not ignored, in nats for cross entropy
 * @param samples samples seen
 * @param targets targets that count: tokens, labels or numbers
 */
public record Evaluation(double loss, long samples, long targets) {
    /** Returns the loss in bits: bits per byte where a token is a byte. */
    public double bits() {
        return loss / StrictMath.log(2);
    }

    /** Returns exp(loss). */
    public double perplexity() {
        return StrictMath.exp(loss);
    }
}
