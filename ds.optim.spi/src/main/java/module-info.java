/** The optimizer and schedule contracts. */
module ds.optim.spi {
    requires static org.jspecify;
    requires transitive ds.kernels;

    exports ds.optim.spi;
}
