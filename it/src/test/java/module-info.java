/** Black-box tests: they see what any other module sees, and nothing else. */
open module ds.it {
    requires com.tngtech.archunit;
    requires ds.engine;
    requires ds.foreign;
    requires ds.optim.builtin;
    requires ds.optim.spi;
    requires ds.testkit;
    requires example.seed;
    requires java.logging;
    requires org.junit.jupiter.api;
    requires org.junit.jupiter.params;
    requires tools.jackson.core;

    provides ds.engine.spi.RunJournalProvider with
            ds.it.BrokenJournal;
    provides ds.optim.spi.OptimizerProvider with
            ds.it.BrokenOptimizer;
}
