package ds.engine;

import ds.core.Device;
import ds.core.RankMemory;
import ds.engine.plan.TrainingPlan;
import ds.offload.FileOperations;
import ds.offload.RestingPlace;
import ds.offload.ShardFile;
import ds.offload.ShardFiles;
import ds.offload.StateLayout;
import ds.offload.StateStore;
import ds.offload.StateStores;
import ds.offload.StorageProviders;
import ds.offload.StoreDirectory;
import ds.offload.StoreLocation;
import ds.offload.spi.StorageProvider;
import ds.zero.StoreFactory;
import ds.zero.StoreShapes;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Supplier;

/** Opens the stores of all ranks of one run: one run name, one device, one backend. */
final class EngineStores implements AutoCloseable {
    private final TrainingPlan plan;
    private final Device device;
    private final StorageProvider backend;
    private final FileOperations files;

    /** Newest first: what lies in a directory is closed before the directory. */
    private final Deque<AutoCloseable> opened = new ConcurrentLinkedDeque<>();

    private final String runId =
            HexFormat.of().toHexDigits(System.currentTimeMillis()).substring(4)
                    + "-"
                    + HexFormat.of().toHexDigits(ThreadLocalRandom.current().nextInt());

    EngineStores(
            TrainingPlan plan, ModuleLayer layer, FileOperations files, Supplier<Device> device) {
        this.plan = plan;
        this.files = files;
        this.backend = StorageProviders.best(layer);
        this.device = device.get(); // last, since nobody would close it after a failure
    }

    Device device() {
        return device;
    }

    /**
     * Checks that what all ranks will store fits, before anything is written.
     *
     * @throws ds.offload.StorageException if it does not
     */
    void requireSpace() {
        Map<Path, Long> needed = new HashMap<>();
        for (int rank = 0; rank < plan.batch().world(); rank++) {
            StoreShapes.of(plan.partition(), plan.zero(), plan.optimizer().slots(), rank)
                    .nvmeBytes(plan.zero())
                    .forEach((path, bytes) -> needed.merge(path, bytes, Long::sum));
        }
        StoreDirectory.requireSpace(needed, files);
    }

    StoreFactory of(int rank, RankMemory memory) {
        return new RankStores(rank, memory);
    }

    /** Opens the stores of one rank. */
    private final class RankStores implements StoreFactory {
        private final int rank;
        private final RankMemory memory;

        RankStores(int rank, RankMemory memory) {
            this.rank = rank;
            this.memory = memory;
        }

        @Override
        public StateStore states(RestingPlace place, StateLayout layout) {
            return switch (place) {
                case RestingPlace.OnDevice() -> inMemory(layout, false);
                case RestingPlace.InHost(boolean pinned) -> inMemory(layout, pinned);
                case RestingPlace.OnNvme(var path, int buffers) ->
                        kept(
                                StateStores.onNvme(
                                        layout,
                                        memory,
                                        device,
                                        open(path, "optimizer"),
                                        plan.pipeline().withBufferCount(buffers)));
            };
        }

        private StateStore inMemory(StateLayout layout, boolean pinned) {
            return StateStores.inMemory(layout, memory, device, pinned, plan.zero().chunkBytes());
        }

        @Override
        public ShardFile parameters(RestingPlace.OnNvme place, ShardFiles.Shape shape) {
            return kept(
                    ShardFiles.onNvme(
                            shape,
                            memory,
                            open(place.directory(), "parameters"),
                            plan.pipeline().withBufferCount(place.bufferCount())));
        }

        private StoreDirectory open(Path path, String use) {
            return kept(
                    StoreDirectory.open(
                            new StoreLocation(path, runId + "-" + use, rank, plan.batch().world()),
                            backend,
                            files));
        }

        private <T extends AutoCloseable> T kept(T store) {
            opened.addFirst(store);
            return store;
        }
    }

    /**
     * Closes the stores that their ranks have not closed, which is so after a failure while a rank
     * was made, and deletes their directories. The rank threads have ended.
     */
    @Override
    public void close() {
        List<AutoCloseable> parts = new ArrayList<>(opened);
        parts.add(device);
        Closing.all(parts);
    }
}
