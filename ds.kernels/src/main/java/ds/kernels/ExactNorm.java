package ds.kernels;

/**
 * An exact sum of squared block sums in fixed-point 64-bit limbs, whose total does not depend on the
 * order of its parts: ranks add their limbs as integers. Remembers whether a block was not finite.
 * Owned by one thread.
 */
public final class ExactNorm {
    /** The number of longs of {@link #copyTo}: the limbs and the count of non-finite blocks. */
    public static final int LONGS = 72;

    private static final int LIMB_BITS = 32;
    private static final int LIMBS = LONGS - 1;
    private static final int LOWEST_EXPONENT = -1074;
    private static final long LIMB_MASK = 0xffffffffL;
    private static final long NORMALIZE_AFTER = 1L << 29;

    private final long[] limbs = new long[LONGS];
    private long added;

    /** Creates an accumulator that holds zero. */
    public ExactNorm() {}

    /** Forgets everything added. */
    public void clear() {
        java.util.Arrays.fill(limbs, 0);
        added = 0;
    }

    /** Adds one block's sum of squares, at least 0; a non-finite one is counted instead. */
    public void add(double blockSum) {
        if (!(blockSum <= Double.MAX_VALUE)) {
            limbs[LIMBS]++;
            return;
        }
        long bits = Double.doubleToRawLongBits(blockSum);
        int exponent = (int) (bits >>> 52);
        long mantissa = bits & (1L << 52) - 1;
        int shift = 0;
        if (exponent != 0) {
            mantissa |= 1L << 52;
            shift = exponent - 1;
        }
        int limb = shift / LIMB_BITS;
        int within = shift % LIMB_BITS;
        // 53 bits shifted by at most 31 span three limbs.
        long low = mantissa << within;
        long high = within == 0 ? 0 : mantissa >>> Long.SIZE - within;
        limbs[limb] += low & LIMB_MASK;
        limbs[limb + 1] += low >>> LIMB_BITS;
        limbs[limb + 2] += high;
        if (++added >= NORMALIZE_AFTER) {
            normalize();
        }
    }

    /** Adds everything that {@code other} holds. */
    public void add(ExactNorm other) {
        normalize();
        other.normalize();
        for (int i = 0; i < LONGS; i++) {
            limbs[i] += other.limbs[i];
        }
    }

    /** Writes {@link #LONGS} integers that other ranks may add element by element (< 2^30 ranks). */
    public void copyTo(long[] target, int offset) {
        normalize();
        System.arraycopy(limbs, 0, target, offset, LONGS);
    }

    /** Replaces the content by a sum of {@link #copyTo} results. */
    public void setFrom(long[] source, int offset) {
        System.arraycopy(source, offset, limbs, 0, LONGS);
        normalize();
    }

    /** Returns how many blocks were not finite. */
    public long nonFiniteBlocks() {
        return limbs[LIMBS];
    }

    /** Returns the square root of the exact sum, rounded in fp64; infinity if a block was not finite. */
    public double norm() {
        if (limbs[LIMBS] != 0) {
            return Double.POSITIVE_INFINITY;
        }
        return Math.sqrt(sum());
    }

    /** Returns the sum: limbs added from the highest, which rounds the same way for equal limbs. */
    public double sum() {
        normalize();
        double sum = 0;
        for (int i = LIMBS - 1; i >= 0; i--) {
            if (limbs[i] != 0) {
                sum += Math.scalb((double) limbs[i], i * LIMB_BITS + LOWEST_EXPONENT);
            }
        }
        return sum;
    }

    private void normalize() {
        for (int i = 0; i < LIMBS - 1; i++) {
            limbs[i + 1] += limbs[i] >>> LIMB_BITS;
            limbs[i] &= LIMB_MASK;
        }
        added = 0;
    }
}
