package ds.optim.builtin;

import ds.core.FlatBuffer;
import ds.kernels.ExactNorm;
import ds.kernels.Kernels;
import ds.optim.spi.Hyper;
import ds.optim.spi.Optimizer;
import ds.optim.spi.ParameterSpec;
import ds.optim.spi.Shard;
import ds.optim.spi.StateSlot;
import ds.optim.spi.StepContext;
import java.util.ArrayList;
import java.util.List;

/**
 * 1-bit LAMB (Li et al. 2021, arXiv:2104.06069), as DeepSpeed has it: LAMB without bias correction
 * on averaged gradients, in which each parameter's trust ratio is remembered; then second moments
 * freeze, all first moments are exchanged together as signs, scaled to one size before, and the
 * remembered ratios are corrected by how far a second moment that goes on would have changed.
 *
 * <p>What pads the exchange keeps its last mean from one step to the next, as in DeepSpeed.
 *
 * <p>The slot {@code lamb_coeff_freeze} holds one number, in its first element. The scales and the
 * last corrections are in no checkpoint: a run that is continued finds them again.
 */
record OneBitLamb(Hyper base, OneBitNumbers.Rule rule, OneBitLambSettings settings, Passes passes)
        implements Optimizer, Optimizer.Replica {
    private static final List<StateSlot> SLOTS =
            List.of(
                    new StateSlot("exp_avg"),
                    StateSlot.nonNegative("exp_avg_sq"),
                    StateSlot.nonNegative("exp_avg_sq_fresh"),
                    new StateSlot("lamb_coeff_freeze", StateSlot.Values.EXACT));
    private static final int FRESH = 2;
    private static final int TRUST = 3;

    @Override
    public List<StateSlot> slots() {
        return SLOTS;
    }

    @Override
    public Kind kind(ParameterSpec parameter) {
        return this;
    }

    private boolean isFrozen(long step) {
        return step >= settings.freezeStep();
    }

    @Override
    public Gradients gradients(long appliedSteps) {
        return isFrozen(appliedSteps + 1) ? Gradients.LOCAL : Gradients.REDUCED;
    }

    @Override
    public long keptElements(List<ParameterSpec> parameters, int ranks) {
        long all = OneBitMemory.sum(parameters, n -> n);
        return all
                + Compression.padded(all, ranks)
                + Compression.errorElements(all, ranks)
                + 2L * parameters.size();
    }

    /**
     * What is kept of all parameters together.
     *
     * @param last first moments before the step; in the warm-up, scratch
     * @param flat first moments one after the other, padded; in the warm-up, scratch
     * @param errors what the exchange carries over
     * @param scales by which first moments are brought to one size; 0 while unknown
     * @param corrections the last corrections; 0 before the first
     */
    private record Memory(
            FlatBuffer last,
            FlatBuffer flat,
            FlatBuffer errors,
            FlatBuffer scales,
            FlatBuffer corrections) {
        static Memory of(FlatBuffer kept, long all, int parameters, int ranks) {
            OneBitMemory memory = new OneBitMemory(kept);
            long padded = Compression.padded(all, ranks);
            return new Memory(
                    memory.take(all),
                    memory.take(padded),
                    memory.take(Compression.errorElements(all, ranks)),
                    memory.take(parameters),
                    memory.take(parameters));
        }
    }

    @Override
    public void step(
            List<Shard> replicas, StepContext context, Exchange exchange, FlatBuffer kept) {
        OneBitNumbers numbers = OneBitNumbers.of(context, rule, passes);
        long all = replicas.stream().mapToLong(Shard::length).sum();
        Memory memory = Memory.of(kept, all, replicas.size(), exchange.ranks());
        if (isFrozen(context.appliedSteps())) {
            compressed(numbers, replicas, memory, exchange, all);
        } else {
            for (Shard replica : replicas) {
                warmUp(numbers, replica, memory);
            }
        }
    }

    private void warmUp(OneBitNumbers numbers, Shard replica, Memory memory) {
        FlatBuffer weights = memory.flat().slice(0, replica.length());
        FlatBuffer update = memory.last().slice(0, replica.length());
        numbers.moments(replica, weights, update);
        if (isFrozen(numbers.context().appliedSteps() + 1)) {
            replica.slots().get(FRESH).copyFrom(replica.slots().get(1));
        }
        Kernels kernels = numbers.context().kernels();
        double trust = settings.trust(norm(kernels, weights), norm(kernels, update));
        if (trust != 1) {
            FlatBuffer remembered = replica.slots().get(TRUST);
            remembered.set(0, (float) settings.remember(remembered.get(0), trust));
        }
        numbers.step(replica, numbers.context().hyper().lr() * trust);
    }

    private static double norm(Kernels kernels, FlatBuffer values) {
        ExactNorm sum = new ExactNorm();
        kernels.addSquares(values, sum);
        return sum.norm();
    }

    private void compressed(
            OneBitNumbers numbers,
            List<Shard> replicas,
            Memory memory,
            Exchange exchange,
            long all) {
        Kernels kernels = numbers.context().kernels();
        if (memory.scales().get(0) == 0) {
            findScales(kernels, replicas, memory);
        }
        List<FlatBuffer> flat = parts(memory.flat(), replicas);
        List<FlatBuffer> last = parts(memory.last(), replicas);
        for (int i = 0; i < replicas.size(); i++) {
            Shard replica = replicas.get(i);
            FlatBuffer m = replica.slots().getFirst();
            last.get(i).copyFrom(m);
            numbers.firstMoment(replica, replica.gradient(), numbers.context().gradientScale());
            kernels.scale(memory.scales().get(i), m, flat.get(i), false);
        }
        Compression.in(memory.flat(), memory.errors(), all, exchange.ranks()).mean(exchange);
        for (int i = 0; i < replicas.size(); i++) {
            Shard replica = replicas.get(i);
            kernels.scale(
                    1 / memory.scales().get(i), flat.get(i), replica.slots().getFirst(), false);
            numbers.clearUntouched(replica);
            double correction = correction(numbers, replica, last.get(i), flat.get(i));
            float before = memory.corrections().get(i) == 0 ? 1 : memory.corrections().get(i);
            float now = (float) settings.limited(correction, before);
            memory.corrections().set(i, now);
            double trust = (double) replica.slots().get(TRUST).get(0) * now;
            numbers.step(replica, numbers.context().hyper().lr() * trust);
        }
    }

    private static List<FlatBuffer> parts(FlatBuffer whole, List<Shard> replicas) {
        OneBitMemory memory = new OneBitMemory(whole);
        return replicas.stream().map(replica -> memory.take(replica.length())).toList();
    }

    /** Brings all first moments to one size, so that one scale of signs suits all. */
    private static void findScales(Kernels kernels, List<Shard> replicas, Memory memory) {
        List<Double> sizes = new ArrayList<>();
        for (Shard replica : replicas) {
            double norm = norm(kernels, replica.slots().getFirst());
            sizes.add(norm / Math.sqrt(replica.length()));
        }
        double mean = sizes.stream().mapToDouble(size -> size).average().orElse(1);
        for (int i = 0; i < replicas.size(); i++) {
            memory.scales().set(i, sizes.get(i) == 0 ? 1 : (float) (mean / sizes.get(i)));
        }
    }

    /**
     * Updates the second moment that goes on, by the gradient that the exchanged first moment means,
     * and returns by how much a step should be longer than with the frozen one.
     */
    private double correction(
            OneBitNumbers numbers, Shard replica, FlatBuffer last, FlatBuffer scratch) {
        FlatBuffer first = replica.slots().get(0);
        FlatBuffer second = replica.slots().get(1);
        FlatBuffer fresh = replica.slots().get(FRESH);
        LambNumbers factors = numbers.factors();
        float eps = factors.outside();
        double largest = 0;
        for (long i = 0; i < replica.length(); i++) {
            float g = Math.fma(-last.get(i), factors.beta1(), first.get(i)) / factors.gain1();
            float next = Math.fma(fresh.get(i), factors.beta2(), g * g * factors.gain2());
            fresh.set(i, next);
            float denominator = (float) Math.sqrt(second.get(i)) + eps;
            scratch.set(i, first.get(i) / denominator);
            largest = Math.max(largest, denominator / ((float) Math.sqrt(next) + eps));
        }
        if (rule.weightDecay() == 0) {
            return largest;
        }
        Kernels kernels = numbers.context().kernels();
        double withoutDecay = norm(kernels, scratch);
        kernels.scale((float) rule.weightDecay(), replica.master(), scratch, true);
        double withDecay = norm(kernels, scratch);
        double share = withDecay == 0 ? 1 : Math.min(1, withoutDecay / withDecay);
        return largest * share + (1 - share);
    }
}
