package ds.model;

/** What a model may use during a backward pass on one rank. */
public interface BackwardContext extends ForwardContext {
    /** Returns where the gradient of {@code parameter} goes; tied parameters share one place. */
    Gradient gradient(Parameter parameter);

    /**
     * Says that no more gradient will come for {@code unit} in this micro-batch. Exactly once per
     * unit, with or without gradients, in the same order on every rank.
     *
     * @throws IllegalStateException if the unit was completed already; the message names it
     */
    void complete(Unit unit);
}
