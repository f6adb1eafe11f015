package ds.comm;

import java.util.Arrays;

/**
 * Which rank owns which elements of a buffer: rank r has [starts[r], starts[r + 1]).
 *
 * @param starts ascending, first 0, one more entry than ranks; borrowed, never modified
 */
public record Split(long[] starts) {
    /** Checks the order. */
    public Split {
        for (int i = 1; i < starts.length; i++) {
            if (starts[i] < starts[i - 1]) {
                throw new IllegalArgumentException(
                        "Starts must ascend, were " + Arrays.toString(starts));
            }
        }
    }

    /** Returns the first element of {@code rank}. */
    public long start(int rank) {
        return starts[rank];
    }

    /** Returns the number of elements of {@code rank}. */
    public long length(int rank) {
        return starts[rank + 1] - starts[rank];
    }

    /** Returns the number of ranks. */
    public int size() {
        return starts.length - 1;
    }

    /** Returns the number of elements of all ranks. */
    public long total() {
        return starts[starts.length - 1];
    }
}
