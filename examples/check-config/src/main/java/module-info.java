/** Checks a DeepSpeed configuration; in an image of its own it needs nothing else. */
module example.check {
    requires ds.config;
}
