package ds.offload;

/**
 * The memory through which chunks move between files and a step.
 *
 * @param count slots, 1 to 256; with one there is no overlap
 * @param pinned whether to lock their pages in memory, and those of what stays there beside files
 */
public record StagingSlots(int count, boolean pinned) {
    /** Most slots. */
    public static final int COUNT_MAX = 256;

    /** Checks the range. */
    public StagingSlots {
        if (count < 1 || count > COUNT_MAX) {
            throw new IllegalArgumentException(
                    "bufferCount must be 1 to %d, was %d.".formatted(COUNT_MAX, count));
        }
    }

    /** Returns so many slots, not locked. */
    public static StagingSlots of(int count) {
        return new StagingSlots(count, false);
    }

    /** Returns another number of slots. */
    public StagingSlots withCount(int other) {
        return new StagingSlots(other, pinned);
    }
}
