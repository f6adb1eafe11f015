package ds.model;

import ds.core.DType;
import ds.kernels.Kernels;
import ds.kernels.Philox;
import java.util.function.Supplier;

/** What a model may use during a forward pass on one rank. Owned by that rank's thread. */
public interface ForwardContext {
    /** Gathers a unit and lends it. Nested leases of one unit are fine. */
    Lease acquire(Unit unit);

    /** Returns what the pass is for. */
    Mode mode();

    /** Returns the type in which tensors that outlive a kernel are stored. */
    DType activationType();

    /**
     * Returns the type to which products of matrices round their operands and in which they store
     * their results; the activations' type but where a run casts products alone.
     */
    default DType productType() {
        return activationType();
    }

    /** Returns the generator of dropout masks. */
    Philox dropout();

    /** Returns the math. */
    Kernels kernels();

    /** Returns the memory of activations. */
    Workspace workspace();

    /**
     * Returns this rank's own object of {@code type}, made by {@code create} at the first call and
     * kept as long as the engine: how a stateless model keeps its preallocated nodes.
     */
    <T> T keep(Class<T> type, Supplier<T> create);
}
