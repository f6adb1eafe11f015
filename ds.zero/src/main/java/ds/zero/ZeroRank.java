package ds.zero;

import ds.model.BackwardContext;
import ds.model.ForwardContext;
import ds.model.Mode;
import ds.model.ModelLayout;
import ds.model.Workspace;
import ds.optim.spi.Hyper;
import java.util.Optional;

/**
 * One rank of ZeRO: it gathers units for the model, takes gradients, folds its part of everybody's,
 * steps what it owns and hands the new parameters out. All ranks make the same calls in the same
 * order, each from its own thread, which owns this object.
 *
 * <p>A step: for every micro-batch {@link #forward}, {@link #backward}; then {@link #boundary}; then
 * {@link #step} or {@link #skip}. Before the first one {@link #drawInitialValues} or {@link
 * #importTensors}.
 */
public final class ZeroRank implements AutoCloseable {
    /**
     * Which optimizer step to make.
     *
     * @param globalStep boundaries so far, this one included, from 1
     * @param appliedSteps boundaries that changed parameters, this one included, from 1
     * @param microStep micro-batches per rank so far
     * @param hyper the schedule's values
     * @param gradientScale the factor for every element of the gradient sums
     */
    public record StepInputs(
            long globalStep, long appliedSteps, long microStep, Hyper hyper, float gradientScale) {}

    /**
     * Allocates everything that does not depend on the model's own order of calls.
     *
     * @throws IllegalArgumentException if the optimizer cannot run at this residency
     */
    public ZeroRank(ModelLayout layout, PartitionMap map, ZeroOptions options, RankParts parts) {
        throw new UnsupportedOperationException();
    }

    /** Draws the initial values of everything this rank holds, and hands them out. Collective. */
    public void drawInitialValues() {}

    /** Returns the context of a forward pass; valid until the next pass. */
    public ForwardContext forward(Mode mode, Workspace workspace) {
        throw new UnsupportedOperationException();
    }

    /** Returns the context of a backward pass; valid until the next pass or the boundary. */
    public BackwardContext backward(MicroStep step, Workspace workspace) {
        throw new UnsupportedOperationException();
    }

    /**
     * Ends the accumulation: the one integer all-reduce of a step. Collective.
     *
     * @param lossesOfThisRank one per accumulation step
     * @param divisor what the sums must be divided by to be the averaged, unscaled gradient: n, or
     *     n·S where S is what every backward pass was scaled by
     * @throws IllegalStateException if a unit was not completed; names it
     * @throws ds.comm.CommException if ranks completed units in different orders; names rank and unit
     */
    public Boundary boundary(double[] lossesOfThisRank, double divisor) {
        throw new UnsupportedOperationException();
    }

    /** Returns the first unit and parameter with a non-finite reduced gradient. Collective. */
    public Optional<String> firstNonFinite() {
        return Optional.empty();
    }

    /** Steps what this rank owns and hands the new parameters out. Collective. */
    public void step(StepInputs inputs) {}

    /** Leaves parameters and states as they are, and makes ready for the next step. */
    public void skip() {}

    /**
     * Hands out the pieces that this rank owns, each element of the model by exactly one rank: masters,
     * slots and frozen parameters, in owned order, in pieces of bounded length.
     */
    public void exportOwned(TensorSink sink) {}

    /** Replaces everything this rank holds by what {@code source} delivers. Collective. */
    public void importTensors(TensorSource source) {}

    /** Returns what was used and done so far. */
    public ZeroUsage usage() {
        throw new UnsupportedOperationException();
    }

    /** Closes the stores. Memory belongs to the {@link RankParts}. */
    @Override
    public void close() {}
}
