package ds.zero;

/** The parts of a unit, each contiguous in memory and gathered by one collective. */
public enum Region {
    /** Trainable parameters whose elements are divided among all ranks, block by block. */
    SHARED,
    /** Trainable parameters that lie whole on one rank each, in the order of their owners. */
    WHOLE,
    /** Parameters that are not trained, divided like {@link #SHARED}. */
    FROZEN
}
