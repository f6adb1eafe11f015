/** Everything that calls C. */
module ds.foreign {
    requires static org.jspecify;
    requires ds.core;
}
