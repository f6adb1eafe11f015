/** The collective contract and ranks that are threads of one process. */
module ds.comm {
    requires static org.jspecify;
    requires transitive ds.kernels;

    exports ds.comm;
}
