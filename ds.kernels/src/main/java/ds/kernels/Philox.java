package ds.kernels;

/**
 * The counter-based generator Philox4x32-10 (Salmon et al., SC 2011): draws are a pure function of
 * key and counter, so they depend on no rank, worker or order.
 *
 * @param seed the run's seed
 * @param purpose separates uses of one seed: see the constants
 */
public record Philox(long seed, int purpose) {
    /** Initial values. */
    public static final int INITIAL_VALUES = 1;

    /** Dropout masks. */
    public static final int DROPOUT = 2;

    /** The order of samples. */
    public static final int SHUFFLE = 3;

    /** Sampling from a model's output. */
    public static final int GENERATE = 4;

    /** Stochastic rounding. */
    public static final int ROUNDING = 5;

    private static final int M0 = 0xD2511F53;
    private static final int M1 = 0xCD9E8D57;
    private static final int W0 = 0x9E3779B9;
    private static final int W1 = 0xBB67AE85;
    private static final int ROUNDS = 10;

    /**
     * Writes the four 32-bit draws of a counter to {@code out}.
     *
     * @param stream the counter's upper 64 bits (sample, parameter)
     * @param block the counter's lower 64 bits
     */
    public void draw(long stream, long block, int[] out) {
        int c0 = (int) block;
        int c1 = (int) (block >>> 32);
        int c2 = (int) stream;
        int c3 = (int) (stream >>> 32);
        int k0 = (int) seed ^ purpose * 0x85EBCA6B;
        int k1 = (int) (seed >>> 32);
        for (int round = 0; round < ROUNDS; round++) {
            long p0 = (M0 & 0xffffffffL) * (c0 & 0xffffffffL);
            long p1 = (M1 & 0xffffffffL) * (c2 & 0xffffffffL);
            c0 = (int) (p1 >>> 32) ^ c1 ^ k0;
            c2 = (int) (p0 >>> 32) ^ c3 ^ k1;
            c1 = (int) p1;
            c3 = (int) p0;
            k0 += W0;
            k1 += W1;
        }
        out[0] = c0;
        out[1] = c1;
        out[2] = c2;
        out[3] = c3;
    }

    /** Maps 32 random bits to [0, 1) in steps of 2^-24. */
    public static float unit(int bits) {
        return (bits >>> 8) * 0x1p-24f;
    }
}
