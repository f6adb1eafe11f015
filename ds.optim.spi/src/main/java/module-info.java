/** The optimizer and schedule contracts, and the lookup of their providers. */
module ds.optim.spi {
    requires static org.jspecify;
    requires transitive ds.kernels;

    exports ds.optim.spi;

    uses ds.optim.spi.OptimizerProvider;
    uses ds.optim.spi.ScheduleProvider;
}
