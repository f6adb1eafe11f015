/** Who owns which elements; gather, reduce, step. */
module ds.zero {
    requires static org.jspecify;
    requires transitive ds.model;
    requires transitive ds.comm;
    requires transitive ds.offload;
    requires transitive ds.optim.spi;

    exports ds.zero;
}
