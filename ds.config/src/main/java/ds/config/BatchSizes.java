package ds.config;

import ds.core.Diagnostic;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.LongStream;

/**
 * The three batch keys as written. Any one or two give the rest once the number of ranks is known.
 *
 * @param train {@code train_batch_size}: samples per optimizer step over all ranks
 * @param micro {@code train_micro_batch_size_per_gpu}: samples per forward pass of a rank
 * @param accumulation {@code gradient_accumulation_steps}
 * @param auto names of those written as {@code "auto"}; their values are empty
 * @param elastic the rule that chooses all three by the number of ranks, if it is on
 */
public record BatchSizes(
        OptionalLong train,
        OptionalLong micro,
        OptionalLong accumulation,
        Set<String> auto,
        Optional<Elasticity> elastic) {
    private static final int MOST_SHOWN = 24;
    private static final long RANKS_TRIED = 4096;
    private static final int RANKS_SHOWN = 4;

    static final String TRAIN = "train_batch_size";
    static final String MICRO = "train_micro_batch_size_per_gpu";
    static final String ACCUMULATION = "gradient_accumulation_steps";

    /**
     * The three numbers for a number of ranks.
     *
     * @param train samples per optimizer step, = micro x accumulation x ranks
     * @param micro samples per forward pass of a rank
     * @param accumulation forward passes of a rank per optimizer step
     * @param ranks data-parallel ranks
     */
    public record Resolved(long train, long micro, long accumulation, int ranks) {
        /** Refuses numbers that do not fit together. */
        public Resolved {
            if (micro < 1 || accumulation < 1 || ranks < 1) {
                throw new ConfigException(
                        "/" + MICRO,
                        "must be 1 or more, as accumulation and ranks; was %d x %d x %d"
                                .formatted(micro, accumulation, ranks));
            }
            if (product(micro, accumulation, ranks) != train) {
                throw new ConfigException(
                        "/" + TRAIN,
                        "is %d, not %d (micro) x %d (accumulation) x %d (ranks)"
                                .formatted(train, micro, accumulation, ranks));
            }
        }
    }

    /** Copies the set. */
    public BatchSizes {
        auto = Set.copyOf(auto);
    }

    /**
     * Returns these sizes with those among {@code "auto"} that the others do not give decided: what
     * is planned, or the largest micro batch up to it that {@code train_batch_size} allows.
     */
    public BatchSizes withAuto(long plannedMicro, long plannedAccumulation, int ranks) {
        boolean openMicro = micro.isEmpty() && (auto.contains(MICRO) || auto.contains(TRAIN));
        boolean openTrain = train.isEmpty();
        OptionalLong m = openMicro ? microFor(plannedMicro, ranks) : micro;
        OptionalLong g =
                openTrain && accumulation.isEmpty() && auto.contains(ACCUMULATION)
                        ? OptionalLong.of(plannedAccumulation)
                        : accumulation;
        return new BatchSizes(train, m, g, Set.of(), elastic);
    }

    /** Empty if the others contradict one another, which the check then says. */
    private OptionalLong microFor(long planned, int ranks) {
        if (train.isEmpty()) {
            return OptionalLong.of(planned);
        }
        long share = product(accumulation.orElse(1), 1, ranks);
        long most = train.getAsLong() / share;
        if (most < 1 || train.getAsLong() % share != 0) {
            return OptionalLong.empty();
        }
        long candidate = accumulation.isPresent() ? most : Math.min(planned, most);
        while (most % candidate != 0) {
            candidate--;
        }
        return OptionalLong.of(candidate);
    }

    /**
     * Returns the three numbers for {@code ranks} data-parallel ranks.
     *
     * @throws ConfigException if they do not fit; the message spells out the arithmetic
     */
    public Resolved resolve(int ranks) {
        List<Diagnostic> problems = contradictions(ranks);
        if (!problems.isEmpty()) {
            throw new ConfigException("The batch configuration", problems);
        }
        return decided(ranks);
    }

    private Resolved decided(int ranks) {
        if (elastic.isPresent()) {
            return elastic.get().resolve(ranks).orElseThrow();
        }
        long w = ranks;
        if (micro.isPresent() && accumulation.isPresent()) {
            long m = micro.getAsLong();
            long g = accumulation.getAsLong();
            return new Resolved(product(m, g, w), m, g, ranks);
        }
        if (train.isEmpty()) {
            return new Resolved(product(micro.getAsLong(), 1, w), micro.getAsLong(), 1, ranks);
        }
        long t = train.getAsLong();
        if (micro.isPresent()) {
            return new Resolved(t, micro.getAsLong(), t / w / micro.getAsLong(), ranks);
        }
        long g = accumulation.orElse(1);
        return new Resolved(t, t / w / g, g, ranks);
    }

    /**
     * Returns what is wrong with the three numbers at {@code ranks} ranks; empty if nothing. A step
     * too large for this runtime is of phase {@link Diagnostic.Phase#RUNTIME}.
     */
    public List<Diagnostic> check(int ranks) {
        List<Diagnostic> problems = contradictions(ranks);
        return problems.isEmpty() ? beyond(decided(ranks).train()) : problems;
    }

    /** A step of more samples than this runtime can number is sound, but cannot run here. */
    private List<Diagnostic> beyond(long samples) {
        if (samples <= Integer.MAX_VALUE) {
            return List.of();
        }
        String key = elastic.isPresent() ? ElasticKeys.SECTION : train.isPresent() ? TRAIN : MICRO;
        return List.of(
                Diagnostic.refused(
                        "batch",
                        "/" + key,
                        "A step of %,d samples is more than this runtime can number (%,d)."
                                .formatted(samples, Integer.MAX_VALUE),
                        "Lower it."));
    }

    private List<Diagnostic> contradictions(int ranks) {
        if (ranks < 1) {
            throw new IllegalArgumentException("Ranks must be 1 or more, was " + ranks + ".");
        }
        if (elastic.isPresent()) {
            return elastic.get().resolve(ranks).isPresent()
                    ? List.of()
                    : List.of(notElastic(elastic.get(), ranks));
        }
        List<Diagnostic> problems = new ArrayList<>();
        if (isMissing()) {
            problems.add(missing());
            return problems;
        }
        if (isBelowOne(problems)) {
            return problems;
        }
        long known = product(micro.orElse(1), accumulation.orElse(1), ranks);
        if (train.isEmpty()) {
            if (known == Long.MAX_VALUE) {
                problems.add(tooLarge(ranks));
            }
            return problems;
        }
        long t = train.getAsLong();
        boolean complete = micro.isPresent() && accumulation.isPresent();
        if (complete ? known != t : t % known != 0 || known > t) {
            problems.add(mismatch(t, known, ranks, complete));
        }
        return problems;
    }

    /** Returns what is wrong with the three numbers at any number of ranks; empty if nothing. */
    List<Diagnostic> checkAnyWorld() {
        if (elastic.isPresent()) {
            return List.of();
        }
        if (train.isEmpty() || (micro.isEmpty() && accumulation.isEmpty())) {
            return check(1);
        }
        long known = product(micro.orElse(1), accumulation.orElse(1), 1);
        if (known < 1 || train.getAsLong() < 1 || train.getAsLong() % known == 0) {
            return known < 1 ? check(1) : beyond(train.getAsLong());
        }
        return List.of(mismatch(train.getAsLong(), known, 1, false));
    }

    private static Diagnostic notElastic(Elasticity rule, int ranks) {
        Elasticity.Choice choice = rule.choose(ranks);
        String valid =
                choice.validRanks().stream()
                        .limit(MOST_SHOWN)
                        .map(String::valueOf)
                        .collect(Collectors.joining(", "));
        boolean all = choice.validRanks().size() <= MOST_SHOWN;
        return Diagnostic.error(
                "batch",
                "/" + ElasticKeys.SECTION,
                "%d (ranks) cannot share the elastic batch of %d samples."
                        .formatted(ranks, choice.batch()),
                "Numbers of ranks that can: %s%s.".formatted(valid, all ? "" : " ..."));
    }

    /** Returns whether no key says how large a step is. */
    boolean isMissing() {
        return elastic.isEmpty() && train.isEmpty() && micro.isEmpty();
    }

    static Diagnostic missing() {
        return Diagnostic.error(
                "batch",
                "",
                "None of train_batch_size and train_micro_batch_size_per_gpu is given.",
                "Give one of them, such as \"train_batch_size\": 32.");
    }

    private Diagnostic tooLarge(int ranks) {
        return Diagnostic.error(
                "batch",
                "/" + MICRO,
                "%d (micro) x %d (accumulation) x %d (ranks) is more than 64 bits hold."
                        .formatted(micro.orElse(1), accumulation.orElse(1), ranks),
                "Lower them.");
    }

    private boolean isBelowOne(List<Diagnostic> problems) {
        below(TRAIN, train, problems);
        below(MICRO, micro, problems);
        below(ACCUMULATION, accumulation, problems);
        return !problems.isEmpty();
    }

    private static void below(String key, OptionalLong value, List<Diagnostic> problems) {
        if (value.isPresent() && value.getAsLong() < 1) {
            problems.add(
                    Diagnostic.error(
                            "batch",
                            "/" + key,
                            "'%s' must be 1 or more, was %d.".formatted(key, value.getAsLong()),
                            ""));
        }
    }

    private Diagnostic mismatch(long t, long known, int ranks, boolean complete) {
        List<String> factors = new ArrayList<>();
        micro.ifPresent(m -> factors.add(m + " (micro)"));
        accumulation.ifPresent(g -> factors.add(g + " (accumulation)"));
        factors.add(ranks + (ranks == 1 ? " (rank)" : " (ranks)"));
        String product = String.join(" x ", factors);
        String message =
                complete
                        ? "train_batch_size %d is not %s.".formatted(t, product)
                        : "train_batch_size %d is not a multiple of %s.".formatted(t, product);
        return Diagnostic.error("batch", "/" + TRAIN, message, way(t, known, ranks, complete));
    }

    private String way(long t, long known, int ranks, boolean complete) {
        if (known == Long.MAX_VALUE) {
            return "Lower the factors.";
        }
        if (complete) {
            return "%d would fit%s, or drop one of the three."
                    .formatted(known, otherRanks(t, ranks, true));
        }
        long lower = t / known * known;
        String fits =
                lower == 0
                        ? "%d would fit".formatted(known)
                        : "%d or %d would fit".formatted(lower, lower + known);
        return fits
                + otherRanks(t, ranks, false)
                + (micro.isPresent() || accumulation.isPresent() ? ", or drop one of them." : ".");
    }

    /** Says at which numbers of ranks, those nearest to {@code ranks}, the batch would do as it is. */
    private String otherRanks(long t, int ranks, boolean complete) {
        long each = product(micro.orElse(1), accumulation.orElse(1), 1);
        if (t % each != 0) {
            return "";
        }
        long most = t / each;
        List<Long> fitting =
                complete
                        ? List.of(most)
                        : LongStream.rangeClosed(1, Math.min(most, RANKS_TRIED))
                                .filter(r -> most % r == 0)
                                .boxed()
                                .sorted(Comparator.comparing(r -> Math.abs(r - ranks)))
                                .limit(RANKS_SHOWN)
                                .sorted()
                                .toList();
        List<String> words = fitting.stream().map(String::valueOf).toList();
        int last = words.size() - 1;
        String list =
                last == 0
                        ? words.getFirst()
                        : String.join(", ", words.subList(0, last)) + " or " + words.get(last);
        return ", or %s rank%s (--world-size)".formatted(list, list.equals("1") ? "" : "s");
    }

    /** Returns the product, or {@code Long.MAX_VALUE} if it does not fit. */
    private static long product(long a, long b, long c) {
        long high = Math.multiplyHigh(a, b);
        long ab = a * b;
        if (high != 0 || ab < 0 || Math.multiplyHigh(ab, c) != 0 || ab * c < 0) {
            return Long.MAX_VALUE;
        }
        return ab * c;
    }
}
