package ds.foreign.aio;

import java.lang.foreign.MemorySegment;

/**
 * The four calls of Linux's asynchronous I/O. Each returns what libaio does: a count or 0, or the
 * negative error number. Tests put refusals here.
 */
interface AioCalls {
    /** {@code int io_setup(int maxevents, io_context_t *ctxp)}. */
    int setup(int requests, MemorySegment contextPointer);

    /** {@code int io_destroy(io_context_t ctx)}. */
    int destroy(long context);

    /** {@code int io_submit(io_context_t ctx, long nr, struct iocb *iocbs[])}. */
    int submit(long context, long count, MemorySegment pointers);

    /**
     * {@code int io_getevents(io_context_t ctx, long min_nr, long nr, struct io_event *events, struct
     * timespec *timeout)}.
     */
    int getEvents(long context, long least, long most, MemorySegment events, MemorySegment timeout);
}
