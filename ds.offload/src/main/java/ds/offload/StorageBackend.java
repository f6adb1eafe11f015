package ds.offload;

import ds.core.Pending;
import java.lang.foreign.MemorySegment;

/**
 * Asynchronous transfers between aligned memory and one preallocated file. Offsets, sizes and
 * segments are multiples of 4 KiB. Used by one thread at a time: the I/O lane during a step, else
 * the rank's thread. A short transfer is continued; one that makes no progress, meets the end of the
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

    /** Returns the provider's name. */
    String name();

    /** Ends the backend's threads, abandoning one that a stuck device holds, and closes the file. */
    @Override
    void close();
}
