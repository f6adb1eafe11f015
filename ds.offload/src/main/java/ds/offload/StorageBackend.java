package ds.offload;

import ds.core.Pending;
import java.lang.foreign.MemorySegment;
import java.util.Collection;

/**
 * Asynchronous transfers between aligned memory and one preallocated file. Offsets, sizes and
 * segments are multiples of 4 KiB. Used by one thread at a time: the I/O lane during a step, the
 * commit's lane during a commit, else the rank's thread. A short transfer is continued; one that makes no progress, meets the end of the
 * file, fails, or grows too old is a {@link StorageException} from {@link Pending#await}.
 */
public interface StorageBackend extends AutoCloseable {
    /** Starts reading {@code into.byteSize()} bytes at {@code offsetBytes}. */
    Pending read(long offsetBytes, MemorySegment into);

    /** Starts writing all of {@code from} at {@code offsetBytes}. */
    Pending write(long offsetBytes, MemorySegment from);

    /**
     * Makes everything written durable. Never retried after a failure.
     *
     * @throws StorageException if the operating system cannot say that the bytes are on the medium
     */
    void sync();

    /**
     * Hands over requests that waited for room in the operating system's queue, and takes results,
     * without waiting. For a lane that has something else to do before it awaits.
     */
    default void poll() {}

    /**
     * Announces memory that transfers will use until the backend is closed, so that the operating
     * system can pin it once. A hint: other memory may be used too.
     */
    default void register(Collection<MemorySegment> buffers) {}

    /** Returns the provider's name. */
    String name();

    /** Ends the backend's threads, abandoning one that a stuck device holds, and closes the file. */
    @Override
    void close();
}
