package ds.foreign.libc;

import ds.core.spi.HostMemoryProvider;
import ds.foreign.Downcalls;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * Memory mapped by the C library of Linux: in huge pages from 2 MiB on, and locked on
 * request. Calls nothing until something is allocated.
 */
public final class LibcMemoryProvider implements HostMemoryProvider {
    private static final long HUGE_PAGE_BYTES = 2L << 20;
    private static final int PRIORITY = 10;

    @Override
    public String name() {
        return "libc";
    }

    @Override
    public Optional<String> unavailable() {
        return unavailable(System.getProperty("os.name"), System.getProperty("os.arch"));
    }

    /** Says why not on a system of that name and architecture. */
    static Optional<String> unavailable(String system, String architecture) {
        if (!system.equals("Linux")) {
            return Optional.of(
                    "it needs Linux (mmap, madvise and mlock with its constants), this is "
                            + system);
        }
        if (!architecture.contains("64")) {
            return Optional.of("it needs a 64-bit system, this is " + architecture);
        }
        return Downcalls.denied();
    }

    @Override
    public int priority() {
        return PRIORITY;
    }

    /**
     * {@inheritDoc}
     *
     * @throws ds.foreign.NativeException if the system refuses, with its own words
     */
    @Override
    public MemorySegment allocate(Arena arena, long sizeBytes, long alignmentBytes) {
        boolean huge = sizeBytes >= HUGE_PAGE_BYTES;
        MemorySegment memory =
                LibcMemory.map(
                        arena,
                        sizeBytes,
                        huge ? Math.max(alignmentBytes, HUGE_PAGE_BYTES) : alignmentBytes);
        if (huge) {
            LibcMemory.preferHugePages(memory);
        }
        return memory;
    }

    @Override
    public Optional<String> lock(MemorySegment memory) {
        return LibcMemory.lock(memory, memory.byteSize());
    }

    @Override
    public OptionalLong lockableBytes() {
        return LockLimit.ofThisProcess().bytes();
    }
}
