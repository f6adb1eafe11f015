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
 * 0/1 Adam (Lu et al. 2022, arXiv:2202.06009), as DeepSpeed has it: the variance is updated ever more
 * rarely, from averaged gradients, and between from nothing while signs of gradients are exchanged;
 * then it freezes, and ranks step by themselves between exchanges of what they did since the last
 * one. So weights of ranks differ between two exchanges.
 *
 * @param steps when it does what
 */
record ZeroOneAdam(Hyper base, OneBitNumbers.Rule rule, ZeroOneSteps steps, Passes passes)
        implements Optimizer, Optimizer.Replica {
    /** One parameter with what this rank keeps of it. */
    private record Own(
            Shard replica, Compression compression, FlatBuffer moved, FlatBuffer rates) {}

    @Override
    public List<StateSlot> slots() {
        return OneBitAdam.SLOTS;
    }

    @Override
    public Kind kind(ParameterSpec parameter) {
        return this;
    }

    @Override
    public Gradients gradients(long appliedSteps) {
        return steps.updatesVariance(appliedSteps + 1) ? Gradients.REDUCED : Gradients.LOCAL;
    }

    @Override
    public long keptElements(List<ParameterSpec> parameters, int ranks) {
        long longest = Compression.padded(OneBitMemory.longest(parameters), ranks);
        return 2 * longest
                + OneBitMemory.sum(parameters, n -> Compression.errorElements(n, ranks) + n + 1);
    }

    @Override
    public void step(
            List<Shard> replicas, StepContext context, Exchange exchange, FlatBuffer kept) {
        OneBitNumbers numbers = OneBitNumbers.of(context, rule, passes);
        int ranks = exchange.ranks();
        long step = context.appliedSteps();
        long longest =
                Compression.padded(
                        replicas.stream().mapToLong(Shard::length).max().orElse(0), ranks);
        OneBitMemory memory = new OneBitMemory(kept);
        FlatBuffer scratch = memory.take(longest);
        FlatBuffer buffer = memory.take(longest);
        for (Shard replica : replicas) {
            long length = replica.length();
            FlatBuffer errors = memory.take(Compression.errorElements(length, ranks));
            Own own =
                    new Own(
                            replica,
                            Compression.in(buffer, errors, length, ranks),
                            memory.take(length),
                            memory.take(1));
            if (steps.isFrozen(step)) {
                local(numbers, own, scratch.slice(0, length), exchange);
            } else {
                together(numbers, own, scratch.slice(0, length), buffer, exchange);
            }
        }
    }

    private void together(
            OneBitNumbers numbers,
            Own own,
            FlatBuffer scratch,
            FlatBuffer buffer,
            Exchange exchange) {
        StepContext context = numbers.context();
        Shard replica = own.replica();
        if (steps.updatesVariance(context.appliedSteps())) {
            numbers.moments(replica, scratch, buffer.slice(0, replica.length()));
        } else {
            context.kernels().scale(context.gradientScale(), replica.gradient(), scratch, false);
            own.compression().mean(scratch, exchange);
            numbers.firstMoment(replica, scratch, 1);
            numbers.clearUntouched(replica);
        }
        numbers.step(replica, context.hyper().lr());
    }

    private void local(OneBitNumbers numbers, Own own, FlatBuffer scratch, Exchange exchange) {
        StepContext context = numbers.context();
        Shard replica = own.replica();
        if (context.appliedSteps() == steps.firstFrozen()) {
            own.compression().reset(); // they were of gradients, not of moves
        }
        numbers.firstMoment(replica, replica.gradient(), context.gradientScale());
        numbers.clearUntouched(replica);
        own.rates().set(0, (float) (own.rates().get(0) + context.hyper().lr()));
        move(numbers, own);
        if (steps.exchanges(context.appliedSteps())) {
            exchangeMoves(numbers, own, scratch, exchange);
        }
        FlatBuffer master = replica.master();
        replica.copyOut().ifPresent(copy -> context.kernels().convert(master, copy));
    }

    /** p = p − lr · u, and notes how far that was. */
    private static void move(OneBitNumbers numbers, Own own) {
        FlatBuffer master = own.replica().master();
        FlatBuffer first = own.replica().slots().get(0);
        FlatBuffer second = own.replica().slots().get(1);
        FlatBuffer moved = own.moved();
        float rate = (float) -numbers.context().hyper().lr();
        float eps = numbers.factors().outside();
        float decay = numbers.factors().decay();
        numbers.context()
                .forEachPiece(
                        master.lengthElements(),
                        (from, to) -> {
                            for (long i = from; i < to; i++) {
                                float p = master.get(i);
                                float denominator = (float) Math.sqrt(second.get(i)) + eps;
                                float move = rate * Math.fma(p, decay, first.get(i) / denominator);
                                master.set(i, p + move);
                                moved.set(i, moved.get(i) + move);
                            }
                        });
    }

    private static void exchangeMoves(
            OneBitNumbers numbers, Own own, FlatBuffer scratch, Exchange exchange) {
        Shard replica = own.replica();
        FlatBuffer master = replica.master();
        FlatBuffer first = replica.slots().get(0);
        FlatBuffer second = replica.slots().get(1);
        float eps = numbers.factors().outside();
        float rates = own.rates().get(0);
        FlatBuffer moved = own.moved();
        numbers.context()
                .forEachPiece(
                        master.lengthElements(),
                        (from, to) -> {
                            for (long i = from; i < to; i++) {
                                float denominator = (float) Math.sqrt(second.get(i)) + eps;
                                float move = moved.get(i);
                                master.set(i, master.get(i) - move);
                                scratch.set(i, move * denominator);
                            }
                        });
        own.compression().mean(scratch, exchange);
        numbers.context()
                .forEachPiece(
                        master.lengthElements(),
                        (from, to) -> {
                            for (long i = from; i < to; i++) {
                                float variance = second.get(i);
                                float denominator = (float) Math.sqrt(variance) + eps;
                                float mean = variance == 0 ? 0 : scratch.get(i);
                                if (rates > 0) { // a schedule may hold the rate at 0
                                    first.set(i, -(mean / rates));
                                }
                                master.set(i, master.get(i) + mean / denominator);
                            }
                        });
        moved.zero();
        own.rates().set(0, 0);
    }
}
