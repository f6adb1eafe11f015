package ds.offload;

/**
 * The staging slots of a shard file that what is read ahead of its use may fill.
 *
 * @param count how many at once; 0 where nothing is read ahead
 * @param sizeBytes the most that each holds of an extent
 */
public record AheadSlots(int count, long sizeBytes) {
    /** No slots: nothing rests in a file. */
    public static final AheadSlots NONE = new AheadSlots(0, 0);

    /** Returns how many slots an extent of {@code extentBytes} fills. */
    public int taken(long extentBytes) {
        return Math.toIntExact(Math.ceilDiv(ExtentFile.padded(extentBytes), sizeBytes));
    }
}
