/** The collective contract and ranks that are threads of one process. */
module ds.comm {
    requires static org.jspecify;
    requires transitive ds.kernels;

    exports ds.comm;
    exports ds.comm.spi;

    uses ds.comm.spi.CommunicatorProvider;

    provides ds.comm.spi.CommunicatorProvider with
            ds.comm.local.LocalProvider;
}
