/** The model contract, the reverse tape and the networks built on it. */
module ds.model {
    requires static org.jspecify;
    requires transitive ds.kernels;

    exports ds.model;
    exports ds.model.spi;

    uses ds.model.spi.ModelProvider;
}
