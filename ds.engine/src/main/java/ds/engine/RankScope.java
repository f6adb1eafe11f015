package ds.engine;

import ds.model.Batch;
import java.util.Optional;

/**
 * DeepSpeed's three calls on one rank: {@code forward(batch); backward(loss); step()} once per
 * micro-batch. Every rank makes the same calls in the same order. Valid only inside {@link
 * Engine#onEachRank}, on that rank's thread.
 */
public final class RankScope {
    private final int rank;
    private final Rank state;

    RankScope(int rank, Rank state) {
        this.rank = rank;
        this.state = state;
    }

    /** Returns this rank, from 0. */
    public int rank() {
        return rank;
    }

    /**
     * Returns the loss of one micro-batch and keeps what backward needs. The samples are numbered by
     * their place in the run, whatever the batch says, so that dropout differs from step to step.
     *
     * @param microBatch exactly {@code train_micro_batch_size_per_gpu} samples
     * @throws IllegalArgumentException if it has another size: every micro-batch weighs the same
     */
    public double forward(Batch microBatch) {
        return state.forwardNext(microBatch);
    }

    /**
     * Computes the gradients of the last forward pass.
     *
     * @param loss what forward returned; another value is refused, since nothing could be made of it
     */
    public void backward(double loss) {
        state.requireLoss(loss);
        state.backward();
    }

    /** Steps at an accumulation boundary and reports; empty before one, having done nothing. */
    public Optional<StepReport> step() {
        return state.boundary();
    }
}
