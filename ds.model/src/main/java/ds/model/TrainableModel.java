package ds.model;

import java.util.Optional;

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

    /**
     * Begins a sequence that grows token by token, without tokens. Runs one pass on {@code probe}, so
     * all ranks call it together.
     *
     * @param capacity the most tokens of the sequence
     * @param probe one sample of tokens such as the sequence may have
     * @param context in mode EVAL; its workspace lends the memory
     * @return empty if the model cannot keep what it computed of earlier tokens: a pass over all of
     *     them serves then
     */
    default Optional<Continuation> continuation(int capacity, Batch probe, ForwardContext context) {
        return Optional.empty();
    }
}
