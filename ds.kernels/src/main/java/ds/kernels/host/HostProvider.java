package ds.kernels.host;

import ds.kernels.Kernels;
import ds.kernels.Workers;
import ds.kernels.spi.KernelsProvider;

/** The kernels that run everywhere: the Vector API, or scalar code of the same bits. */
public final class HostProvider implements KernelsProvider {
    /** Creates the provider. */
    public HostProvider() {}

    @Override
    public String name() {
        return HostKernels.NAME;
    }

    @Override
    public Kernels create(Workers workers) {
        return new HostKernels(workers, Lanes.best());
    }

    @Override
    public boolean reproducible() {
        return true;
    }
}
