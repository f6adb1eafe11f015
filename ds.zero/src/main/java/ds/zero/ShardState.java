package ds.zero;

import ds.core.DType;
import ds.core.FlatBuffer;
import ds.core.MemoryKind;
import ds.core.RankMemory;
import ds.kernels.Kernels;
import ds.offload.StateStore;
import ds.optim.spi.Optimizer;
import ds.optim.spi.StateSlot;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The masters and optimizer slots of the elements that one rank steps. In fp32 with everything in
 * memory, and where masters rest in 16 bits, the master is the working parameter; otherwise it is
 * array 0 of the store. Owned by the
 * rank's thread.
 */
final class ShardState implements AutoCloseable {
    /** The array of a store in files that holds what this rank owns and nobody trains. */
    static final String FROZEN = "frozen";

    private final OwnedSpace stepped;
    private final Parameters parameters;
    private final Kernels kernels;
    private final RankMemory memory;
    private final boolean masterStored;
    private final Optimizer optimizer;
    private final List<StateSlot> slots;
    private final StateStore store;
    private final boolean keepsFrozen;
    private @Nullable FlatBuffer staging; // absent until 16-bit slots are read or written

    ShardState(
            OwnedSpace stepped,
            Parameters parameters,
            ZeroOptions options,
            StoreShapes shapes,
            RankParts parts) {
        this.stepped = stepped;
        this.parameters = parameters;
        this.kernels = parts.kernels();
        this.memory = parts.memory();
        this.optimizer = parts.optimizer();
        this.slots = List.copyOf(optimizer.slots());
        this.masterStored = shapes.masterStored();
        this.store =
                shapes.states()
                        .map(layout -> parts.stores().states(options.optimizer(), layout))
                        .orElseGet(() -> new SlotlessStore(stepped, chunkElements(options)));
        this.keepsFrozen = shapes.states().isPresent() && !store.layout().extras().isEmpty();
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

    /** Returns the indices of the slots that the elements of a run have. */
    List<Integer> slotsOf(OwnedSpace space, OwnedSpace.Run run) {
        return StoreShapes.indices(space.slots(run, optimizer), optimizer);
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
            kernels.convert(working(first, into.lengthElements()), into);
        }
    }

    void writeMaster(long first, FlatBuffer from) {
        if (masterStored) {
            store.write(0, first, from);
        } else {
            kernels.convert(from, working(first, from.lengthElements()));
        }
    }

    void readSlot(int slot, long first, FlatBuffer into) {
        DType type = store.layout().type();
        if (type == DType.FP32) {
            store.read(arrayOf(slot), first, into);
        } else {
            FlatBuffer narrow = narrow(type, into.lengthElements());
            store.read(arrayOf(slot), first, narrow);
            kernels.convert(narrow, into);
        }
    }

    void writeSlot(int slot, long first, FlatBuffer from) {
        DType type = store.layout().type();
        if (type == DType.FP32) {
            store.write(arrayOf(slot), first, from);
        } else {
            FlatBuffer narrow = narrow(type, from.lengthElements());
            kernels.convert(from, narrow);
            store.write(arrayOf(slot), first, narrow);
        }
    }

    private FlatBuffer narrow(DType type, long length) {
        FlatBuffer present = staging;
        if (present == null || present.lengthElements() < length) {
            present = memory.allocate(MemoryKind.STAGING, type, length);
            staging = present;
        }
        return present.slice(0, length);
    }

    /** Returns whether the store holds frozen parameters too. */
    boolean keepsFrozen() {
        return keepsFrozen;
    }

    /** Reads frozen elements, counted over the rank's frozen runs alone. */
    void readFrozen(long first, FlatBuffer into) {
        store.read(store.layout().arrays().size(), first, into);
    }

    /** Writes frozen elements. */
    void writeFrozen(long first, FlatBuffer from) {
        store.write(store.layout().arrays().size(), first, from);
    }

    /** Returns the array of the store that holds a slot. */
    int arrayOf(int slot) {
        return masterStored ? slot + 1 : slot;
    }

    @Override
    public void close() {
        store.close();
    }
}
