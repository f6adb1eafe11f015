package ds.foreign.libc;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import ds.foreign.Downcalls;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/** System calls by number: {@code long syscall(long number, ...)}. */
public final class Syscall {
    private static final MethodHandle SYSCALL =
            Downcalls.bindVariadicWithErrno(
                    "syscall",
                    FunctionDescriptor.of(
                            JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG,
                            JAVA_LONG, JAVA_LONG),
                    1);

    private Syscall() {}

    /**
     * Calls the kernel, with 0 for arguments that the call has not.
     *
     * @param state of {@link Downcalls#errnoState}, of the calling thread's use alone
     * @return what the call returned, or the negative error number
     */
    public static long call(
            MemorySegment state, long number, long a, long b, long c, long d, long e, long f) {
        long result;
        try {
            result = (long) SYSCALL.invokeExact(state, number, a, b, c, d, e, f);
        } catch (Throwable t) {
            throw Downcalls.broken("syscall", t);
        }
        return result < 0 ? -Downcalls.errno(state) : result;
    }
}
