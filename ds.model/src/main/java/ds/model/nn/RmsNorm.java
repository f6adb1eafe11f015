package ds.model.nn;

import ds.model.Parameter;

/** Divides rows by the root of their mean square; parameter {@code gamma}, [width]. */
public final class RmsNorm extends Layer {
    private static final float EPSILON = 1e-6f;

    private final Parameter gamma;

    /** Creates a layer that starts as the plain normalization. */
    public RmsNorm(String name, int width) {
        super(name);
        this.gamma = gain("gamma", width);
    }

    @Override
    protected Tensor forward(Tape tape, Tensor x) {
        return tape.rmsNorm(x, gamma, EPSILON);
    }
}
