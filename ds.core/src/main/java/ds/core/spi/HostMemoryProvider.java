package ds.core.spi;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** Makes host memory for slabs. The default one is a page-aligned shared arena. */
public interface HostMemoryProvider extends NamedProvider {
    /** Returns the order of automatic choice: the highest that can run here is taken. */
    int priority();

    /**
     * Allocates zeroed memory that lives as long as {@code arena}.
     *
     * @param sizeBytes at least 1
     * @param alignmentBytes a power of two
     * @param pinned whether to lock the pages in memory; a failure to lock is an error
     * @throws ds.core.DsException if the memory cannot be had or not be locked
     */
    MemorySegment allocate(Arena arena, long sizeBytes, long alignmentBytes, boolean pinned);
}
