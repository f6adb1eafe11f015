/** Everything that calls C. Exports nothing: it is reached through its providers. */
module ds.foreign {
    requires static org.jspecify;
    requires ds.core;
    requires ds.kernels;
    requires ds.offload;

    provides ds.core.spi.HostMemoryProvider with
            ds.foreign.libc.LibcMemoryProvider;
    provides ds.kernels.spi.KernelsProvider with
            ds.foreign.openblas.OpenblasProvider;
    provides ds.offload.spi.StorageProvider with
            ds.foreign.aio.LibaioProvider,
            ds.foreign.uring.UringProvider;
}
