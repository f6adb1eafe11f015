package ds.core;

/** What a piece of a rank's memory is for; the ledger counts bytes per kind. */
public enum MemoryKind {
    /** Working parameters that this rank keeps between steps (its shard at stage 3). */
    PARAMETERS,
    /** Gathered units of stage 3. */
    LIVE_UNITS,
    /** fp32 master weights, where the working parameters are 16-bit. */
    MASTERS,
    /** Optimizer state slots. */
    OPTIMIZER_STATES,
    /** Gradient accumulators. */
    GRADIENTS,
    /** Contributions of a micro-batch on their way to their owners. */
    BUCKETS,
    /** Activations and their gradients. */
    ACTIVATIONS,
    /** Staging slots of the offload pipeline. */
    STAGING
}
