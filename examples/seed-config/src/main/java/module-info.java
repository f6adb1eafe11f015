/** One class that trains what a DeepSpeed configuration says, whatever it says. */
module example.seed {
    requires transitive ds.engine;

    exports example.seed;
}
