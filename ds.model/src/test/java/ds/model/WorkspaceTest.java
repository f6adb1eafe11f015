package ds.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ds.core.HostMemories;
import ds.core.MemoryKind;
import ds.core.RankMemory;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.junit.jupiter.api.Test;

/** The stack of activations: many slabs while it grows, one afterwards. */
class WorkspaceTest {
    private static final long MIB = 1 << 20;

    private static MemorySegment filled(Workspace workspace, long sizeBytes) {
        MemorySegment piece = workspace.allocateBytes(sizeBytes);
        piece.fill((byte) 7);
        assertEquals(0, piece.address() % 64);
        return piece;
    }

    @Test
    void oneSlabOfTheMostInUseTakesThePlaceOfSeveral() {
        try (RankMemory memory = new RankMemory(HostMemories.portable())) {
            Workspace workspace = new Workspace(memory);
            Workspace.Mark bottom = workspace.mark();
            filled(workspace, 9 * MIB);
            Workspace.Mark middle = workspace.mark();
            filled(workspace, 9 * MIB); // beside the first one in 16 MiB there is no place
            filled(workspace, 40 * MIB + 1);
            workspace.release(middle);
            MemorySegment last = filled(workspace, 3 * MIB);
            long most = 58 * MIB + 64;
            assertEquals(most, workspace.highWaterBytes());
            assertTrue(memory.bytes(MemoryKind.ACTIVATIONS) > most);

            workspace.release(bottom);
            assertEquals(most, memory.bytes(MemoryKind.ACTIVATIONS));
            assertFalse(last.scope().isAlive());
            assertThrows(IllegalStateException.class, () -> last.get(ValueLayout.JAVA_BYTE, 0));

            long allocations = memory.allocationCount();
            MemorySegment first = filled(workspace, 9 * MIB);
            assertEquals(first.address() + 9 * MIB, filled(workspace, 9 * MIB).address());
            filled(workspace, 40 * MIB + 1);
            workspace.release(bottom);
            assertEquals(allocations, memory.allocationCount());
            assertEquals(most, workspace.highWaterBytes());
        }
    }

    @Test
    void whatLiesBelowStaysWhereItIs() {
        try (RankMemory memory = new RankMemory(HostMemories.portable())) {
            Workspace workspace = new Workspace(memory);
            MemorySegment kept = filled(workspace, 15 * MIB);
            Workspace.Mark mark = workspace.mark();
            filled(workspace, 15 * MIB);
            workspace.release(mark);
            assertEquals(7, kept.get(ValueLayout.JAVA_BYTE, 15 * MIB - 1));
            assertEquals(32 * MIB, memory.bytes(MemoryKind.ACTIVATIONS));
            filled(workspace, 15 * MIB);
            assertEquals(30 * MIB, workspace.highWaterBytes());
        }
    }
}
