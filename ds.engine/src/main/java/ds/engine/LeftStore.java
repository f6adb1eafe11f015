package ds.engine;

import ds.offload.StoreGeneration;
import ds.offload.Stores;

/** The store of a run that was cut off, and which of its commits is gone on from. */
record LeftStore(Stores.RunStore store, StoreGeneration generation) {}
