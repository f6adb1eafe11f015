package ds.offload;

import ds.core.DType;
import ds.core.FlatBuffer;
import java.util.List;

/**
 * One array of any element type at rest in a file: parameters of stage 3. The array consists of
 * consecutive extents (a unit's shard is one); transfers of whole extents are the fast ones, since
 * an extent's checksum blocks are verified whole. Owned by the rank's thread.
 */
public interface ShardFile extends AutoCloseable {
    /** Returns the element type. */
    DType type();

    /** Returns the lengths of the extents, in elements. */
    List<Long> extentLengths();

    /** Returns the elements of all extents. */
    long elements();

    /**
     * Reads {@code into.lengthElements()} elements that start at {@code firstElement}.
     *
     * @throws StorageException if the transfer fails or is short, or a block is not what was written
     */
    void read(long firstElement, FlatBuffer into);

    /**
     * Writes elements that start at {@code firstElement}. What follows on what was written last is
     * written behind, in whole blocks: a later operation throws if it could not be.
     *
     * @throws StorageException if a transfer failed or was short, or a block that is written in part
     *     is not what was written before
     */
    void write(long firstElement, FlatBuffer from);

    /**
     * Starts reading elements into free staging slots, as much into each as it holds, so that the
     * next {@link #read} that begins there finds them. A hint: does nothing where no slot is free.
     */
    void prefetch(long firstElement, long length);

    /** Gives up what {@link #prefetch} has read of these elements, so that its slots are free. */
    void forget(long firstElement, long length);

    /** Returns the slots that {@link #prefetch} fills. */
    AheadSlots aheadSlots();

    /** Returns bytes at rest. */
    long storedBytes();

    /** Returns nanoseconds that the caller waited for I/O so far. */
    long stallNanos();

    /** Returns what was moved between memory and the file so far. */
    Transfers transfers();

    @Override
    void close();
}
