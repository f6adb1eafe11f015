package ds.foreign.uring;

import ds.foreign.libc.Syscall;
import java.lang.foreign.MemorySegment;

/** The calls by their numbers, which are the same on every 64-bit Linux. */
final class KernelUringCalls implements UringCalls {
    private static final int IO_URING_SETUP = 425;
    private static final int IO_URING_ENTER = 426;
    private static final int IO_URING_REGISTER = 427;

    private final MemorySegment state;

    /** Takes the memory in which a call leaves its {@code errno}. */
    KernelUringCalls(MemorySegment state) {
        this.state = state;
    }

    @Override
    public int setup(int entries, MemorySegment params) {
        return (int) Syscall.call(state, IO_URING_SETUP, entries, params.address(), 0, 0, 0, 0);
    }

    @Override
    public int enter(int ring, int toSubmit, int least, int flags, MemorySegment argument) {
        return (int)
                Syscall.call(
                        state,
                        IO_URING_ENTER,
                        ring,
                        toSubmit,
                        least,
                        flags,
                        argument.address(),
                        argument.byteSize());
    }

    @Override
    public int register(int ring, int operation, MemorySegment argument, int count) {
        return (int)
                Syscall.call(
                        state, IO_URING_REGISTER, ring, operation, argument.address(), count, 0, 0);
    }
}
