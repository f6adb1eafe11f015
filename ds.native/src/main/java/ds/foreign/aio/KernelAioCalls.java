package ds.foreign.aio;

import ds.foreign.libc.Syscall;
import java.lang.foreign.MemorySegment;

/** The same calls without the library, by their numbers on x86-64. */
final class KernelAioCalls implements AioCalls {
    private static final int IO_SETUP = 206;
    private static final int IO_DESTROY = 207;
    private static final int IO_GETEVENTS = 208;
    private static final int IO_SUBMIT = 209;

    private final MemorySegment state;

    /** Takes the memory in which a call leaves its {@code errno}. */
    KernelAioCalls(MemorySegment state) {
        this.state = state;
    }

    @Override
    public int setup(int requests, MemorySegment contextPointer) {
        return (int) Syscall.call(state, IO_SETUP, requests, contextPointer.address(), 0, 0, 0, 0);
    }

    @Override
    public int destroy(long context) {
        return (int) Syscall.call(state, IO_DESTROY, context, 0, 0, 0, 0, 0);
    }

    @Override
    public int submit(long context, long count, MemorySegment pointers) {
        return (int) Syscall.call(state, IO_SUBMIT, context, count, pointers.address(), 0, 0, 0);
    }

    @Override
    public int getEvents(
            long context, long least, long most, MemorySegment events, MemorySegment timeout) {
        return (int)
                Syscall.call(
                        state,
                        IO_GETEVENTS,
                        context,
                        least,
                        most,
                        events.address(),
                        timeout.address(),
                        0);
    }
}
