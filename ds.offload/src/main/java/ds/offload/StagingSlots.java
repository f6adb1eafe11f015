package ds.offload;

/**
 * The memory through which chunks move between files and a step.
 *
 * @param count most slots, 1 to 256; with one there is no overlap
 * @param pinned whether to lock their pages in memory, and those of what stays there beside files
 * @param readAhead whether chunks are read before the step asks for them; else each is waited for
 * @param writeBehind whether a chunk is written while the next is stepped; else it is in its file
 *     before the next begins
 */
public record StagingSlots(int count, boolean pinned, boolean readAhead, boolean writeBehind) {
    /** Most slots. */
    public static final int COUNT_MAX = 256;

    /** Checks the range. */
    public StagingSlots {
        if (count < 1 || count > COUNT_MAX) {
            throw new IllegalArgumentException(
                    "bufferCount must be 1 to %d, was %d.".formatted(COUNT_MAX, count));
        }
    }

    /** Returns so many slots, not locked, that are read ahead and written behind. */
    public static StagingSlots of(int count) {
        return new StagingSlots(count, false, true, true);
    }

    /** Returns another number of slots. */
    public StagingSlots withCount(int other) {
        return new StagingSlots(other, pinned, readAhead, writeBehind);
    }

    /** Returns these slots, written behind. */
    public StagingSlots writtenBehind() {
        return new StagingSlots(count, pinned, readAhead, true);
    }

    /** Returns how many slots are ever used: without reading ahead one, and one that is written behind. */
    public int used() {
        return readAhead ? count : Math.min(count, writeBehind ? 2 : 1);
    }

    /** Returns whether more than one chunk may be on its way through a step. */
    boolean overlaps() {
        return readAhead && writeBehind;
    }
}
