package ds.offload;

import java.util.Collections;
import java.util.List;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;

/**
 * How the bytes of every file of a store are dealt out to its paths: stripe after stripe, to each
 * path as many of them as its weight says.
 *
 * @param weights of the paths, 1 to {@value #WEIGHT_MAX}, home first
 * @param stripeBytes the bytes of a stripe, a multiple of 4 KiB
 */
public record Stripes(List<Integer> weights, int stripeBytes) {
    /** The largest weight. */
    public static final int WEIGHT_MAX = 16;

    /** The most paths. */
    public static final int PATHS_MAX = 64;

    private static final int UNIT_BYTES = 4096;
    private static final int STRIPE_BYTES_MAX = 1 << 20;

    /** One path has it all. */
    public static final Stripes NONE = equal(1, STRIPE_BYTES_MAX);

    /** Copies the weights and checks every range. */
    public Stripes {
        weights = List.copyOf(weights);
        if (weights.isEmpty() || weights.size() > PATHS_MAX) {
            throw new IllegalArgumentException(
                    "A store lies in 1 to %d paths, was %d.".formatted(PATHS_MAX, weights.size()));
        }
        for (int weight : weights) {
            if (weight < 1 || weight > WEIGHT_MAX) {
                throw new IllegalArgumentException(
                        "A path's weight is 1 to %d, was %d.".formatted(WEIGHT_MAX, weight));
            }
        }
        if (stripeBytes < UNIT_BYTES || stripeBytes % UNIT_BYTES != 0) {
            throw new IllegalArgumentException(
                    "A stripe is a multiple of %,d bytes, was %,d."
                            .formatted(UNIT_BYTES, stripeBytes));
        }
    }

    /** Returns stripes that give every path as much. */
    public static Stripes equal(int paths, int stripeBytes) {
        return new Stripes(Collections.nCopies(paths, 1), stripeBytes);
    }

    /**
     * Returns stripes by what paths were measured to move: each weighs its share of the fastest one
     * in sixteenths, at least one of them, in lowest terms.
     *
     * @param bandwidths of the paths, in any unit; positive
     */
    public static Stripes measured(List<Double> bandwidths, int stripeBytes) {
        double best = bandwidths.stream().mapToDouble(Double::doubleValue).max().orElseThrow();
        if (!(best > 0) || best == Double.POSITIVE_INFINITY) {
            throw new IllegalArgumentException(
                    "Bandwidths are positive, were %s.".formatted(bandwidths));
        }
        int[] weights =
                bandwidths.stream()
                        .flatMapToDouble(DoubleStream::of)
                        .mapToInt(each -> (int) Math.max(1, Math.round(WEIGHT_MAX * each / best)))
                        .toArray();
        int divisor = IntStream.of(weights).reduce(0, Stripes::divisor);
        return new Stripes(
                IntStream.of(weights).map(weight -> weight / divisor).boxed().toList(),
                stripeBytes);
    }

    private static int divisor(int a, int b) {
        return b == 0 ? a : divisor(b, a % b);
    }

    /**
     * Returns the bytes of a stripe where a step moves {@code chunkBytes} at once: 1 MiB, and less for
     * small chunks, so that a transfer has all paths at work.
     */
    public static int bytesFor(long chunkBytes) {
        return Math.toIntExact(
                Math.clamp(Long.highestOneBit(chunkBytes) / 2, UNIT_BYTES, STRIPE_BYTES_MAX));
    }

    /** Returns how many paths there are. */
    public int paths() {
        return weights.size();
    }

    /** Returns the bytes of a file of {@code sizeBytes} that lie in one path. */
    public long partBytes(int path, long sizeBytes) {
        return new StripeMap(this).partBytes(path, sizeBytes);
    }
}
