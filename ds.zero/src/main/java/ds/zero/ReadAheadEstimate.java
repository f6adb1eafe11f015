package ds.zero;

/**
 * What one rank reads ahead of its use at once, at most.
 *
 * @param units how many; 0 if none
 * @param elements of these units, on all ranks
 * @param bytes of this rank's parts of them
 * @param buffers staging slots that the parts fill
 */
public record ReadAheadEstimate(int units, long elements, long bytes, int buffers) {
    /** Nothing is read ahead. */
    public static final ReadAheadEstimate NONE = new ReadAheadEstimate(0, 0, 0, 0);
}
