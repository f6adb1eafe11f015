package ds.engine.data;

/**
 * The model to beat: each byte predicted from the one before it. Counts are smoothed towards the
 * byte frequencies, p(b | a) = (count(a, b) + s·p(b)) / (count(a) + s), and those towards uniform.
 * Plain arithmetic, deterministic.
 */
public final class ByteBigram {
    private static final int BYTES = TextDataset.VOCABULARY;
    private static final double SMOOTHING = 8;

    private final double[] negativeLog = new double[BYTES * BYTES];

    /** Counts the bytes of {@code train}. */
    public ByteBigram(TextDataset train) {
        long[] pairs = new long[BYTES * BYTES];
        long[] singles = new long[BYTES];
        long[] firsts = new long[BYTES];
        singles[train.token(0)]++;
        for (int i = 1; i < train.sizeBytes(); i++) {
            pairs[train.token(i - 1) * BYTES + train.token(i)]++;
            firsts[train.token(i - 1)]++;
            singles[train.token(i)]++;
        }
        for (int before = 0; before < BYTES; before++) {
            for (int next = 0; next < BYTES; next++) {
                double frequency = (singles[next] + 1.0) / (train.sizeBytes() + BYTES);
                double probability =
                        (pairs[before * BYTES + next] + SMOOTHING * frequency)
                                / (firsts[before] + SMOOTHING);
                negativeLog[before * BYTES + next] = -StrictMath.log(probability);
            }
        }
    }

    /** Returns the mean loss over all bytes of {@code text} but the first, in nats per byte. */
    public double loss(TextDataset text) {
        double sum = 0;
        for (int i = 1; i < text.sizeBytes(); i++) {
            sum += negativeLog[text.token(i - 1) * BYTES + text.token(i)];
        }
        return sum / (text.sizeBytes() - 1);
    }
}
