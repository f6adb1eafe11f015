package ds.engine;

import ds.core.Device;
import ds.core.RankMemory;
import ds.engine.plan.TrainingPlan;
import ds.offload.FileOperations;
import ds.offload.RestingPlace;
import ds.offload.StateStores;
import ds.offload.StorageProviders;
import ds.offload.StoreDirectory;
import ds.offload.StoreLocation;
import ds.offload.spi.StorageProvider;
import ds.zero.StoreFactory;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.Locale;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ThreadLocalRandom;

/** Opens the stores of all ranks of one run: one run name, one device, one backend. */
final class EngineStores implements AutoCloseable {
    private final TrainingPlan plan;
    private final Device device;
    private final StorageProvider backend;
    private final Queue<StoreDirectory> directories = new ConcurrentLinkedQueue<>();
    private final FileOperations files = FileOperations.system();
    private final String runId =
            HexFormat.of().toHexDigits(System.currentTimeMillis()).substring(4)
                    + "-"
                    + HexFormat.of().toHexDigits(ThreadLocalRandom.current().nextInt());

    EngineStores(TrainingPlan plan, ModuleLayer layer, Device device) {
        this.plan = plan;
        this.device = device;
        this.backend = StorageProviders.best(layer);
    }

    Device device() {
        return device;
    }

    StoreFactory of(int rank, RankMemory memory) {
        return (role, place, layout) ->
                switch (place) {
                    case RestingPlace.OnDevice() ->
                            StateStores.inMemory(
                                    layout, memory, device, false, plan.zero().chunkBytes());
                    case RestingPlace.InHost(boolean pinned) ->
                            StateStores.inMemory(
                                    layout, memory, device, pinned, plan.zero().chunkBytes());
                    case RestingPlace.OnNvme(var directory, int buffers) ->
                            StateStores.onNvme(
                                    layout,
                                    memory,
                                    device,
                                    open(directory, role, rank),
                                    plan.pipeline().withBufferCount(buffers));
                };
    }

    private StoreDirectory open(Path directory, StoreFactory.Role role, int rank) {
        String run = runId + "-" + role.name().toLowerCase(Locale.ROOT);
        StoreDirectory opened =
                StoreDirectory.open(
                        new StoreLocation(directory, run, rank, plan.batch().world()),
                        backend,
                        files);
        directories.add(opened);
        return opened;
    }

    /** Deletes the stores' directories; the stores in them are closed by then. */
    @Override
    public void close() {
        try {
            directories.forEach(StoreDirectory::close);
        } finally {
            device.close();
        }
    }
}
