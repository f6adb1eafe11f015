package ds.optim.builtin;

import ds.core.FlatBuffer;
import ds.optim.spi.Hyper;
import ds.optim.spi.Optimizer;
import ds.optim.spi.ParameterSpec;
import ds.optim.spi.Shard;
import ds.optim.spi.StateSlot;
import ds.optim.spi.StepContext;
import java.util.List;

/**
 * 1-bit Adam (Tang et al. 2021, arXiv:2102.02888), as DeepSpeed has it: Adam without bias correction
 * on averaged gradients, until the second moment freezes; then each rank's own gradient joins its
 * first moment, and the ranks exchange the signs of that. DeepSpeed's first call, which only makes
 * its buffers, is no step here.
 *
 * @param freezeStep the first step of compressed exchanges
 */
record OneBitAdam(Hyper base, OneBitNumbers.Rule rule, long freezeStep, Passes passes)
        implements Optimizer, Optimizer.Replica {
    static final List<StateSlot> SLOTS =
            List.of(new StateSlot("exp_avg"), StateSlot.nonNegative("exp_avg_sq"));

    @Override
    public List<StateSlot> slots() {
        return SLOTS;
    }

    @Override
    public Kind kind(ParameterSpec parameter) {
        return this;
    }

    private boolean isFrozen(long step) {
        return step >= freezeStep;
    }

    @Override
    public Gradients gradients(long appliedSteps) {
        return isFrozen(appliedSteps + 1) ? Gradients.LOCAL : Gradients.REDUCED;
    }

    @Override
    public long keptElements(List<ParameterSpec> parameters, int ranks) {
        long longest = Compression.padded(OneBitMemory.longest(parameters), ranks);
        return 2 * longest + OneBitMemory.sum(parameters, n -> Compression.errorElements(n, ranks));
    }

    @Override
    public void step(
            List<Shard> replicas, StepContext context, Exchange exchange, FlatBuffer kept) {
        OneBitNumbers numbers = OneBitNumbers.of(context, rule, passes);
        int ranks = exchange.ranks();
        long longest =
                Compression.padded(
                        replicas.stream().mapToLong(Shard::length).max().orElse(0), ranks);
        OneBitMemory memory = new OneBitMemory(kept);
        FlatBuffer weights = memory.take(longest);
        FlatBuffer buffer = memory.take(longest);
        for (Shard replica : replicas) {
            long length = replica.length();
            FlatBuffer errors = memory.take(Compression.errorElements(length, ranks));
            if (isFrozen(context.appliedSteps())) {
                numbers.firstMoment(replica, replica.gradient(), context.gradientScale());
                Compression.in(buffer, errors, length, ranks)
                        .mean(replica.slots().getFirst(), exchange);
                numbers.clearUntouched(replica);
            } else {
                numbers.moments(replica, weights.slice(0, length), buffer.slice(0, length));
            }
            numbers.step(replica, context.hyper().lr());
        }
    }
}
