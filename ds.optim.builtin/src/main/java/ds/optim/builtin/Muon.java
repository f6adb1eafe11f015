package ds.optim.builtin;

import ds.core.FlatBuffer;
import ds.optim.spi.Hyper;
import ds.optim.spi.Optimizer;
import ds.optim.spi.ParameterSpec;
import ds.optim.spi.Shard;
import ds.optim.spi.StateSlot;
import ds.optim.spi.StepContext;
import java.util.List;
import java.util.Set;

/**
 * Muon, as {@link MuonNumbers} says, for hidden weights: matrices that are neither an embedding nor
 * the head. Everything else is stepped by {@code adam}. The momentum lies in the slot that Adam uses
 * for its first moment.
 *
 * @param base learning rate and momentum of the matrices
 * @param weightDecay decoupled decay of the matrices
 * @param gram which Newton–Schulz iteration
 * @param adam what steps everything else, with a learning rate of its own
 */
record Muon(Hyper base, double weightDecay, boolean gram, Adam adam, Passes passes)
        implements Optimizer, Optimizer.Matrix {
    private static final Set<String> NOT_HIDDEN = Set.of("embedding", "head");

    @Override
    public Hyper base(ParameterSpec parameter) {
        return isHidden(parameter) ? base : adam.base();
    }

    @Override
    public List<StateSlot> slots() {
        return adam.slots();
    }

    @Override
    public List<StateSlot> slots(ParameterSpec parameter) {
        return isHidden(parameter) ? slots().subList(0, 1) : slots();
    }

    @Override
    public Kind kind(ParameterSpec parameter) {
        return isHidden(parameter) ? this : adam;
    }

    private static boolean isHidden(ParameterSpec parameter) {
        return parameter.shape().size() == 2
                && parameter.shape().stream().noneMatch(size -> size == 1)
                && parameter.tags().stream().noneMatch(NOT_HIDDEN::contains);
    }

    @Override
    public long scratchElements(ParameterSpec parameter) {
        return NewtonSchulz.scratchElements(parameter.shape().get(0), parameter.shape().get(1));
    }

    @Override
    public void step(Shard whole, StepContext context, FlatBuffer scratch) {
        List<Integer> shape = whole.ranges().getFirst().parameter().shape();
        int rows = shape.get(0);
        int columns = shape.get(1);
        MuonNumbers numbers = MuonNumbers.of(context, weightDecay, rows, columns);
        FlatBuffer update = NewtonSchulz.input(scratch, rows, columns);
        context.forEachPiece(
                whole.length(),
                (from, to) -> passes.muonMomentum(numbers, whole, update, from, to));
        FlatBuffer direction = NewtonSchulz.run(context.kernels(), rows, columns, gram, scratch);
        context.forEachPiece(
                whole.length(),
                (from, to) -> passes.muonApply(numbers, whole, direction, from, to));
    }
}
