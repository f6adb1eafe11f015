/** JMH benchmarks, each beside the ceiling measured in the same run. */
open module ds.benchmarks {
    requires static org.jspecify;
    requires ds.engine;
    requires ds.optim.builtin;
    requires jdk.incubator.vector;
    requires jdk.management;
    requires jdk.unsupported;
    requires jmh.core;
    requires tools.jackson.core;
}
