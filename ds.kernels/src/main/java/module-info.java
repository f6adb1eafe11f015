/** The math: the kernel contract, its host implementation and the worker pool. */
module ds.kernels {
    requires static org.jspecify;
    requires transitive ds.core;
    requires static jdk.incubator.vector;

    exports ds.kernels;
    exports ds.kernels.spi;

    uses ds.kernels.spi.KernelsProvider;

    provides ds.kernels.spi.KernelsProvider with
            ds.kernels.host.HostProvider;
}
