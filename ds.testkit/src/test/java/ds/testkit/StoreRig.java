package ds.testkit;

import static org.junit.jupiter.api.Assertions.assertEquals;

import ds.core.FlatBuffer;
import ds.core.HostDevice;
import ds.core.HostMemories;
import ds.core.RankMemory;
import ds.offload.CommitRecord;
import ds.offload.DurableStore;
import ds.offload.FileOperations;
import ds.offload.PipelineSettings;
import ds.offload.StateLayout;
import ds.offload.StateStores;
import ds.offload.StorageProviders;
import ds.offload.StoreDirectory;
import ds.offload.StoreIdentity;
import ds.offload.StoreLocation;
import ds.offload.StoreTerms;
import ds.offload.StoreUse;
import ds.offload.Stripes;
import ds.offload.spi.StorageProvider;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * A small store in a run of its own, whose arrays are a known function of the step: element i of
 * array a is s·(i + 1 + a) after step s. Every commit says its step.
 */
final class StoreRig implements AutoCloseable {
    static final List<Long> RUNS = List.of(3L * 1024, 0L, 2L * 1024);
    static final StateLayout LAYOUT = new StateLayout(List.of("master", "exp_avg"), RUNS);
    static final int ELEMENTS = 5 * 1024;
    static final StoreIdentity IDENTITY =
            new StoreIdentity("layout", "config", Map.of("model", "rig"));

    private static final PipelineSettings ONE_PAGE_CHUNKS =
            PipelineSettings.DEFAULT.withChunkBytes(2 * 4096).withBufferCount(3);

    private final RankMemory memory = new RankMemory(HostMemories.portable());
    private final HostDevice device = new HostDevice();
    private final StoreDirectory directory;
    private final DurableStore store;
    private long step;

    private StoreRig(
            StoreDirectory directory, boolean fresh, StoreTerms terms, StateLayout layout) {
        this.directory = directory;
        boolean whole = false;
        try {
            store =
                    fresh
                            ? StateStores.durable(
                                    layout,
                                    memory,
                                    device,
                                    directory,
                                    ONE_PAGE_CHUNKS,
                                    terms,
                                    IDENTITY)
                            : StateStores.reopen(
                                    layout,
                                    memory,
                                    device,
                                    directory,
                                    ONE_PAGE_CHUNKS,
                                    terms,
                                    IDENTITY);
            whole = true;
        } finally {
            if (!whole) {
                directory.close();
                memory.close();
            }
        }
    }

    static StoreLocation location(Path nvmePath) {
        return new StoreLocation(nvmePath, "rig", 0, 1);
    }

    /** Returns stripes of a page, of which the first path gets three for one or two of others. */
    static Stripes stripes(int paths) {
        return new Stripes(
                IntStream.range(0, paths).mapToObj(path -> path == 0 ? 3 : path).toList(), 4096);
    }

    static StoreRig create(StoreLocation location, FileOperations files, int generations) {
        return create(location, files, generations, LAYOUT);
    }

    static StoreRig create(
            StoreLocation location, FileOperations files, int generations, StateLayout layout) {
        return create(location, files, StoreTerms.DEFAULT.withGenerations(generations), layout);
    }

    static StoreRig create(StoreLocation location, FileOperations files, StoreTerms terms) {
        return create(location, files, terms, LAYOUT);
    }

    private static StoreRig create(
            StoreLocation location, FileOperations files, StoreTerms terms, StateLayout layout) {
        return create(location, StorageProviders.portable(), files, terms, layout);
    }

    static StoreRig create(
            StoreLocation location,
            StorageProvider provider,
            FileOperations files,
            StoreTerms terms,
            StateLayout layout) {
        return new StoreRig(
                StoreDirectory.open(
                        location,
                        provider,
                        files,
                        StoreUse.DURABLE,
                        stripes(location.nvmePaths().size())),
                true,
                terms,
                layout);
    }

    /** Opens a store that was left; {@link #recover} comes next. */
    static StoreRig reopen(StoreLocation location, FileOperations files, int generations) {
        return reopen(location, files, generations, LAYOUT);
    }

    static StoreRig reopen(
            StoreLocation location, FileOperations files, int generations, StateLayout layout) {
        return reopen(location, files, StoreTerms.DEFAULT.withGenerations(generations), layout);
    }

    /** Opens a store that was left, of which another share may stay in memory. */
    static StoreRig reopen(StoreLocation location, FileOperations files, StoreTerms terms) {
        return reopen(location, files, terms, LAYOUT);
    }

    private static StoreRig reopen(
            StoreLocation location, FileOperations files, StoreTerms terms, StateLayout layout) {
        return reopen(location, StorageProviders.portable(), files, terms, layout);
    }

    static StoreRig reopen(
            StoreLocation location,
            StorageProvider provider,
            FileOperations files,
            StoreTerms terms,
            StateLayout layout) {
        return new StoreRig(StoreDirectory.reopen(location, provider, files), false, terms, layout);
    }

    DurableStore store() {
        return store;
    }

    Path path() {
        return directory.path();
    }

    long step() {
        return step;
    }

    /** Goes on from the last commit. */
    StoreRig recover() {
        return recover(store.lastCommit());
    }

    StoreRig recover(long commit) {
        CommitRecord found = store.recover(commit, store.epoch() + 1);
        step = found.globalStep();
        assertEquals(record(), found);
        return this;
    }

    /** Makes a step and starts its commit. */
    void stepAndCommit() {
        makeStep();
        commit();
    }

    void makeStep() {
        step++;
        store.step(
                (first, length) -> List.of(),
                (first, resident, stored) -> {
                    for (int a = 0; a < stored.size(); a++) {
                        FlatBuffer array = stored.get(a);
                        for (long i = 0; i < array.lengthElements(); i++) {
                            array.set(i, array.get(i) + first + i + 1 + a);
                        }
                    }
                });
    }

    /** Commits a step that changed nothing. */
    void skipAndCommit() {
        store.commit(record());
    }

    void commit() {
        store.commit(record());
    }

    private CommitRecord record() {
        return new CommitRecord(
                step,
                step,
                2 * step,
                8 * step,
                0,
                42,
                new CommitRecord.Scaler(1024, 2, step, -1, true),
                CommitRecord.Blob.of(("step " + step).getBytes(StandardCharsets.UTF_8)));
    }

    /** Checks every element, all of which are read from the files and verified. */
    void assertWhole() {
        FlatBuffer read = FlatBuffer.ofFloats(new float[ELEMENTS]);
        for (int a = 0; a < LAYOUT.arrays().size(); a++) {
            store.read(a, 0, read);
            for (int i = 0; i < ELEMENTS; i++) {
                assertEquals((float) step * (i + 1 + a), read.get(i), "array " + a);
            }
        }
    }

    void release() {
        directory.release();
    }

    /** Closes the store; it stays if it holds a commit and was not released. */
    @Override
    public void close() {
        try {
            store.close();
        } finally {
            try {
                directory.close();
            } finally {
                device.close();
                memory.close();
            }
        }
    }
}
