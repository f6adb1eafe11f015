/** The ds command. */
module ds.cli {
    requires static org.jspecify;
    requires ds.engine;
    requires info.picocli;
}
