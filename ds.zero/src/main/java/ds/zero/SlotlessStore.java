package ds.zero;

import ds.core.FlatBuffer;
import ds.offload.StateLayout;
import ds.offload.StateStore;
import java.util.List;

/** What stands in for a store where there is nothing to keep: fp32 weights and no optimizer slots. */
final class SlotlessStore implements StateStore {
    private final OwnedSpace space;
    private final long chunkElements;

    SlotlessStore(OwnedSpace space, long chunkElements) {
        this.space = space;
        this.chunkElements = chunkElements;
    }

    @Override
    public void step(Resident resident, ChunkStep step, Spread spread) {
        for (OwnedSpace.Run run : space.runs()) {
            for (long at = run.offset(); at < run.end(); at += chunkElements) {
                long length = Math.min(chunkElements, run.end() - at);
                step.run(at, resident.at(at, length), List.of());
                resident.ended(at, length);
            }
        }
    }

    @Override
    public void read(int array, long firstElement, FlatBuffer into) {
        throw new IllegalArgumentException("There is no array " + array);
    }

    @Override
    public void write(int array, long firstElement, FlatBuffer from) {
        throw new IllegalArgumentException("There is no array " + array);
    }

    @Override
    public StateLayout layout() {
        throw new IllegalStateException("A store without arrays has no layout.");
    }

    @Override
    public long storedBytes() {
        return 0;
    }

    @Override
    public long stallNanos() {
        return 0;
    }

    @Override
    public void close() {}
}
