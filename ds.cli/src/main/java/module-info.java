/** The ds command. */
module ds.cli {
    requires static org.jspecify;
    requires static jdk.incubator.vector;
    requires ds.engine;
    requires java.management;
    requires info.picocli;
    requires tools.jackson.core;

    opens ds.cli to
            info.picocli;
}
