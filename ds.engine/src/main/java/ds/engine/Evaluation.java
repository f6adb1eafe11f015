package ds.engine;

/**
 * The loss over a data set.
 *
 * @param loss mean of the micro-batch losses, weighted by samples, in nats for cross entropy
 * @param samples samples seen
 */
public record Evaluation(double loss, long samples) {
    /** Returns the loss in bits: bits per byte where a token is a byte. */
    public double bits() {
        return loss / StrictMath.log(2);
    }

    /** Returns exp(loss). */
    public double perplexity() {
        return StrictMath.exp(loss);
    }
}
