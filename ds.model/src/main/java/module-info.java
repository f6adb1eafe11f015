/** The model contract, the reverse tape and the networks built on it. */
module ds.model {
    requires static org.jspecify;
    requires transitive ds.kernels;

    exports ds.model;
    exports ds.model.builtin;
    exports ds.model.nn;
    exports ds.model.spi;

    uses ds.model.spi.ModelProvider;

    provides ds.model.spi.ModelProvider with
            ds.model.builtin.GptProvider,
            ds.model.builtin.MlpProvider;
}
