package ds.core;

import static org.junit.jupiter.api.Assertions.assertEquals;

import ds.core.spi.HostMemoryProvider;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** A rank's memory locks what it is asked to, counts it, and says why where it cannot. */
class RankMemoryTest {
    private static final long LIMIT_BYTES = 20_000;

    /** Memory of a system that locks so many bytes. */
    private static final class Limited implements HostMemoryProvider {
        private final List<MemorySegment> asked = new ArrayList<>();

        @Override
        public String name() {
            return "limited";
        }

        @Override
        public Optional<String> unavailable() {
            return Optional.empty();
        }

        @Override
        public int priority() {
            return 0;
        }

        @Override
        public MemorySegment allocate(Arena arena, long sizeBytes, long alignmentBytes) {
            return arena.allocate(sizeBytes, alignmentBytes);
        }

        @Override
        public Optional<String> lock(MemorySegment memory) {
            asked.add(memory);
            return asked.stream().mapToLong(MemorySegment::byteSize).sum() <= LIMIT_BYTES
                    ? Optional.empty()
                    : Optional.of("there are no more");
        }
    }

    @Test
    void onlyWhatIsToBeIsLocked() {
        Limited provider = new Limited();
        try (RankMemory memory = new RankMemory(provider)) {
            memory.allocateBytes(MemoryKind.STAGING, 1_000);
            memory.allocateBytes(MemoryKind.STAGING, 1_000, false);
            memory.allocateBytes(MemoryKind.STAGING, 0, true);
            assertEquals(List.of(), provider.asked);
            MemorySegment pinned = memory.allocateBytes(MemoryKind.MASTERS, 12_000, true);
            assertEquals(List.of(pinned), provider.asked);
            assertEquals(12_000, memory.lockedBytes());
            assertEquals(Optional.empty(), memory.lockRefusal());
        }
    }

    @Test
    void memoryThatCannotBeLockedIsUsableAndTheFirstReasonStays() {
        Limited provider = new Limited();
        try (RankMemory memory = new RankMemory(provider)) {
            memory.allocateBytes(MemoryKind.MASTERS, 12_000, true);
            memory.allocateBytes(MemoryKind.MASTERS, 12_000, true).fill((byte) 1);
            assertEquals(Optional.of("there are no more"), memory.lockRefusal());
            memory.allocateBytes(MemoryKind.MASTERS, 10, true);
            assertEquals(
                    2, provider.asked.size(), "nothing more is asked of a system that refused");
            assertEquals(12_000, memory.lockedBytes());
            assertEquals(24_010, memory.bytes(MemoryKind.MASTERS));
        }
    }

    @Test
    void portableMemorySaysThatItCannotBeLocked() {
        try (RankMemory memory = new RankMemory(HostMemories.portable())) {
            memory.allocateBytes(MemoryKind.STAGING, 8_192, true);
            assertEquals(0, memory.lockedBytes());
            assertEquals(
                    Optional.of(
                            "portable memory cannot be locked; that takes module ds.foreign on Linux, with native access"),
                    memory.lockRefusal());
        }
    }
}
