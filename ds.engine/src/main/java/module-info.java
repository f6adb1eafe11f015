/** Plan, ranks, step loop, checkpoints and the embedding interface. */
module ds.engine {
    requires static org.jspecify;
    requires transitive ds.zero;
    requires transitive ds.config;
    requires transitive ds.model;
    requires transitive ds.offload;
    requires tools.jackson.core;
    requires jdk.jfr;

    exports ds.engine;
    exports ds.engine.checkpoint;
    exports ds.engine.data;
    exports ds.engine.metrics;
    exports ds.engine.plan;
    exports ds.engine.spi;

    uses ds.engine.spi.DatasetProvider;
    uses ds.engine.spi.RunJournalProvider;

    provides ds.engine.spi.RunJournalProvider with
            ds.engine.journal.JsonlJournalProvider;
}
