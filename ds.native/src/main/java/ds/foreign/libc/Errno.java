package ds.foreign.libc;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import ds.foreign.Downcalls;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/** Linux's error numbers, and their words: {@code char *strerror(int errnum)}. */
public final class Errno {
    /** A signal came first. */
    public static final int EINTR = 4;

    /** No room now. */
    public static final int EAGAIN = 11;

    /** The device or a queue is busy. */
    public static final int EBUSY = 16;

    /** An argument is not allowed: a misaligned direct transfer, or no direct transfers at all. */
    public static final int EINVAL = 22;

    /** The time is over. */
    public static final int ETIME = 62;

    /** The file system has no such thing. */
    public static final int EOPNOTSUPP = 95;

    private static final MethodHandle STRERROR =
            Downcalls.bind("strerror", FunctionDescriptor.of(ADDRESS, JAVA_INT));

    private Errno() {}

    /** Returns the system's words and the number. */
    public static String describe(int code) {
        try {
            return "%s (errno %d)"
                    .formatted(Downcalls.text((MemorySegment) STRERROR.invokeExact(code)), code);
        } catch (Throwable t) {
            throw Downcalls.broken("strerror", t);
        }
    }
}
