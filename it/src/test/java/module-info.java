/** Black-box tests: they see what any other module sees, and nothing else. */
open module ds.it {
    requires com.tngtech.archunit;
    requires ds.engine;
    requires ds.optim.spi;
    requires java.logging;
    requires org.junit.jupiter.api;
    requires org.junit.jupiter.params;
}
