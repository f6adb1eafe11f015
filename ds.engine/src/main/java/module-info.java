/** Plan, ranks, step loop, checkpoints and the embedding interface. */
module ds.engine {
    requires static org.jspecify;
    requires transitive ds.zero;
    requires transitive ds.config;
    requires tools.jackson.core;
}
