package ds.model.nn;

import ds.model.Parameter;

/** Normalizes rows to mean 0 and variance 1; parameters {@code gamma} and {@code beta}, [width]. */
public final class LayerNorm extends Layer {
    private static final float EPSILON = 1e-5f;

    private final Parameter gamma;
    private final Parameter beta;

    /** Creates a layer that starts as the plain normalization. */
    public LayerNorm(String name, int width) {
        super(name);
        this.gamma = gain("gamma", width);
        this.beta = shift("beta", width);
    }

    @Override
    protected Tensor forward(Tape tape, Tensor x) {
        return tape.layerNorm(x, gamma, beta, EPSILON);
    }
}
