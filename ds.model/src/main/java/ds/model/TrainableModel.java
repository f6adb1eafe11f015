package ds.model;

/**
 * A model as ZeRO sees it: units of parameters, a forward and a backward pass that ask for units as
 * they need them. A stateless description, used by all ranks at once; per-rank state lives in
 * {@link ForwardContext#keep}. Most models extend {@code ds.model.nn.Network} and write forward only.
 */
public interface TrainableModel {
    /** Returns the units and parameters. Always the same value. */
    ModelLayout layout();

    /** Computes the loss of {@code batch}. */
    Activations forward(Batch batch, ForwardContext context);

    /**
     * Computes gradients, each scaled by {@code lossSeed}, and completes every unit once.
     *
     * @param lossSeed the derivative that the loss starts from: 1, or the fp16 loss scale's share
     */
    void backward(Activations activations, float lossSeed, BackwardContext context);
}
