package ds.offload;

import java.util.List;

/**
 * What a store holds.
 *
 * @param arrays names of the fp32 arrays, in order: {@code master}, {@code exp_avg}
 * @param runLengths elements of each contiguous run of the owned space, in order; each a multiple of
 *     1,024; a chunk never crosses a run's end
 */
public record StateLayout(List<String> arrays, List<Long> runLengths) {
    /** Copies the lists. */
    public StateLayout {
        arrays = List.copyOf(arrays);
        runLengths = List.copyOf(runLengths);
    }

    /** Returns the elements of one array. */
    public long elements() {
        return runLengths.stream().mapToLong(Long::longValue).sum();
    }
}
