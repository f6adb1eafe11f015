package ds.cli;

import ds.core.HostDevice;
import ds.core.RankMemory;
import ds.offload.CommitRecord;
import ds.offload.DurableStore;
import ds.offload.FileOperations;
import ds.offload.PipelineSettings;
import ds.offload.StateStores;
import ds.offload.StoreDirectory;
import ds.offload.StoreIdentity;
import ds.offload.StoreLocation;
import ds.offload.StoreTerms;
import ds.offload.StoreUse;
import ds.offload.Transfers;
import ds.offload.spi.StorageProvider;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Steps on a store as a run has it: two generations, checksums, a journal. Deleted when closed. */
final class OffloadedStep implements AutoCloseable {
    /** What one call of a step sees. */
    record Chunk(long first, long length) {}

    private final AdamOnChunks adam;
    private final HostDevice device = new HostDevice();
    private final StoreDirectory directory;
    private final DurableStore store;
    private final List<Chunk> chunks = new ArrayList<>();
    private long steps;

    /**
     * Creates the store, and goes through it once without changing anything.
     *
     * @param memory of its buffers; outlives it
     * @param drive an existing directory
     */
    OffloadedStep(
            AdamOnChunks adam,
            RankMemory memory,
            Path drive,
            StorageProvider provider,
            PipelineSettings settings) {
        this.adam = adam;
        this.directory =
                StoreDirectory.open(
                        new StoreLocation(drive, "bench-" + ProcessHandle.current().pid(), 0, 1),
                        provider,
                        FileOperations.system(),
                        StoreUse.DURABLE);
        boolean whole = false;
        try {
            this.store =
                    StateStores.durable(
                            adam.layout(),
                            memory,
                            device,
                            directory,
                            settings,
                            StoreTerms.DEFAULT,
                            new StoreIdentity("bench", "bench", Map.of()));
            whole = true;
        } finally {
            if (!whole) {
                directory.close();
                device.close();
            }
        }
        boolean stepped = false;
        try {
            store.step(
                    (_, _) -> List.of(),
                    (first, _, stored) ->
                            chunks.add(new Chunk(first, stored.getFirst().lengthElements())));
            commit();
            stepped = true;
        } finally {
            if (!stepped) {
                close();
            }
        }
    }

    /** Returns the chunks of a step, in order. */
    List<Chunk> chunks() {
        return List.copyOf(chunks);
    }

    /** Steps everything; when it returns, all that was written is with the operating system. */
    void step() {
        steps++;
        store.step(
                adam::resident,
                adam::step,
                (parts, part) -> adam.workers().run(parts, (_, index) -> part.accept(index)));
    }

    /** Makes the last step durable, and waits for it. */
    void commit() {
        store.commit(
                new CommitRecord(
                        steps,
                        steps,
                        steps,
                        steps,
                        0,
                        1,
                        CommitRecord.Scaler.NONE,
                        CommitRecord.Blob.EMPTY));
        store.awaitCommit();
    }

    /** Returns what was moved so far. */
    Transfers transfers() {
        return store.transfers();
    }

    @Override
    public void close() {
        try {
            store.close();
        } finally {
            directory.release();
            directory.close();
            device.close();
        }
    }
}
