package ds.model.nn;

import java.util.function.BiFunction;

/** The non-linearities a model can name. */
public enum Activation {
    /** GELU in its tanh form. */
    GELU(Tape::gelu),
    /** GELU in its exact form, x Φ(x). */
    GELU_ERF(Tape::geluErf),
    /** max(x, 0). */
    RELU(Tape::relu),
    /** x / (1 + exp(−x)). */
    SILU(Tape::silu),
    /** tanh(x). */
    TANH(Tape::tanh);

    private final BiFunction<Tape, Tensor, Tensor> function;

    Activation(BiFunction<Tape, Tensor, Tensor> function) {
        this.function = function;
    }

    /** Records the function on {@code tape}. */
    public Tensor apply(Tape tape, Tensor x) {
        return function.apply(tape, x);
    }
}
