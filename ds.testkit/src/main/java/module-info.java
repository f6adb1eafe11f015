/** Contract tests and fault injection, for plug-in authors too. */
module ds.testkit {
    requires jdk.management;
    requires static org.jspecify;
    requires transitive ds.comm;
    requires transitive ds.model;
    requires transitive ds.offload;
    requires transitive ds.optim.spi;
    requires transitive org.junit.jupiter.api;
    requires tools.jackson.core;

    exports ds.testkit;
}
