package ds.foreign.libc;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;

/** {@code struct timespec} of 64-bit Linux: {@code time_t tv_sec; long tv_nsec}. */
public final class Timespec {
    /** Its layout. */
    public static final StructLayout LAYOUT =
            MemoryLayout.structLayout(JAVA_LONG.withName("tv_sec"), JAVA_LONG.withName("tv_nsec"));

    private static final long NANOS_PER_SECOND = 1_000_000_000;

    private Timespec() {}

    /** Writes a duration. */
    public static void set(MemorySegment timespec, long nanos) {
        timespec.set(JAVA_LONG, 0, nanos / NANOS_PER_SECOND);
        timespec.set(JAVA_LONG, Long.BYTES, nanos % NANOS_PER_SECOND);
    }
}
