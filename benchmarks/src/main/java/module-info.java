/** JMH benchmarks, each beside the ceiling measured in the same run. */
open module ds.benchmarks {
    requires static org.jspecify;
    requires ds.engine;
    requires jmh.core;
    requires jdk.unsupported;
}
