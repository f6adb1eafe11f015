/** Everything that calls C. Exports nothing: it is reached through its providers. */
module ds.foreign {
    requires static org.jspecify;
    requires ds.core;

    provides ds.core.spi.HostMemoryProvider with
            ds.foreign.libc.LibcMemoryProvider;
}
