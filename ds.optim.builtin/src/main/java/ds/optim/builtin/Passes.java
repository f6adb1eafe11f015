package ds.optim.builtin;

import ds.core.FlatBuffer;
import ds.optim.spi.Shard;

/**
 * The update rules of this module, each as one pass over elements {@code from} to {@code to} − 1 of
 * a shard: every array is read once and written once, the gradient scale and the 16-bit copy
 * included. The scalar methods define the bits; the vector ones have the same. Every element depends
 * on its own index only, so cuts of any kind change nothing.
 */
interface Passes {
    /** Steps by {@link AdamNumbers}; slots: first and second moment. */
    void adam(AdamNumbers numbers, Shard shard, long from, long to);

    /** As {@link #adam}, by the largest second moment so far, which is the third slot. */
    void amsgrad(AdamNumbers numbers, Shard shard, long from, long to);

    /** Steps by {@link AdagradNumbers}; slots: the sum of squares. */
    void adagrad(AdagradNumbers numbers, Shard shard, long from, long to);

    /** Steps by {@link LionNumbers}; slots: the momentum. Not for padding, which it would move. */
    void lion(LionNumbers numbers, Shard shard, long from, long to);

    /**
     * Updates the moments by {@link LambNumbers} and writes the weights and the update, whose norms
     * are wanted; slots: first and second moment.
     */
    void lambMeasure(
            LambNumbers numbers,
            Shard shard,
            FlatBuffer weights,
            FlatBuffer update,
            long from,
            long to);

    /** Steps by the update that {@link #lambMeasure} measured, times {@code rate}. */
    void lambApply(LambNumbers numbers, float rate, Shard shard, long from, long to);

    /** Updates the momentum by {@link MuonNumbers} and writes the update; slots: the momentum. */
    void muonMomentum(MuonNumbers numbers, Shard shard, FlatBuffer update, long from, long to);

    /** Steps by {@link MuonNumbers} along {@code direction}. */
    void muonApply(MuonNumbers numbers, Shard shard, FlatBuffer direction, long from, long to);

    /** Steps by {@link SgdNumbers}; slots: the momentum buffer. */
    void momentum(SgdNumbers numbers, Shard shard, long from, long to);

    /** Steps by {@link SgdNumbers} without momentum; no slots. */
    void plain(SgdNumbers numbers, Shard shard, long from, long to);

    /**
     * Returns the vector passes where this module can see {@code jdk.incubator.vector}, which needs
     * {@code --add-modules}, else the scalar ones.
     */
    static Passes best() {
        Module here = Passes.class.getModule();
        return ModuleLayer.boot()
                        .findModule("jdk.incubator.vector")
                        .filter(here::canRead)
                        .isPresent()
                ? new VectorPasses()
                : new ScalarPasses();
    }
}
