package ds.testkit;

import ds.kernels.KernelsProviders;
import ds.kernels.spi.KernelsProvider;

/** The host's kernels keep the contract, found by name. */
class HostKernelsTest extends KernelsContract {
    @Override
    protected KernelsProvider provider() {
        return KernelsProviders.in(ModuleLayer.boot()).require("host");
    }
}
