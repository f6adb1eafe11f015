package ds.zero;

import ds.offload.RestingPlace;
import ds.offload.ShardFile;
import ds.offload.ShardFiles;
import ds.offload.StateLayout;
import ds.offload.StateStore;

/** Opens the stores of one rank; the engine knows run directories, backends and commit protocol. */
public interface StoreFactory {
    /**
     * Opens a store for masters (unless they are the working parameters) and optimizer slots, zeroed.
     * Closed by {@link ZeroRank#close}.
     */
    StateStore states(RestingPlace place, StateLayout layout);

    /**
     * Opens a file for the rank's part of working parameters or gradients, zeroed: a cache, rebuilt
     * from masters or by the next step. Closed by {@link ZeroRank#close}.
     *
     * @param shape one extent per run that the rank holds
     */
    ShardFile cache(RestingPlace.OnNvme place, ShardFiles.Shape shape);
}
