package ds.core;

import java.lang.foreign.MemorySegment;
import java.util.List;

/**
 * Where optimizer kernels run, with an address space of its own. Host code may touch device memory
 * only where {@link #addressable()} says so; everywhere else bytes travel by the copy engine.
 * Operations of one device run in the order in which they were issued (one stream).
 */
public interface Device extends AutoCloseable {
    /** A kernel over device memory. The segments are valid only during the call. */
    @FunctionalInterface
    interface Kernel {
        /** Runs on the device; {@code arguments} are the buffers given to {@link #launch}. */
        void run(List<MemorySegment> arguments);
    }

    /** A piece of device memory. Opaque: only the device that made it can say what it points to. */
    interface Buffer {
        /** Returns the size in bytes. */
        long sizeBytes();
    }

    /** Returns the name: {@code host}, {@code detached}. */
    String name();

    /** Returns whether host code may read and write device memory in place, so that nothing is fed. */
    boolean addressable();

    /** Allocates device memory, undefined in content. Freed by {@link #close()}. */
    Buffer allocate(long sizeBytes);

    /** Enqueues a copy of all of {@code host} to the start of {@code device}. */
    Pending copyIn(MemorySegment host, Buffer device);

    /** Enqueues a copy of the first {@code host.byteSize()} bytes of {@code device} to {@code host}. */
    Pending copyOut(Buffer device, MemorySegment host);

    /** Enqueues a kernel. */
    Pending launch(Kernel kernel, List<Buffer> arguments);

    /** Waits for what is enqueued and frees all buffers. */
    @Override
    void close();
}
