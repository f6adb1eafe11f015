package ds.zero;

import ds.offload.RestingPlace;
import ds.offload.StateLayout;
import ds.offload.StateStore;

/** Opens the stores of one rank; the engine knows run directories, backends and commit protocol. */
@FunctionalInterface
public interface StoreFactory {
    /** What a store is for. */
    enum Role {
        /** Masters (unless they are the working parameters) and optimizer slots. */
        OPTIMIZER,
        /** A copy of the rank's part of the working parameters; a cache, rebuilt from masters. */
        PARAMETERS
    }

    /** Opens a store whose arrays are zero. Closed by {@link ZeroRank#close}. */
    StateStore open(Role role, RestingPlace place, StateLayout layout);
}
