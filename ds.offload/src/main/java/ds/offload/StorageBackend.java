package ds.offload;

import ds.core.Pending;
import java.lang.foreign.MemorySegment;

/**
 * Asynchronous transfers between aligned memory and one preallocated file. Offsets, sizes and
 * segments are multiples of 4 KiB. Used by one thread (the I/O lane).
 */
public interface StorageBackend extends AutoCloseable {
    /** Starts reading {@code into.byteSize()} bytes at {@code offsetBytes}. */
    Pending read(long offsetBytes, MemorySegment into);

    /** Starts writing all of {@code from} at {@code offsetBytes}. */
    Pending write(long offsetBytes, MemorySegment from);

    /** Makes everything written durable. Never retried after a failure. */
    void sync();

    /** Returns the provider's name. */
    String name();

    @Override
    void close();
}
