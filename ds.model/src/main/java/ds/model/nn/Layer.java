package ds.model.nn;

/** A part that turns one tensor into one tensor. */
public abstract class Layer extends Part {
    private boolean checkpointed;

    /** Creates a layer whose parameters are called {@code name.something}. */
    protected Layer(String name) {
        super(name);
    }

    /** Creates a layer; see {@link Part#Part(String, String)}. */
    protected Layer(String name, String prefix) {
        super(name, prefix);
    }

    /**
     * Says what the layer computes. Must depend on nothing but {@code x}, the parameters, {@link
     * Tape#batch} and {@link Tape#dropout}: with checkpointing it runs again in the backward pass.
     */
    protected abstract Tensor forward(Tape tape, Tensor x);

    /** Records this layer on {@code tape}. */
    public final Tensor apply(Tape tape, Tensor x) {
        return tape.run(this, x);
    }

    /**
     * Makes this layer keep only its input, and compute the rest again in the backward pass. Called in
     * the layer's constructor.
     */
    protected final void checkpoint(boolean on) {
        checkpointed = on;
    }

    final boolean isCheckpointed() {
        return checkpointed;
    }
}
