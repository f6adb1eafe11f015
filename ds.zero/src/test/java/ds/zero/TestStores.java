package ds.zero;

import ds.core.Device;
import ds.core.RankMemory;
import ds.offload.FileOperations;
import ds.offload.PipelineSettings;
import ds.offload.RestingPlace;
import ds.offload.ShardFile;
import ds.offload.ShardFiles;
import ds.offload.StateLayout;
import ds.offload.StateStore;
import ds.offload.StateStores;
import ds.offload.StorageProviders;
import ds.offload.StoreDirectory;
import ds.offload.StoreLocation;
import ds.offload.StoreTerms;
import java.util.List;

/** The stores of one rank of a test; directories are kept, to be closed after the stores. */
record TestStores(
        RankThreads.Setup setup,
        int rank,
        RankMemory memory,
        Device device,
        List<StoreDirectory> directories)
        implements StoreFactory {
    @Override
    public StateStore states(RestingPlace place, StateLayout layout) {
        long chunkBytes = setup.options().chunkBytes();
        return switch (place) {
            case RestingPlace.OnDevice _, RestingPlace.InHost _ ->
                    StateStores.inMemory(layout, memory, device, false, chunkBytes);
            case RestingPlace.OnNvme nvme ->
                    StateStores.onNvme(
                            layout,
                            memory,
                            device,
                            open(nvme, "states"),
                            pipeline(nvme),
                            StoreTerms.IN_PLACE);
        };
    }

    @Override
    public ShardFile cache(RestingPlace.OnNvme place, ShardFiles.Shape shape) {
        return ShardFiles.onNvme(shape, memory, open(place, shape.name()), pipeline(place));
    }

    private PipelineSettings pipeline(RestingPlace.OnNvme place) {
        return PipelineSettings.DEFAULT.withChunkBytes(setup.options().chunkBytes()).at(place);
    }

    private StoreDirectory open(RestingPlace.OnNvme place, String use) {
        StoreDirectory opened =
                StoreDirectory.open(
                        new StoreLocation(place.directory(), "test-" + use, rank, setup.world()),
                        StorageProviders.portable(),
                        FileOperations.system());
        directories.add(opened);
        return opened;
    }
}
