package ds.offload.spi;

import java.lang.foreign.MemorySegment;

/**
 * The far end of a storage backend: a queue of the kernel, or threads that copy. Takes requests for
 * one file and gives their results in any order. Used by one thread at a time.
 *
 * <p>{@link ds.offload.FileOperations#queue} may put another before it, which is how fault injection
 * reaches bytes that no {@code FileChannel} moves.
 */
public interface TransferQueue extends AutoCloseable {
    /** Who takes the results. */
    interface Results {
        /** The request moved that many bytes, at its start; 0 is the end of the file, or no progress. */
        void moved(int tag, long bytes);

        /** The request failed; {@code why} are the operating system's words. */
        void failed(int tag, String why);

        /** The operating system was interrupted before anything moved: offer the request again. */
        void again(int tag);
    }

    /** Returns the requests that this queue takes at once. */
    int capacity();

    /** Returns the bytes of one request, of a transfer of so many: a multiple of 4 KiB. */
    long requestBytes(long transferBytes);

    /**
     * Takes one request. Its memory belongs to the queue until its result was given.
     *
     * @param tag names it in the results; 0 to capacity − 1, free since its last result
     */
    void offer(int tag, boolean write, long offsetBytes, MemorySegment bytes);

    /** Hands over what was offered since the last call, with one call of the kernel if it can. */
    void submit();

    /**
     * Gives the results there are, waiting for the first one.
     *
     * @param timeoutNanos how long to wait; 0 looks only
     * @throws ds.offload.StorageException if the queue itself fails
     */
    void take(Results into, long timeoutNanos);

    /** Announces memory that requests will use until this is closed, so that it is pinned once. */
    default void register(Iterable<MemorySegment> buffers) {}

    /**
     * Ends threads and gives back what the kernel lent. Waits a second at most: what a stuck device
     * still holds is abandoned with it.
     */
    @Override
    void close();

    /** Returns, after {@link #close}, how many requests never came back. */
    int held();
}
