package ds.model;

/** What a forward pass is for. */
public enum Mode {
    /** Keeps what backward needs; dropout is active. */
    TRAIN,
    /** Keeps nothing and allocates no gradients; dropout is off. */
    EVAL
}
