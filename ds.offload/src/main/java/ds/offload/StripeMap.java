package ds.offload;

import java.util.Arrays;

/**
 * Where each byte of a striped file is. Stripes are dealt out in a cycle as long as the sum of the
 * weights. Each path's stripes lie one after the other in its own file, the last one cut where the
 * file ends. Pure arithmetic.
 *
 * <p>The cycle gives the j-th stripe of a path of weight w, of W together, a place from ⌊jW/w⌋ on and
 * before ⌈(j+1)W/w⌉, of those that may come next the one whose place ends first: the order in which a
 * processor serves tasks fairly (Baruah et al. 1996). So no path is ever a whole stripe away from its
 * share. Smooth weighted round robin is, with some sets of eight weights.
 */
final class StripeMap {
    /**
     * Bytes that lie together in a path.
     *
     * @param path its number
     * @param offset of the first, in the path's own file
     * @param sizeBytes how many
     */
    record Piece(int path, long offset, long sizeBytes) {}

    private final int stripeBytes;
    private final int[] weights;
    private final int[] cycle;

    /** Of each place in the cycle: the stripes of the same path that come before it. */
    private final int[] before;

    StripeMap(Stripes stripes) {
        this.stripeBytes = stripes.stripeBytes();
        this.weights = stripes.weights().stream().mapToInt(Integer::intValue).toArray();
        this.cycle = new int[Arrays.stream(weights).sum()];
        this.before = new int[cycle.length];
        int[] dealt = new int[weights.length];
        for (int at = 0; at < cycle.length; at++) {
            int path = next(dealt, at);
            cycle[at] = path;
            before[at] = dealt[path]++;
        }
    }

    private int next(int[] dealt, int at) {
        int best = -1;
        int bestEnd = 0;
        for (int path = 0; path < weights.length; path++) {
            int begin = Math.floorDiv(dealt[path] * cycle.length, weights[path]);
            int end = Math.ceilDiv((dealt[path] + 1) * cycle.length, weights[path]);
            if (dealt[path] < weights[path] && begin <= at && (best < 0 || end < bestEnd)) {
                best = path;
                bestEnd = end;
            }
        }
        return best;
    }

    /** Returns the path of a stripe. */
    int path(long stripe) {
        return cycle[(int) (stripe % cycle.length)];
    }

    /** Returns as many of the {@code sizeBytes} from {@code offset} on as lie together. */
    Piece at(long offset, long sizeBytes) {
        long stripe = offset / stripeBytes;
        int path = path(stripe);
        long inStripe = offset % stripeBytes;
        long end = stripeBytes - inStripe;
        for (long next = stripe + 1; end < sizeBytes && path(next) == path; next++) {
            end += stripeBytes;
        }
        return new Piece(path, ordinal(stripe) * stripeBytes + inStripe, Math.min(end, sizeBytes));
    }

    /** Returns how many stripes of the same path come before one. */
    private long ordinal(long stripe) {
        int at = (int) (stripe % cycle.length);
        return stripe / cycle.length * weights[cycle[at]] + before[at];
    }

    /** Returns the bytes of a file of {@code sizeBytes} that lie in one path. */
    long partBytes(int path, long sizeBytes) {
        long whole = sizeBytes / stripeBytes;
        long stripes = whole / cycle.length * weights[path];
        for (int at = 0; at < whole % cycle.length; at++) {
            stripes += cycle[at] == path ? 1 : 0;
        }
        return stripes * stripeBytes + (path(whole) == path ? sizeBytes % stripeBytes : 0);
    }
}
