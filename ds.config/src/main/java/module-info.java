/** DeepSpeed JSON to records, with every problem located. */
module ds.config {
    requires static org.jspecify;
    requires transitive ds.core;
    requires tools.jackson.core;

    exports ds.config;
}
