/** The optimizers and schedules that come with the runtime. */
module ds.optim.builtin {
    requires static org.jspecify;
    requires transitive ds.optim.spi;
    requires static jdk.incubator.vector;
}
