package ds.model.nn;

import ds.model.Init;
import ds.model.Parameter;
import java.util.List;

/** y = x wᵀ + b; parameters {@code weight} [out, in] and {@code bias} [out]. */
public final class Linear extends Layer {
    private final Parameter weight;
    private final List<Parameter> bias; // one, or none
    private final boolean forLoss;

    /** Creates a layer with a bias; both start uniform in ±1/sqrt(in). */
    public Linear(String name, int in, int out) {
        this(name, in, out, true, false);
    }

    /**
     * Creates a layer.
     *
     * @param bias whether a bias is added
     * @param forLoss whether the result is stored in fp32 in a 16-bit run, for a loss to read
     */
    public Linear(String name, int in, int out, boolean bias, boolean forLoss) {
        super(name);
        Init init = new Init.Uniform((float) (1 / Math.sqrt(in)));
        this.weight = parameter("weight", init, out, in);
        this.bias = bias ? List.of(parameter(biasOf(init, out))) : List.of();
        this.forLoss = forLoss;
    }

    private Parameter biasOf(Init init, int out) {
        return Parameter.of(path("bias"), init, out).tagged("bias");
    }

    /** Returns the weight, for others to use as well. */
    public Parameter weight() {
        return weight;
    }

    @Override
    protected Tensor forward(Tape tape, Tensor x) {
        if (bias.isEmpty()) {
            return forLoss ? tape.logits(x, weight) : tape.linear(x, weight);
        }
        return forLoss
                ? tape.logits(x, weight, bias.getFirst())
                : tape.linear(x, weight, bias.getFirst());
    }
}
