package ds.zero;

import ds.comm.CommException;
import ds.comm.Communicator;
import ds.comm.Split;
import ds.core.DType;
import ds.core.FlatBuffer;
import ds.core.MemoryKind;
import ds.core.Pending;
import ds.core.RankMemory;
import ds.kernels.ExactNorm;
import ds.kernels.Kernels;
import ds.model.Gradient;
import ds.model.ModelLayout;
import ds.model.Parameter;
import ds.offload.ShardFile;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Takes one rank's contributions, exchanges them unit by unit as the model completes units, and
 * folds what this rank owns of everybody's into accumulators (docs/numerics.md). Owned by the rank's
 * thread.
 */
final class Gradients {
    private static final Region[] TRAINED = {Region.SHARED, Region.WHOLE};

    private final PartitionMap map;
    private final Communicator communicator;
    private final Kernels kernels;
    private final RankMemory memory;
    private final GradientStorage storage;
    private final float limit;
    private final OwnedSpace owned;
    private final OwnedSpace summed;
    private final boolean stepsAll;
    private final Accumulators sums;
    private final Map<String, Place> places = new HashMap<>();
    private final List<List<Place>> placesOfUnit = new ArrayList<>();
    private final Map<Integer, FlatBuffer> buckets = new HashMap<>();
    private final Deque<FlatBuffer> idleBuckets = new ArrayDeque<>();
    private final boolean[] completed;
    private final ExactNorm norm = new ExactNorm();
    private final long largestUnit;
    private final CompletionOrder order = new CompletionOrder();
    private int completedUnits;
    private boolean started;
    private boolean local;
    private MicroStep step = new MicroStep(0, 1, 0);
    private long exchanges;
    private final PhaseClock clock;

    /**
     * Allocates the accumulators.
     *
     * @param file where they rest; empty is in memory
     */
    Gradients(
            PartitionMap map,
            Optional<ShardFile> file,
            RankParts parts,
            ZeroOptions options,
            PhaseClock clock) {
        this.clock = clock;
        this.map = map;
        this.communicator = parts.communicator();
        this.kernels = parts.kernels();
        this.memory = parts.memory();
        this.storage = options.gradients();
        this.limit = storage.limit() * storage.factor() * communicator.size();
        this.stepsAll = !options.residency().shardStates();
        this.owned = map.owned(communicator.rank(), false);
        this.summed = options.residency().shardGradients() ? owned : map.everything(false);
        this.sums = new Accumulators(summed, file, storage.accumulators(), options, memory);
        ModelLayout layout = map.layout();
        int units = layout.units().size();
        this.completed = new boolean[units];
        long largest = 0;
        for (int unit = 0; unit < units; unit++) {
            largest = Math.max(largest, map.trainableElements(unit));
            placesOfUnit.add(new ArrayList<>());
        }
        this.largestUnit = largest;
        for (Parameter parameter : layout.storages()) {
            if (parameter.trainable()) {
                Place place = new Place(map.place(parameter));
                places.put(parameter.name(), place);
                placesOfUnit.get(place.where.unit()).add(place);
            }
        }
    }

    /** Begins a micro-batch. */
    void begin(MicroStep next, boolean localOnly) {
        if (started) {
            requireComplete();
        }
        if (next.first()) {
            order.clear();
            norm.clear();
        }
        started = true;
        step = next;
        local = localOnly;
        completedUnits = 0;
        Arrays.fill(completed, false);
        places.values().forEach(place -> place.written = false);
    }

    /** Returns where the gradient of {@code parameter} goes. */
    Gradient of(Parameter parameter) {
        Place place = places.get(map.layout().storage(parameter).name());
        return place == null ? Unwanted.INSTANCE : place;
    }

    /** Exchanges a unit's contributions; exactly once per unit and micro-batch. */
    void complete(int unit) {
        if (completed[unit]) {
            throw new IllegalStateException(
                    "Unit '%s' was completed twice in micro-batch %d of rank %d; complete it once, after its last gradient."
                            .formatted(name(unit), step.index(), communicator.rank()));
        }
        completed[unit] = true;
        completedUnits++;
        order.add(unit, completed.length * step.count());
        if (map.trainableElements(unit) == 0) {
            return;
        }
        PhaseClock.Phase before = clock.turn(PhaseClock.Phase.EXCHANGE);
        FlatBuffer bucket = bucket(unit);
        fill(unit, bucket);
        exchange(unit, bucket);
        idleBuckets.push(bucket);
        buckets.remove(unit);
        exchanges++;
        clock.turn(before);
    }

    private String name(int unit) {
        return map.layout().units().get(unit).name();
    }

    private FlatBuffer bucket(int unit) {
        return buckets.computeIfAbsent(
                unit,
                _ ->
                        idleBuckets.isEmpty()
                                ? memory.allocate(
                                        MemoryKind.BUCKETS, storage.contributions(), largestUnit)
                                : idleBuckets.pop());
    }

    /** Makes the bucket whole: rounds tied sums, and zeroes padding and what got no gradient. */
    private void fill(int unit, FlatBuffer bucket) {
        for (Place place : placesOfUnit.get(unit)) {
            FlatBuffer target = place.inBucket(bucket);
            if (!place.written) {
                target.zero();
            } else {
                place.sum.ifPresent(sum -> kernels.convert(sum, target));
            }
            if (storage.factor() != 1) {
                kernels.scale(storage.factor(), target, target, false);
            }
            long elements = place.where.parameter().elements();
            bucket.slice(place.bucketOffset + elements, PartitionMap.padded(elements) - elements)
                    .zero();
        }
    }

    private void exchange(int unit, FlatBuffer bucket) {
        long offset = 0;
        for (Region region : TRAINED) {
            Split split = map.split(unit, region);
            if (split.total() == 0) {
                continue;
            }
            FlatBuffer contribution = bucket.slice(offset, split.total());
            if (local) {
                fold(unit, region, 0, List.of(contribution));
            } else {
                long start = split.start(communicator.rank());
                communicator
                        .orderedReduceScatter(
                                contribution, split, slices -> fold(unit, region, start, slices))
                        .await();
            }
            offset += split.total();
        }
    }

    private void fold(int unit, Region region, long start, List<FlatBuffer> slices) {
        long length = slices.getFirst().lengthElements();
        if (length == 0) {
            return;
        }
        long stalled = sums.stallNanos();
        sums.update(
                sums.at(unit, region, start),
                length,
                !step.first(),
                (from, part) -> fold(part, slices, from));
        clock.waited(sums.stallNanos() - stalled);
    }

    private void fold(FlatBuffer part, List<FlatBuffer> slices, long from) {
        long count = part.lengthElements();
        kernels.fold(
                part,
                slices.stream().map(slice -> slice.slice(from, count)).toList(),
                step.first(),
                step.last() ? Optional.of(norm) : Optional.empty());
        if (step.last() && limit < Float.POSITIVE_INFINITY && !kernels.allBelow(part, limit)) {
            norm.add(Double.POSITIVE_INFINITY);
        }
    }

    private void requireComplete() {
        if (completedUnits == completed.length) {
            return;
        }
        for (int unit = 0; unit < completed.length; unit++) {
            if (!completed[unit]) {
                throw new IllegalStateException(
                        "Unit '%s' was not completed in micro-batch %d of rank %d; complete every unit once, with or without gradients."
                                .formatted(name(unit), step.index(), communicator.rank()));
            }
        }
    }

    /** Ends the accumulation: checks that every unit was completed. */
    void end() {
        if (!started || !step.last()) {
            throw new IllegalStateException(
                    "The boundary came after %s of %d micro-batches; run all of them first."
                            .formatted(started ? step.index() + 1 : 0, step.count()));
        }
        requireComplete();
        started = false;
    }

    /** Returns the exact norm of the part that this rank folded. */
    ExactNorm norm() {
        return norm;
    }

    /** Returns a number that is equal on two ranks that completed units in the same order. */
    long orderHash() {
        return order.hash();
    }

    /** Finds where the orders of the ranks part, and says so on every rank. Collective. */
    CommException orderMismatch() {
        return order.mismatch(communicator, this::name);
    }

    /** Collects the reduced gradients where every rank steps all of them. Collective. */
    void gather() {
        if (!stepsAll || local || communicator.size() == 1) {
            return;
        }
        int rank = communicator.rank();
        List<Pending> gathers = new ArrayList<>();
        for (int unit = 0; unit < completed.length; unit++) {
            for (Region region : TRAINED) {
                Split split = map.split(unit, region);
                if (split.total() > 0) {
                    FlatBuffer whole = sums.inMemory(sums.at(unit, region, 0), split.total());
                    FlatBuffer own = whole.slice(split.start(rank), split.length(rank));
                    gathers.add(communicator.allGather(own, whole, split));
                }
            }
        }
        gathers.forEach(Pending::await);
    }

    /** Returns the sums. */
    Accumulators sums() {
        return sums;
    }

    /**
     * Returns the parameter whose sum overflowed first, which is where to look: in the order of the
     * backward pass, or of the forward pass if that one overflowed. Collective.
     */
    Optional<String> firstNonFinite(boolean inForward) {
        List<Parameter> storages = map.layout().storages();
        long[] found = new long[storages.size()];
        OwnedSpace own = local ? summed : owned; // another rank does not know what is only here
        for (OwnedSpace.Piece piece : own.pieces(0, own.elements())) {
            if (!sums.all(
                    sums.at(own, piece.offset()),
                    piece.length(),
                    part -> kernels.allBelow(part, limit))) {
                found[storages.indexOf(piece.parameter())]++;
            }
        }
        communicator.allReduce(found).await();
        List<Parameter> visited = inForward ? storages : backwardOrder();
        return visited.stream()
                .filter(parameter -> found[storages.indexOf(parameter)] != 0)
                .findFirst()
                .map(
                        parameter ->
                                "parameter '%s' of unit '%s'"
                                        .formatted(
                                                parameter.name(),
                                                map.layout().unitOf(parameter).name()));
    }

    /** Units as they were completed; inside one, parameters from the last to the first. */
    private List<Parameter> backwardOrder() {
        List<Parameter> visited = new ArrayList<>();
        for (int unit : order.last(completed.length)) {
            placesOfUnit
                    .get(unit)
                    .reversed()
                    .forEach(place -> visited.add(place.where.parameter()));
        }
        return visited;
    }

    /** Returns whether the sums of this step are this rank's own. */
    boolean local() {
        return local;
    }

    long exchanges() {
        return exchanges;
    }

    /** The gradient of a frozen parameter. */
    enum Unwanted implements Gradient {
        /** The only one. */
        INSTANCE;

        @Override
        public boolean wanted() {
            return false;
        }

        @Override
        public void accumulate(Writer writer) {
            // Nobody wants it.
        }

        @Override
        public void accumulate(FlatBuffer contribution) {
            // Nobody wants it.
        }
    }

    /**
     * Where one stored parameter's gradient goes: straight into its unit's bucket; with a tie key,
     * into an fp32 sum that is rounded once when the unit is completed.
     */
    private final class Place implements Gradient {
        private final PartitionMap.Place where;
        private final long bucketOffset;
        private final Optional<FlatBuffer> sum;
        private boolean written;

        Place(PartitionMap.Place where) {
            this.where = where;
            this.bucketOffset =
                    where.offset()
                            + (where.region() == Region.WHOLE
                                    ? map.elements(where.unit(), Region.SHARED)
                                    : 0);
            this.sum =
                    where.parameter()
                            .tieKey()
                            .map(
                                    _ ->
                                            memory.allocate(
                                                    MemoryKind.BUCKETS,
                                                    DType.FP32,
                                                    where.parameter().elements()));
        }

        FlatBuffer inBucket(FlatBuffer bucket) {
            return bucket.slice(bucketOffset, where.parameter().elements());
        }

        private FlatBuffer target() {
            if (completed[where.unit()]) {
                throw new IllegalStateException(
                        "A gradient of '%s' came after its unit '%s' was completed; complete a unit after its last gradient."
                                .formatted(where.parameter().name(), name(where.unit())));
            }
            return sum.orElseGet(() -> inBucket(bucket(where.unit())));
        }

        @Override
        public boolean wanted() {
            return true;
        }

        @Override
        public void accumulate(Writer writer) {
            writer.write(target(), written);
            written = true;
        }

        @Override
        public void accumulate(FlatBuffer contribution) {
            if (contribution.lengthElements() != where.parameter().elements()) {
                throw new IllegalArgumentException(
                        "The gradient of '%s' %s in unit '%s' needs %,d elements, was given %,d; hand over one per element of the parameter, row-major."
                                .formatted(
                                        where.parameter().name(),
                                        where.parameter().shape(),
                                        name(where.unit()),
                                        where.parameter().elements(),
                                        contribution.lengthElements()));
            }
            FlatBuffer target = target();
            if (written) {
                kernels.add(target, contribution, target);
            } else {
                kernels.convert(contribution, target);
            }
            written = true;
        }
    }
}
