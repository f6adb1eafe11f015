package ds.model.nn;

import ds.kernels.Kernels;

/** The non-linearities a model can name. */
public enum Activation {
    /** GELU in its tanh form. */
    GELU(Kernels.Activation.GELU),
    /** GELU in its exact form, x Φ(x). */
    GELU_ERF(Kernels.Activation.GELU_ERF),
    /** max(x, 0). */
    RELU(Kernels.Activation.RELU),
    /** x / (1 + exp(−x)). */
    SILU(Kernels.Activation.SILU),
    /** tanh(x). */
    TANH(Kernels.Activation.TANH);

    private final Kernels.Activation kernel;

    Activation(Kernels.Activation kernel) {
        this.kernel = kernel;
    }

    Kernels.Activation kernel() {
        return kernel;
    }

    /** Records the function on {@code tape}. */
    public Tensor apply(Tape tape, Tensor x) {
        return ElementOps.activation(tape.pass(), kernel, x);
    }
}
