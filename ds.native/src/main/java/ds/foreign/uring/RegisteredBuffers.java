package ds.foreign.uring;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/** Buffers that the kernel pins once: {@code struct iovec[]}, and which of them holds a segment. */
final class RegisteredBuffers {
    static final RegisteredBuffers NONE = new RegisteredBuffers(List.of());

    /** More than this in one buffer, and more buffers than that, the kernel refuses. */
    private static final long BUFFER_BYTES_MAX = 1L << 30;

    private static final int COUNT_MAX = 16_384;

    private final long[] starts;
    private final long[] ends;

    private RegisteredBuffers(List<MemorySegment> sorted) {
        this.starts = sorted.stream().mapToLong(MemorySegment::address).toArray();
        this.ends = sorted.stream().mapToLong(each -> each.address() + each.byteSize()).toArray();
    }

    /** Returns as many of the buffers as can be registered. */
    static RegisteredBuffers of(Iterable<MemorySegment> buffers) {
        List<MemorySegment> usable = new ArrayList<>();
        for (MemorySegment each : buffers) {
            if (each.byteSize() > 0
                    && each.byteSize() <= BUFFER_BYTES_MAX
                    && usable.size() < COUNT_MAX) {
                usable.add(each);
            }
        }
        usable.sort(Comparator.comparingLong(MemorySegment::address));
        return new RegisteredBuffers(usable);
    }

    int count() {
        return starts.length;
    }

    /** Writes them down as the kernel wants them. */
    MemorySegment vectors(Arena arena) {
        long size = UringLayout.IOVEC.byteSize();
        MemorySegment vectors = arena.allocate(UringLayout.IOVEC, starts.length);
        for (int i = 0; i < starts.length; i++) {
            vectors.set(JAVA_LONG, i * size, starts[i]);
            vectors.set(JAVA_LONG, i * size + Long.BYTES, ends[i] - starts[i]);
        }
        return vectors;
    }

    /** Returns the index of the buffer that holds all of {@code bytes}, or −1. */
    int indexOf(MemorySegment bytes) {
        long from = bytes.address();
        int low = 0;
        int high = starts.length - 1;
        while (low <= high) {
            int middle = (low + high) >>> 1;
            if (starts[middle] <= from) {
                low = middle + 1;
            } else {
                high = middle - 1;
            }
        }
        return high >= 0 && from + bytes.byteSize() <= ends[high] ? high : -1;
    }
}
