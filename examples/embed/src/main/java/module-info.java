/** A program that trains a language model and keeps it. */
module example.embed {
    requires ds.engine;
}
