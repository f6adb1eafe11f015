package ds.offload;

import ds.core.DType;
import java.util.List;

/**
 * What a store holds.
 *
 * @param arrays names of the arrays, in order: {@code master}, {@code exp_avg}; each also names
 *     a file
 * @param runLengths elements of each contiguous run of the owned space, in order; each a multiple of
 *     1,024, or 0; a chunk never crosses a run's end
 * @param type of the elements; other than fp32 only in memory
 * @param extras fp32 arrays beside these that no step goes through, numbered after them; only where
 *     the others rest in files
 * @param coding how arrays are encoded at rest; only where the type is fp32
 */
public record StateLayout(
        List<String> arrays,
        List<Long> runLengths,
        DType type,
        List<Extra> extras,
        StateCoding coding) {
    /**
     * An array that is read and written, but not stepped.
     *
     * @param name also names a file; unlike any array's
     * @param runLengths elements of each contiguous run, in order; at least 1
     */
    public record Extra(String name, List<Long> runLengths) {
        /** Copies the list. */
        public Extra {
            runLengths = List.copyOf(runLengths);
        }

        /** Returns the elements. */
        public long elements() {
            return runLengths.stream().mapToLong(Long::longValue).sum();
        }
    }

    /** The granule of a run, in elements: 4 KiB of fp32. */
    public static final int GRANULE_ELEMENTS = 1024;

    /** Creates a layout of fp32 arrays. */
    public StateLayout(List<String> arrays, List<Long> runLengths) {
        this(arrays, runLengths, DType.FP32, List.of(), StateCoding.NONE);
    }

    /** Copies the lists and checks that every run is whole granules. */
    public StateLayout {
        arrays = List.copyOf(arrays);
        runLengths = List.copyOf(runLengths);
        extras = List.copyOf(extras);
        if (arrays.isEmpty()) {
            throw new IllegalArgumentException(
                    "A state layout needs at least one array, has none.");
        }
        if (coding.forms().size() > arrays.size() || coding.isEncoded() && type != DType.FP32) {
            throw new IllegalArgumentException(
                    "A codec encodes some of the fp32 arrays; was given %s for %s in %s."
                            .formatted(coding, arrays, type.jsonName()));
        }
        for (long length : runLengths) {
            if (length < 0 || length % GRANULE_ELEMENTS != 0) {
                throw new IllegalArgumentException(
                        "The length of a run must be a multiple of %,d elements, at least 0, was %,d."
                                .formatted(GRANULE_ELEMENTS, length));
            }
        }
    }

    /** Returns the elements of one array. */
    public long elements() {
        return runLengths.stream().mapToLong(Long::longValue).sum();
    }

    /** Returns the elements of an array, extra ones included. */
    public long elements(int array) {
        return array < arrays.size() ? elements() : extras.get(array - arrays.size()).elements();
    }

    /** Returns this layout without extra arrays: for stores that survive nothing. */
    public StateLayout withoutExtras() {
        return new StateLayout(arrays, runLengths, type, List.of(), coding);
    }
}
