package ds.kernels.spi;

import ds.core.spi.NamedProvider;
import ds.kernels.Kernels;
import ds.kernels.Workers;

/** Makes kernels for one rank. */
public interface KernelsProvider extends NamedProvider {
    /** Creates the kernels of one rank, spreading their work over {@code workers}. */
    Kernels create(Workers workers);

    /** Returns whether these kernels keep the promise of equal bits. */
    boolean reproducible();
}
