/** A network of one's own, trained on a small table. */
module example.spirals {
    requires ds.engine;
}
