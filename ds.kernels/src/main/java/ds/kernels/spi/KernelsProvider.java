package ds.kernels.spi;

import ds.core.DType;
import ds.core.spi.NamedProvider;
import ds.kernels.Kernels;
import ds.kernels.Workers;
import java.util.Optional;

/** Makes kernels for one rank. */
public interface KernelsProvider extends NamedProvider {
    /** Creates the kernels of one rank, spreading their work over {@code workers}. */
    Kernels create(Workers workers);

    /**
     * Returns whether these kernels keep the promise of equal bits whatever the machine and the number
     * of workers; the plan says so where they do not.
     */
    boolean reproducible();

    /**
     * Returns what somebody should know who names these kernels and stores the operands of products in
     * {@code type}, to go on after the name: "which ..."; empty if nothing.
     */
    default Optional<String> remark(DType type) {
        return Optional.empty();
    }
}
