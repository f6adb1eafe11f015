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
import ds.offload.Transfers;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.TreeMap;

/**
 * Takes one rank's contributions, exchanges them unit by unit as the model completes units, and
 * folds what this rank owns of everybody's into accumulators (NUMERICS 2). Owned by the rank's
 * thread.
 */
final class Gradients {
    private static final Region[] TRAINED = {Region.SHARED, Region.WHOLE};

    /** Chunks that a step may have under way at once, and the one that is read meanwhile. */
    private static final int WINDOWS = 3;

    /** A file's checksum blocks, of which parts that are folded at once should be whole ones. */
    private static final int BLOCK_BYTES_MAX = 1 << 20;

    private final PartitionMap map;
    private final Communicator communicator;
    private final Kernels kernels;
    private final RankMemory memory;
    private final GradientStorage storage;
    private final float limit;
    private final OwnedSpace accumulated;
    private final OwnedSpace owned;
    private final boolean stepsAll;
    private final ShardHome home;
    private final long windowElements;
    private final List<FlatBuffer> windows = new ArrayList<>();
    private final NavigableMap<Long, Long> chunks = new TreeMap<>();
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
    private int lent;
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
        this.accumulated = options.residency().shardGradients() ? owned : map.everything(false);
        this.home =
                ShardHome.of(
                        accumulated, file, MemoryKind.GRADIENTS, storage.accumulators(), memory);
        long longest =
                accumulated.runs().stream().mapToLong(OwnedSpace.Run::length).max().orElse(0);
        long block = Math.min(BLOCK_BYTES_MAX, Long.highestOneBit(options.chunkBytes()));
        long window = (options.chunkBytes() + block - 1) / block * block;
        this.windowElements = Math.min(longest, window / storage.accumulators().sizeBytes());
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
        long first = accumulated.offsetOf(unit, region, start);
        if (inMemory()) {
            fold(inMemory(first, length), slices);
            return;
        }
        long stalled = home.stallNanos();
        for (long done = 0; done < length; done += windowElements) {
            long from = done;
            long count = Math.min(windowElements, length - done);
            FlatBuffer sums = window(0, count);
            if (!step.first()) {
                home.read(first + from, sums);
            }
            fold(sums, slices.stream().map(slice -> slice.slice(from, count)).toList());
            home.write(first + from, sums);
        }
        clock.waited(home.stallNanos() - stalled);
    }

    private void fold(FlatBuffer sums, List<FlatBuffer> slices) {
        kernels.fold(
                sums, slices, step.first(), step.last() ? Optional.of(norm) : Optional.empty());
        if (step.last() && limit < Float.POSITIVE_INFINITY && !kernels.allBelow(sums, limit)) {
            norm.add(Double.POSITIVE_INFINITY);
        }
    }

    private boolean inMemory() {
        return home.memory().isPresent();
    }

    private FlatBuffer inMemory(long first, long length) {
        return home.memory().orElseThrow().slice(first, length);
    }

    /** Returns memory for a part of what rests in a file. */
    private FlatBuffer window(int number, long elements) {
        while (windows.size() <= number) {
            windows.add(
                    memory.allocate(MemoryKind.STAGING, storage.accumulators(), windowElements));
        }
        return windows.get(number).slice(0, elements);
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
                    FlatBuffer whole =
                            inMemory(accumulated.offsetOf(unit, region, 0), split.total());
                    FlatBuffer own = whole.slice(split.start(rank), split.length(rank));
                    gathers.add(communicator.allGather(own, whole, split));
                }
            }
        }
        gathers.forEach(Pending::await);
    }

    /**
     * Lends the sums of one chunk of a step, in memory until {@link #WINDOWS} more were lent. Where
     * they rest in a file, the chunk that followed in the step before is read ahead.
     *
     * @param space what is stepped
     * @param firstOfSpace where in {@code space} the chunk begins, which is inside one run
     */
    FlatBuffer chunk(OwnedSpace space, long firstOfSpace, long length) {
        long first = accumulatedAt(space, firstOfSpace);
        if (inMemory()) {
            return inMemory(first, length);
        }
        lent = (lent + 1) % WINDOWS;
        FlatBuffer sums = window(lent, length);
        home.read(first, sums);
        chunks.put(first, length);
        Map.Entry<Long, Long> next = chunks.higherEntry(first);
        if (next != null) {
            home.prefetch(next.getKey(), next.getValue());
        }
        return sums;
    }

    /**
     * Returns sums of one run of {@code space}: where they lie, or read into {@code staging} if they
     * rest in a file.
     */
    FlatBuffer sums(OwnedSpace space, long firstOfSpace, long length, FlatBuffer staging) {
        long first = accumulatedAt(space, firstOfSpace);
        if (inMemory()) {
            return inMemory(first, length);
        }
        FlatBuffer copy = staging.slice(0, length);
        home.read(first, copy);
        return copy;
    }

    /** Returns how many elements of {@code longest} have to be staged for {@link #sums}. */
    long stagedElements(long longest) {
        return inMemory() ? 0 : longest;
    }

    private long accumulatedAt(OwnedSpace space, long first) {
        OwnedSpace.Run run = space.runAt(first);
        return accumulated.offsetOf(
                run.unit(), run.region(), run.regionOffset() + first - run.offset());
    }

    /** Returns the type of the sums. */
    DType type() {
        return storage.accumulators();
    }

    long storedBytes() {
        return home.storedBytes();
    }

    Transfers transfers() {
        return home.transfers();
    }

    long stallNanos() {
        return home.stallNanos();
    }

    /**
     * Returns the parameter whose sum overflowed first, which is where to look: in the order of the
     * backward pass, or of the forward pass if that one overflowed. Collective.
     */
    Optional<String> firstNonFinite(boolean inForward) {
        List<Parameter> storages = map.layout().storages();
        long[] found = new long[storages.size()];
        for (OwnedSpace.Piece piece : owned.pieces(0, owned.elements())) {
            if (!allBelow(accumulatedAt(owned, piece.offset()), piece.length())) {
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

    private boolean allBelow(long first, long length) {
        if (inMemory()) {
            return kernels.allBelow(inMemory(first, length), limit);
        }
        for (long done = 0; done < length; done += windowElements) {
            FlatBuffer sums = window(0, Math.min(windowElements, length - done));
            home.read(first + done, sums);
            if (!kernels.allBelow(sums, limit)) {
                return false;
            }
        }
        return true;
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
