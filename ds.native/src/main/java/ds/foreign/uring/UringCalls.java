package ds.foreign.uring;

import java.lang.foreign.MemorySegment;

/**
 * The three calls of io_uring. Each returns what the kernel does: a descriptor, a count or 0, or the
 * negative error number. Tests put refusals here.
 */
interface UringCalls {
    /** {@code int io_uring_setup(u32 entries, struct io_uring_params *p)}. */
    int setup(int entries, MemorySegment params);

    /**
     * {@code int io_uring_enter(unsigned int fd, unsigned int to_submit, unsigned int min_complete,
     * unsigned int flags, const void *arg, size_t size)}.
     */
    int enter(int ring, int toSubmit, int least, int flags, MemorySegment argument);

    /**
     * {@code int io_uring_register(unsigned int fd, unsigned int opcode, void *arg, unsigned int
     * nr_args)}.
     */
    int register(int ring, int operation, MemorySegment argument, int count);
}
