package ds.zero;

import ds.core.DType;
import ds.core.FlatBuffer;
import ds.core.MemoryKind;
import ds.core.RankMemory;
import ds.optim.spi.Optimizer;
import ds.optim.spi.ParameterRange;
import ds.optim.spi.ParameterSpec;
import ds.optim.spi.Shard;
import ds.optim.spi.StepContext;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Stream;

/**
 * Steps what must be seen whole: matrices one after the other, and all replicas of a kind at once.
 * State is stepped where it lies, or through staging where it rests in files. Owned by the rank's
 * thread.
 */
final class WholeStepper {
    /** One whole parameter. */
    private record Whole(
            OwnedSpace.Piece piece, ParameterSpec spec, Optimizer.Kind kind, List<Integer> slots) {
        long padded() {
            return PartitionMap.padded(piece.length());
        }
    }

    private final List<Whole> matrices = new ArrayList<>();
    private final Map<Optimizer.Replica, List<Whole>> replicas = new LinkedHashMap<>();
    private final Map<Optimizer.Replica, FlatBuffer> kept = new LinkedHashMap<>();
    private final ShardState state;
    private final Parameters parameters;
    private final Accumulators sums;
    private final StateStorage storage;
    private final boolean copies;
    private final boolean refreshes;
    private final MasterRounding rounding;
    private final Widening widening;
    private final RankExchange exchange;
    private final List<FlatBuffer> staging = new ArrayList<>();
    private final FlatBuffer scratch;
    private final FlatBuffer gradientStaging;

    WholeStepper(
            List<OwnedSpace.Piece> pieces,
            Function<String, ShardStepper.Trained> trained,
            ShardState state,
            Parameters parameters,
            Accumulators sums,
            MasterRounding rounding,
            ZeroOptions options,
            RankParts parts) {
        this.state = state;
        this.parameters = parameters;
        this.sums = sums;
        boolean narrow = options.precision() != DType.FP32;
        this.storage = options.states();
        this.copies = narrow && !storage.mastersAreNarrow();
        this.refreshes = !narrow && state.masterStored();
        this.rounding = rounding;
        this.widening = new Widening(parts.kernels(), parts.memory());
        this.exchange = new RankExchange(parts.communicator(), parts.kernels(), parts.memory());
        long scratchElements = 0;
        for (OwnedSpace.Piece piece : pieces) {
            ShardStepper.Trained found = trained.apply(piece.parameter().name());
            Whole whole =
                    new Whole(
                            piece,
                            found.spec(),
                            found.kind(),
                            StoreShapes.indices(
                                    parts.optimizer().slots(found.spec()), parts.optimizer()));
            switch (found.kind()) {
                case Optimizer.Matrix matrix -> {
                    matrices.add(whole);
                    scratchElements =
                            Math.max(scratchElements, matrix.scratchElements(found.spec()));
                }
                case Optimizer.Replica replica ->
                        replicas.computeIfAbsent(replica, _ -> new ArrayList<>()).add(whole);
                case Optimizer.Element _, Optimizer.Norm _ ->
                        throw new AssertionError("Stepped chunk by chunk: " + piece);
            }
        }
        RankMemory memory = parts.memory();
        this.scratch = memory.allocate(MemoryKind.STAGING, DType.FP32, scratchElements);
        replicas.forEach(
                (replica, wholes) -> {
                    long elements =
                            replica.keptElements(
                                    wholes.stream().map(Whole::spec).toList(), exchange.ranks());
                    kept.put(
                            replica,
                            memory.allocate(MemoryKind.OPTIMIZER_STATES, DType.FP32, elements));
                });
        long largest = matrices.stream().mapToLong(Whole::padded).max().orElse(0);
        this.gradientStaging =
                memory.allocate(MemoryKind.STAGING, sums.type(), sums.stagedElements(largest));
        allocateStaging(memory);
    }

    private void allocateStaging(RankMemory memory) {
        boolean narrow = storage.mastersAreNarrow() || storage.slots() != DType.FP32;
        int arrays =
                Stream.concat(matrices.stream(), replicas.values().stream().flatMap(List::stream))
                        .mapToInt(whole -> slotsFrom() + whole.slots().size())
                        .max()
                        .orElse(0);
        boolean inPlace = arrays == 0 || !narrow && state.store().view(0, 0, 0).isPresent();
        long longest =
                Math.max(
                        matrices.stream().mapToLong(Whole::padded).max().orElse(0),
                        replicas.values().stream()
                                .mapToLong(w -> w.stream().mapToLong(Whole::padded).sum())
                                .max()
                                .orElse(0));
        for (int i = 0; !inPlace && longest > 0 && i < arrays; i++) {
            staging.add(memory.allocate(MemoryKind.STAGING, DType.FP32, longest));
        }
    }

    /** Returns whether a step needs the master apart from the working parameter. */
    private boolean masterApart() {
        return state.masterStored() || storage.mastersAreNarrow();
    }

    /** Forgets what replicas keep beside state, as the start of a run would. */
    void forget() {
        kept.values().forEach(FlatBuffer::zero);
    }

    long replicaBytes() {
        return exchange.sentBytes();
    }

    /** Steps everything. Collective where there are replicas. */
    void step(StepContext context) {
        for (Whole whole : matrices) {
            List<FlatBuffer> arrays = fetch(whole, 0);
            Shard shard = shard(whole, arrays, 0);
            ((Optimizer.Matrix) whole.kind()).step(shard, context, scratch);
            writeBack(whole, shard.ranges(), arrays, context);
        }
        replicas.forEach((replica, wholes) -> step(replica, wholes, context));
    }

    private void step(Optimizer.Replica replica, List<Whole> wholes, StepContext context) {
        List<List<FlatBuffer>> arrays = new ArrayList<>();
        List<Shard> shards = new ArrayList<>();
        long at = 0;
        for (Whole whole : wholes) {
            arrays.add(fetch(whole, at));
            shards.add(shard(whole, arrays.getLast(), shards.size()));
            at += whole.padded();
        }
        FlatBuffer own = kept.get(replica);
        if (own == null) {
            throw new AssertionError("every replica kind has its own memory");
        }
        replica.step(shards, context, exchange, own);
        for (int i = 0; i < wholes.size(); i++) {
            writeBack(wholes.get(i), shards.get(i).ranges(), arrays.get(i), context);
        }
    }

    /** Returns the fp32 arrays of a parameter: where they lie, or staging from {@code at} on. */
    private List<FlatBuffer> fetch(Whole whole, long at) {
        List<FlatBuffer> result = new ArrayList<>();
        long first = whole.piece().offset();
        long length = whole.padded();
        if (staging.isEmpty()) {
            if (masterApart()) {
                result.add(state.store().view(0, first, length).orElseThrow());
            }
            for (int slot : whole.slots()) {
                int array = state.arrayOf(slot);
                result.add(state.store().view(array, first, length).orElseThrow());
            }
            return result;
        }
        if (masterApart()) {
            FlatBuffer copy = staging.getFirst().slice(at, length);
            state.readMaster(first, copy);
            result.add(copy);
        }
        for (int slot : whole.slots()) {
            FlatBuffer copy = staging.get(result.size()).slice(at, length);
            state.readSlot(slot, first, copy);
            result.add(copy);
        }
        return result;
    }

    private int slotsFrom() {
        return masterApart() ? 1 : 0;
    }

    private Shard shard(Whole whole, List<FlatBuffer> arrays, int index) {
        long first = whole.piece().offset();
        long length = whole.piece().length();
        Optional<FlatBuffer> working = working(whole);
        FlatBuffer master =
                masterApart() ? arrays.getFirst() : state.working(first, whole.padded());
        FlatBuffer gradient =
                widening.wide(
                        index,
                        sums.whole(
                                sums.at(state.stepped(), first), whole.padded(), gradientStaging));
        return new Shard(
                master.slice(0, length),
                gradient.slice(0, length),
                arrays.subList(slotsFrom(), arrays.size()).stream()
                        .map(slot -> slot.slice(0, length))
                        .toList(),
                List.of(new ParameterRange(whole.spec(), 0, 0, length)),
                copies ? working.map(copy -> copy.slice(0, length)) : Optional.empty());
    }

    private Optional<FlatBuffer> working(Whole whole) {
        return parameters.inMemory()
                ? Optional.of(state.working(whole.piece().offset(), whole.padded()))
                : Optional.empty();
    }

    private void writeBack(
            Whole whole,
            List<ParameterRange> ranges,
            List<FlatBuffer> arrays,
            StepContext context) {
        long first = whole.piece().offset();
        for (int array = slotsFrom(); !staging.isEmpty() && array < arrays.size(); array++) {
            state.writeSlot(whole.slots().get(array - slotsFrom()), first, arrays.get(array));
        }
        if (storage.mastersAreNarrow()) {
            FlatBuffer masters = state.working(first, whole.padded());
            rounding.round(ranges, arrays.getFirst(), masters, context.appliedSteps());
        } else if (state.masterStored()) {
            if (!staging.isEmpty()) {
                state.writeMaster(first, arrays.getFirst());
            }
            if (refreshes) {
                working(whole).ifPresent(copy -> copy.copyFrom(arrays.getFirst()));
            }
        }
    }
}
