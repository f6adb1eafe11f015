/** Data types, flat buffers, devices, settings, diagnostics and provider lookup. */
module ds.core {
    requires static org.jspecify;

    exports ds.core;
    exports ds.core.spi;

    uses ds.core.spi.HostMemoryProvider;
}
