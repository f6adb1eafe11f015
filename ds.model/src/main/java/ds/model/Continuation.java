package ds.model;

/**
 * One sequence that a model goes on with, token by token: what it computed of earlier tokens is kept,
 * in memory that was taken once. Results have the same bits as passes over the whole sequence.
 * Begun by {@link TrainableModel#continuation}; owned by the rank's thread. While it is open, its
 * workspace serves this sequence only.
 */
public interface Continuation extends AutoCloseable {
    /** Returns the most tokens of the sequence. */
    int capacity();

    /** Returns the tokens so far. */
    int tokens();

    /**
     * Goes on with the next tokens: one sample, whose outputs hold their rows only.
     *
     * @param context in mode EVAL
     * @throws IllegalArgumentException if more than one sample comes, or the sequence would grow over
     *     {@link #capacity}
     */
    Activations forward(Batch next, ForwardContext context);

    /** Forgets all tokens: the next ones start a sequence. */
    void restart();

    /** Gives the memory back. */
    @Override
    void close();
}
