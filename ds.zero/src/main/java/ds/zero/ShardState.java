package ds.zero;

import ds.core.DType;
import ds.core.FlatBuffer;
import ds.offload.StateStore;
import ds.optim.spi.StateSlot;
import java.util.List;

/**
 * The masters and optimizer slots of the elements that one rank steps. In fp32 with everything in
 * memory the master is the working parameter; otherwise it is array 0 of the store. Owned by the
 * rank's thread.
 */
final class ShardState implements AutoCloseable {
    private final OwnedSpace stepped;
    private final Parameters parameters;
    private final DType precision;
    private final boolean masterStored;
    private final List<StateSlot> slots;
    private final StateStore store;

    ShardState(
            OwnedSpace stepped,
            Parameters parameters,
            ZeroOptions options,
            List<StateSlot> slots,
            StoreShapes shapes,
            StoreFactory stores) {
        this.stepped = stepped;
        this.parameters = parameters;
        this.precision = options.precision();
        this.slots = List.copyOf(slots);
        this.masterStored = shapes.masterStored();
        this.store =
                shapes.states()
                        .map(layout -> stores.states(options.optimizer(), layout))
                        .orElseGet(() -> new SlotlessStore(stepped, chunkElements(options)));
    }

    /** Returns how many elements of one array a chunk may have: whole blocks, at least one. */
    static long chunkElements(ZeroOptions options) {
        long blocks = options.chunkBytes() / DType.FP32.bytesOf(PartitionMap.BLOCK_ELEMENTS);
        return Math.max(1, blocks) * PartitionMap.BLOCK_ELEMENTS;
    }

    OwnedSpace stepped() {
        return stepped;
    }

    StateStore store() {
        return store;
    }

    List<StateSlot> slots() {
        return slots;
    }

    /** Returns whether the master is array 0 of the store, apart from the working parameter. */
    boolean masterStored() {
        return masterStored;
    }

    /** Returns where a stepped element lies among those that the rank holds. */
    long held(long first) {
        OwnedSpace.Run run = stepped.runAt(first);
        return parameters
                .held()
                .offsetOf(run.unit(), run.region(), run.regionOffset() + first - run.offset());
    }

    /** Returns the working copy of stepped elements, where it rests in memory; inside one run. */
    FlatBuffer working(long first, long length) {
        return parameters.memory(held(first), length);
    }

    void readMaster(long first, FlatBuffer into) {
        if (masterStored) {
            store.read(0, first, into);
        } else {
            into.copyFrom(working(first, into.lengthElements()));
        }
    }

    void writeMaster(long first, FlatBuffer from) {
        if (masterStored) {
            store.write(0, first, from);
        } else {
            working(first, from.lengthElements()).copyFrom(from);
        }
    }

    void readSlot(int slot, long first, FlatBuffer into) {
        store.read(arrayOf(slot), first, into);
    }

    void writeSlot(int slot, long first, FlatBuffer from) {
        store.write(arrayOf(slot), first, from);
    }

    private int arrayOf(int slot) {
        return masterStored ? slot + 1 : slot;
    }

    @Override
    public void close() {
        store.close();
    }
}
