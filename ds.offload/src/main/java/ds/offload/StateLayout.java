package ds.offload;

import ds.core.DType;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

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
 * @param wholes the runs that no step goes through chunk by chunk, by index, with the numbers of the
 *     arrays that have them: what is read and written at once by who must see it whole
 */
public record StateLayout(
        List<String> arrays,
        List<Long> runLengths,
        DType type,
        List<Extra> extras,
        StateCoding coding,
        Map<Integer, List<Integer>> wholes) {
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

    /** Creates a layout all of whose runs are stepped chunk by chunk. */
    public StateLayout(
            List<String> arrays,
            List<Long> runLengths,
            DType type,
            List<Extra> extras,
            StateCoding coding) {
        this(arrays, runLengths, type, extras, coding, Map.of());
    }

    /** Copies the lists and checks that every run is whole granules. */
    public StateLayout {
        arrays = List.copyOf(arrays);
        runLengths = List.copyOf(runLengths);
        extras = List.copyOf(extras);
        wholes = Map.copyOf(wholes);
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

    /** Returns the elements that are numbered: those of an array that has every run. */
    public long elements() {
        return runLengths.stream().mapToLong(Long::longValue).sum();
    }

    /** Returns the elements that an array has, extra ones included. */
    public long elements(int array) {
        return array < arrays.size()
                ? runLengths(array).stream().mapToLong(Long::longValue).sum()
                : extras.get(array - arrays.size()).elements();
    }

    /** Returns the elements that an array has of each run: all, or 0. */
    List<Long> runLengths(int array) {
        return wholes.isEmpty()
                ? runLengths
                : IntStream.range(0, runLengths.size())
                        .mapToObj(run -> has(array, run) ? runLengths.get(run) : Long.valueOf(0))
                        .toList();
    }

    /** Returns whether an array has a run. */
    boolean has(int array, int run) {
        List<Integer> having = wholes.get(run);
        return having == null || having.contains(array);
    }

    /** Returns whether a step goes through a run chunk by chunk. */
    boolean isChunked(int run) {
        return !wholes.containsKey(run);
    }

    /**
     * Returns where elements begin among those that an array has, extra ones included.
     *
     * @throws IllegalArgumentException if the array does not have all of them
     */
    long offset(int array, long firstElement, long length) {
        if (wholes.isEmpty() || array >= arrays.size()) {
            return firstElement;
        }
        long start = 0;
        long missing = 0;
        for (int run = 0; run < runLengths.size() && start < firstElement + length; run++) {
            long end = start + runLengths.get(run);
            if (!has(array, run)) {
                if (end > firstElement && start < end) {
                    throw new IllegalArgumentException(
                            "Array '%s' does not have all of the %,d elements from %,d on: run %d lacks it."
                                    .formatted(arrays.get(array), length, firstElement, run));
                }
                missing += end - start;
            }
            start = end;
        }
        return firstElement - missing;
    }

    /** Returns this layout without extra arrays: for stores that survive nothing. */
    public StateLayout withoutExtras() {
        return new StateLayout(arrays, runLengths, type, List.of(), coding, wholes);
    }

    /** Returns this layout with every run in every array, as stores were made before some lacked one. */
    StateLayout withoutWholes() {
        return new StateLayout(arrays, runLengths, type, extras, coding);
    }

    /** Says nothing of wholes: hashes in stores that know none are taken of this text. */
    @Override
    public String toString() {
        return "StateLayout[arrays=%s, runLengths=%s, type=%s, extras=%s, coding=%s]"
                .formatted(arrays, runLengths, type, extras, coding);
    }
}
