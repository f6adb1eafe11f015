package ds.core.spi;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Optional;
import java.util.OptionalLong;

/** Makes host memory for slabs. The default one is a page-aligned shared arena. */
public interface HostMemoryProvider extends NamedProvider {
    /** Returns the order of automatic choice: the highest that can run here is taken. */
    int priority();

    /**
     * Allocates zeroed memory that lives as long as {@code arena}.
     *
     * @param sizeBytes at least 1
     * @param alignmentBytes a power of two
     * @throws ds.core.DsException if the memory cannot be had
     */
    MemorySegment allocate(Arena arena, long sizeBytes, long alignmentBytes);

    /**
     * Locks the pages of memory that {@link #allocate} gave, until it is freed.
     *
     * @return why they are not locked, as words that follow "since"; empty if they are
     */
    Optional<String> lock(MemorySegment memory);

    /** Returns how many bytes this process may lock; empty if no limit is known. */
    default OptionalLong lockableBytes() {
        return OptionalLong.empty();
    }
}
