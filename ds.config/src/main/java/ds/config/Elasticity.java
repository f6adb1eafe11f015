package ds.config;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/**
 * The rule that chooses batch sizes by the number of ranks, so that a job keeps its batch when ranks
 * come and go: DeepSpeed's elastic training, versions 0.1 and 0.2.
 *
 * @param maxTrainBatchSize largest batch that may be chosen, in samples
 * @param microBatchSizes micro-batches that fit a rank, in samples, each 1 or more, none above the
 *     largest batch
 * @param minRanks fewest ranks, 1 or more
 * @param maxRanks most ranks
 * @param preferLarger of equally good batches, whether the larger is taken
 * @param perNode whether ranks are counted by node, as version 0.2 does
 * @param ranksPerNode ranks of a node, for version 0.2
 * @param modelParallelSize ranks that share one model, for version 0.2; divides {@code ranksPerNode}
 */
public record Elasticity(
        long maxTrainBatchSize,
        List<Long> microBatchSizes,
        long minRanks,
        long maxRanks,
        boolean preferLarger,
        boolean perNode,
        long ranksPerNode,
        long modelParallelSize) {

    /** Numbers with more divisors than any smaller one. */
    private static final long[] HIGHLY_COMPOSITE = {
        1, 2, 4, 6, 12, 24, 36, 48, 60, 120, 180, 240, 360, 720, 840, 1260, 1680, 2520, 5040, 7560,
        10080, 15120, 20160, 25200, 27720, 45360, 50400, 55440, 83160, 110880, 166320, 221760,
        277200, 332640, 498960, 554400, 665280, 720720
    };

    /** Copies the list. */
    public Elasticity {
        microBatchSizes = List.copyOf(microBatchSizes);
    }

    /**
     * What is chosen.
     *
     * @param batch samples per optimizer step
     * @param validRanks numbers of ranks that can train with this batch, ascending
     */
    public record Choice(long batch, List<Long> validRanks) {
        /** Copies the list. */
        public Choice {
            validRanks = List.copyOf(validRanks);
        }
    }

    /** Returns the batch and the numbers of ranks that fit it, as seen from {@code ranks} ranks. */
    public Choice choose(int ranks) {
        return perNode ? byNode(ranks) : best(maxTrainBatchSize, minRanks, maxRanks);
    }

    /** Returns the three batch numbers at {@code ranks} ranks; empty if that number does not fit. */
    public Optional<BatchSizes.Resolved> resolve(int ranks) {
        Choice choice = choose(ranks);
        if (!choice.validRanks().contains((long) ranks)) {
            return Optional.empty();
        }
        return new TreeSet<>(microBatchSizes)
                .descendingSet().stream()
                        .filter(micro -> choice.batch() / ranks % micro == 0)
                        .findFirst()
                        .map(
                                micro -> {
                                    long accumulation = choice.batch() / (micro * ranks);
                                    return new BatchSizes.Resolved(
                                            micro * accumulation * ranks,
                                            micro,
                                            accumulation,
                                            ranks);
                                });
    }

    private Choice byNode(int ranks) {
        long perNodeGroups = ranksPerNode / modelParallelSize;
        Choice node =
                best(
                        maxTrainBatchSize / perNodeGroups,
                        minRanks / ranksPerNode,
                        maxRanks / ranksPerNode);
        List<Long> valid = node.validRanks().stream().map(n -> n * perNodeGroups).toList();
        if (valid.contains(ranks / modelParallelSize)) {
            return new Choice(node.batch() * perNodeGroups, valid);
        }
        double groups = (double) ranks / ranksPerNode * perNodeGroups;
        double chosen = preferLarger ? 0 : Double.MAX_VALUE;
        for (long micro : microBatchSizes) {
            double least = micro * groups;
            double batch = Math.floor(maxTrainBatchSize / least) * least;
            chosen = preferLarger ? Math.max(chosen, batch) : Math.min(chosen, batch);
        }
        return new Choice((long) chosen, List.of((long) groups));
    }

    /** The batch with the most numbers of ranks. */
    private Choice best(long cap, long least, long most) {
        long smallest = microBatchSizes.stream().mapToLong(m -> m).min().orElseThrow();
        long from = Math.max(least, 1);
        long to = most < 1 ? cap / smallest : most;
        Choice best = new Choice(smallest, List.of());
        for (long batch : candidates(cap)) {
            List<Long> valid = valid(batch, from, to);
            int more = Integer.compare(valid.size(), best.validRanks().size());
            boolean preferred = preferLarger ? batch > best.batch() : batch < best.batch();
            if (more > 0 || (more == 0 && preferred)) {
                best = new Choice(batch, valid);
            }
        }
        return best;
    }

    /** Each base times the largest highly composite number that the cap allows. */
    private Set<Long> candidates(long cap) {
        Set<Long> bases = new LinkedHashSet<>(microBatchSizes);
        long common = 1;
        for (long micro : microBatchSizes) {
            common = common > cap ? common : common / gcd(common, micro) * micro;
        }
        bases.add(common);
        Set<Long> batches = new LinkedHashSet<>();
        for (long base : bases) {
            long factor = 0;
            for (long number : HIGHLY_COMPOSITE) {
                factor = base <= cap && number <= cap / base ? number : factor;
            }
            if (factor > 0) {
                batches.add(base * factor);
            }
        }
        return batches;
    }

    private static long gcd(long a, long b) {
        return b == 0 ? a : gcd(b, a % b);
    }

    /** The numbers of ranks that share out the batch in whole micro-batches. */
    private List<Long> valid(long batch, long from, long to) {
        List<Long> quotients =
                microBatchSizes.stream().filter(m -> batch % m == 0).map(m -> batch / m).toList();
        List<Long> valid = new ArrayList<>();
        for (long divisor : divisors(batch)) {
            if (divisor >= from
                    && divisor <= to
                    && quotients.stream().anyMatch(q -> q % divisor == 0)) {
                valid.add(divisor);
            }
        }
        return valid;
    }

    private static Set<Long> divisors(long number) {
        Set<Long> divisors = new TreeSet<>();
        for (long d = 1; d * d <= number; d++) {
            if (number % d == 0) {
                divisors.add(d);
                divisors.add(number / d);
            }
        }
        return divisors;
    }
}
