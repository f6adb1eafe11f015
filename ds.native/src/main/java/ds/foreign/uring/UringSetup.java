package ds.foreign.uring;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import ds.foreign.Downcalls;
import ds.foreign.libc.DirectFile;
import ds.foreign.libc.Errno;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Optional;

/**
 * A ring that the kernel has set up.
 *
 * @param descriptor of the ring, or the negative error number
 * @param params what it looks like, in memory of the arena it was made in
 */
record UringSetup(int descriptor, MemorySegment params) {
    /** One mapping for both rings, no result is ever dropped, waiting has a time limit: Linux 5.11. */
    private static final int NEEDED = 1 | 1 << 1 | 1 << 8;

    /** Asked once per process, when first needed. */
    private static final class Probe {
        static final Optional<String> REFUSAL = ask();
    }

    static UringSetup of(int entries, UringCalls calls, Arena arena) {
        MemorySegment params = arena.allocate(UringLayout.PARAMS);
        return new UringSetup(calls.setup(entries, params), params);
    }

    /** Returns why this process can have no ring, or empty if it can. */
    static Optional<String> unavailable() {
        return Probe.REFUSAL;
    }

    private static Optional<String> ask() {
        try (Arena arena = Arena.ofConfined()) {
            UringSetup ring = of(1, new KernelUringCalls(Downcalls.errnoState(arena)), arena);
            if (ring.descriptor < 0) {
                return Optional.of(
                        "io_uring_setup says %s; /proc/sys/kernel/io_uring_disabled, or the container's system-call filter, may forbid it"
                                .formatted(Errno.describe(-ring.descriptor)));
            }
            DirectFile.close(ring.descriptor, "an io_uring");
            return ring.lacks();
        }
    }

    /** Returns what this kernel's rings lack, or empty if nothing. */
    Optional<String> lacks() {
        int features = params.get(JAVA_INT, UringLayout.offset(UringLayout.PARAMS, "features"));
        return (features & NEEDED) == NEEDED
                ? Optional.empty()
                : Optional.of(
                        "its io_uring has the features 0x%x and lacks some of 0x%x, which Linux 5.11 has"
                                .formatted(features, NEEDED));
    }
}
