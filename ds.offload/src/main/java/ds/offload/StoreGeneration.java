package ds.offload;

/** Which commit of a store a run goes on from. */
public enum StoreGeneration {
    /** The last one that all ranks have. */
    LAST,
    /**
     * The newest one before it that is whole on all ranks, every byte of which is read and checked
     * first: the way back from a block that is corrupt. With three generations there is one, also
     * where a step was cut off.
     */
    PREVIOUS
}
