package ds.testkit;

import static org.junit.jupiter.api.Assertions.assertEquals;

import ds.core.DType;
import ds.core.Device;
import ds.core.HostDevice;
import ds.core.HostMemories;
import ds.core.MemoryKind;
import ds.core.RankMemory;
import ds.offload.StateCoding;
import ds.offload.StateLayout;
import ds.offload.StateStore;
import ds.offload.StateStores;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** State in host memory keeps the contract, and the ledger says what it takes. */
class MemoryStateStoreTest extends StateStoreContract {
    @Override
    protected StateStore create(
            StateLayout layout, RankMemory memory, Device device, long chunkBytes) {
        return StateStores.inMemory(layout, memory, device, false, chunkBytes);
    }

    @Test
    void theLedgerCountsMastersAndStates() {
        try (RankMemory memory = new RankMemory(HostMemories.portable());
                HostDevice device = new HostDevice()) {
            StateLayout layout =
                    new StateLayout(List.of("master", "exp_avg", "exp_avg_sq"), List.of(2048L));
            StateStore store = create(layout, memory, device, 1 << 20);
            assertEquals(2048 * 4, memory.bytes(MemoryKind.MASTERS));
            assertEquals(2 * 2048 * 4, memory.bytes(MemoryKind.OPTIMIZER_STATES));
            assertEquals(0, store.storedBytes());
        }
    }

    @Test
    void anArrayTakesNoMemoryForARunThatItLacks() {
        try (RankMemory memory = new RankMemory(HostMemories.portable());
                HostDevice device = new HostDevice()) {
            create(
                    new StateLayout(
                            List.of("master", "exp_avg", "exp_avg_sq"),
                            List.of(2048L, 1024L),
                            DType.FP32,
                            List.of(),
                            StateCoding.NONE,
                            Map.of(1, List.of(0, 1))),
                    memory,
                    device,
                    1 << 20);
            assertEquals(3 * 1024 * 4, memory.bytes(MemoryKind.MASTERS));
            assertEquals((3 + 2) * 1024 * 4, memory.bytes(MemoryKind.OPTIMIZER_STATES));
        }
    }
}
