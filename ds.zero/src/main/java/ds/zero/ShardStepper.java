package ds.zero;

import ds.comm.Communicator;
import ds.core.DType;
import ds.core.FlatBuffer;
import ds.core.MemoryKind;
import ds.core.RankMemory;
import ds.kernels.ExactNorm;
import ds.kernels.Kernels;
import ds.model.Parameter;
import ds.offload.StateStore;
import ds.optim.spi.Optimizer;
import ds.optim.spi.ParameterRange;
import ds.optim.spi.ParameterSpec;
import ds.optim.spi.Shard;
import ds.optim.spi.StateSlot;
import ds.optim.spi.StepContext;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.IntConsumer;
import java.util.stream.Stream;

/**
 * Drives an optimizer over what one rank steps: chunk by chunk through the store, with a second pass
 * for norms, and whole parameters through {@link WholeStepper}. Owned by the rank's thread, which waits while a
 * store's own thread runs a chunk.
 */
final class ShardStepper {
    // The copies that a chunk needs where its arrays rest in 16 bits.
    private static final int MASTER = 0;
    static final int GRADIENT = 1;
    static final int SLOTS = 2;

    /** Neighbouring pieces of a chunk that one kind steps in one call. */
    private record Group(
            Optimizer.Kind kind, long from, long length, List<ParameterRange> ranges) {}

    /** The arrays of one chunk. */
    private record Chunk(
            FlatBuffer master,
            FlatBuffer gradient,
            List<FlatBuffer> slots,
            Optional<FlatBuffer> copyOut) {
        Shard shard(Group group) {
            long from = group.from();
            long length = group.length();
            return new Shard(
                    master.slice(from, length),
                    gradient.slice(from, length),
                    slots.stream().map(slot -> slot.slice(from, length)).toList(),
                    group.ranges(),
                    copyOut.map(copy -> copy.slice(from, length)));
        }
    }

    /** How one parameter is stepped, with a sum for each norm that its kind asks for. */
    record Trained(ParameterSpec spec, Optimizer.Kind kind, List<ExactNorm> norms) {
        static Trained of(ParameterSpec spec, Optimizer.Kind kind) {
            int count = kind instanceof Optimizer.Norm norm ? norm.norms() : 0;
            return new Trained(spec, kind, Stream.generate(ExactNorm::new).limit(count).toList());
        }
    }

    private final ShardState state;
    private final Parameters parameters;
    private final Accumulators sums;
    private final Communicator communicator;
    private final Kernels kernels;
    private final RankMemory memory;
    private final boolean copies;
    private final boolean refreshes;
    private final StateStorage storage;
    private final Widening widening;
    private final MasterRounding rounding;
    private final boolean sharded;
    private final Map<String, Trained> trained = new LinkedHashMap<>();
    private final Map<Long, List<Group>> groups = new ConcurrentHashMap<>();
    private final List<FlatBuffer> measured = new ArrayList<>();
    private final WholeStepper wholes;
    private final boolean chunked;
    private final boolean publishes;
    private final Published published;

    ShardStepper(
            PartitionMap map,
            ShardState state,
            Parameters parameters,
            Gradients gradients,
            ZeroOptions options,
            RankParts parts) {
        this.state = state;
        this.parameters = parameters;
        this.sums = gradients.sums();
        this.communicator = parts.communicator();
        this.kernels = parts.kernels();
        this.memory = parts.memory();
        boolean narrow = options.precision() != DType.FP32;
        this.storage = options.states();
        this.published = new Published(state, parameters, options, memory);
        this.widening = new Widening(kernels, memory);
        this.rounding = new MasterRounding(map.layout(), options, kernels);
        this.sharded = options.residency().shardStates();
        boolean anyChunked = false;
        for (Parameter parameter : map.layout().storages()) {
            if (parameter.trainable()) {
                ParameterSpec spec = spec(parameter);
                Optimizer.Kind kind = parts.optimizer().kind(spec);
                trained.put(parameter.name(), Trained.of(spec, kind));
                anyChunked |= kind instanceof Optimizer.Element || kind instanceof Optimizer.Norm;
            }
        }
        this.chunked = anyChunked;
        this.publishes =
                !parameters.inMemory()
                        && state.masterStored()
                        && ZeroRank.publishesInStep(map.layout(), parts.optimizer());
        boolean besides = parameters.inMemory() || publishes;
        this.copies = narrow && !storage.mastersAreNarrow() && besides;
        this.refreshes = !narrow && state.masterStored() && besides;
        check(map, parts.optimizer());
        List<OwnedSpace.Piece> wholePieces = new ArrayList<>();
        for (OwnedSpace.Piece piece : state.stepped().pieces(0, state.stepped().elements())) {
            if (isWhole(trained(piece.parameter().name()).kind())) {
                wholePieces.add(piece);
            }
        }
        this.wholes =
                new WholeStepper(
                        wholePieces,
                        this::trained,
                        state,
                        parameters,
                        sums,
                        rounding,
                        options,
                        parts);
    }

    static ParameterSpec spec(Parameter parameter) {
        return new ParameterSpec(parameter.name(), parameter.shape(), parameter.tags());
    }

    private static boolean isWhole(Optimizer.Kind kind) {
        return kind instanceof Optimizer.Matrix || kind instanceof Optimizer.Replica;
    }

    private Trained trained(String name) {
        Trained found = trained.get(name);
        if (found == null) {
            throw new IllegalArgumentException("Parameter '%s' is not trained.".formatted(name));
        }
        return found;
    }

    private Stream<Optimizer.Kind> kinds() {
        return trained.values().stream().map(Trained::kind);
    }

    private static List<String> names(List<StateSlot> slots) {
        return slots.stream().map(StateSlot::name).toList();
    }

    private void check(PartitionMap map, Optimizer optimizer) {
        boolean replica = kinds().anyMatch(Optimizer.Replica.class::isInstance);
        if (replica && sharded) {
            throw new IllegalArgumentException(
                    "The optimizer keeps a replica per rank, which works at ZeRO stage 0 only; use stage 0 or another optimizer.");
        }
        if (replica && storage.mastersAreNarrow()) {
            throw new IllegalArgumentException(
                    "The optimizer keeps a replica per rank, whose moves would be lost in 16-bit masters; use fp32 masters.");
        }
        if (replica && !kinds().allMatch(Optimizer.Replica.class::isInstance)) {
            throw new IllegalArgumentException(
                    "An optimizer that keeps replicas must keep them of all parameters; its kinds are mixed.");
        }
        for (Trained each : trained.values()) {
            if (!(each.kind() instanceof Optimizer.Matrix)
                    && !optimizer.slots(each.spec()).equals(optimizer.slots())) {
                throw new IllegalArgumentException(
                        "The optimizer keeps %s of '%s', which is no matrix that it steps whole; of such it keeps all of %s."
                                .formatted(
                                        names(optimizer.slots(each.spec())),
                                        each.spec().name(),
                                        names(optimizer.slots())));
            }
        }
        for (Parameter parameter : map.layout().storages()) {
            if (sharded
                    && parameter.trainable()
                    && trained(parameter.name()).kind() instanceof Optimizer.Matrix
                    && map.place(parameter).region() != Region.WHOLE) {
                throw new IllegalArgumentException(
                        "The optimizer steps '%s' as a whole matrix, but the partition divides it; make the partition with ZeroRank.partition."
                                .formatted(parameter.name()));
            }
        }
    }

    /** Returns whether the step after {@code appliedSteps} wants this rank's own gradients. */
    boolean wantsLocalGradients(long appliedSteps) {
        return kinds().anyMatch(
                        kind ->
                                kind instanceof Optimizer.Replica replica
                                        && replica.gradients(appliedSteps)
                                                == Optimizer.Replica.Gradients.LOCAL);
    }

    /** Forgets what is in no checkpoint: call it when weights and states were replaced. */
    void forget() {
        wholes.forget();
    }

    /** Returns the bytes that exchanges of replicas handed to other ranks so far. */
    long replicaBytes() {
        return wholes.replicaBytes();
    }

    /**
     * Returns whether a step writes working parameters that do not rest in memory, chunk by chunk. One
     * of several kinds does not: only then every chunk is whole when a pass has left it.
     */
    boolean publishes() {
        return publishes;
    }

    /** Steps everything this rank steps. Collective where a kind needs norms or exchanges. */
    void step(StepContext context) {
        StateStore store = state.store();
        boolean norms = kinds().anyMatch(Optimizer.Norm.class::isInstance);
        trained.values().stream().flatMap(each -> each.norms().stream()).forEach(ExactNorm::clear);
        if (chunked) {
            store.step(
                    new Beside(!norms),
                    (first, arrays, stored) -> pass(first, arrays, stored, context, true),
                    this::spread);
        }
        if (norms) {
            reduceNorms();
            store.step(
                    new Beside(true),
                    (first, arrays, stored) -> pass(first, arrays, stored, context, false),
                    this::spread);
        }
        wholes.step(context);
    }

    private void spread(int parts, IntConsumer part) {
        kernels.workers().run(parts, (_, index) -> part.accept(index));
    }

    /** What a pass needs beside the store: sums of gradients, and working parameters if it writes them. */
    private final class Beside implements StateStore.Resident {
        private final boolean isLast;

        Beside(boolean isLast) {
            this.isLast = isLast;
        }

        @Override
        public List<FlatBuffer> at(long first, long length) {
            FlatBuffer gradient = sums.chunk(sums.at(state.stepped(), first), length);
            if (parameters.inMemory()) {
                return List.of(gradient, state.working(first, length));
            }
            return publishes ? List.of(gradient, published.lend(first, length)) : List.of(gradient);
        }

        @Override
        public void ended(long first, long length) {
            if (publishes) {
                published.end(isLast);
            }
        }
    }

    private void pass(
            long first,
            List<FlatBuffer> resident,
            List<FlatBuffer> stored,
            StepContext context,
            boolean firstPass) {
        boolean masterStored = state.masterStored();
        FlatBuffer master = masterStored ? stored.getFirst() : resident.get(1);
        List<FlatBuffer> slots = stored.subList(masterStored ? 1 : 0, stored.size());
        List<FlatBuffer> wideSlots = new ArrayList<>();
        for (int i = 0; i < slots.size(); i++) {
            wideSlots.add(widening.wide(SLOTS + i, slots.get(i)));
        }
        Chunk chunk =
                new Chunk(
                        widening.wide(MASTER, master),
                        widening.wide(GRADIENT, resident.getFirst()),
                        wideSlots,
                        copies ? Optional.of(resident.get(1)) : Optional.empty());
        long length = chunk.gradient().lengthElements();
        List<Group> present = groups.computeIfAbsent(first, _ -> groups(first, length));
        for (Group group : present) {
            switch (group.kind()) {
                case Optimizer.Element element -> {
                    if (firstPass) {
                        element.step(chunk.shard(group), context);
                    }
                }
                case Optimizer.Norm norm -> {
                    if (firstPass) {
                        measure(norm, chunk.shard(group), context);
                    } else {
                        norm.apply(chunk.shard(group), context, normsOf(group));
                    }
                }
                case Optimizer.Matrix _, Optimizer.Replica _ -> {
                    // Stepped whole, after the chunks.
                }
            }
        }
        for (int i = 0; i < slots.size(); i++) {
            widening.back(wideSlots.get(i), slots.get(i));
        }
        if (storage.mastersAreNarrow()) {
            present.forEach(group -> roundMaster(group, chunk.master(), master, context));
        } else if (refreshes) {
            resident.get(1).copyFrom(master);
        }
    }

    private void roundMaster(Group group, FlatBuffer from, FlatBuffer to, StepContext context) {
        rounding.round(
                group.ranges(),
                from.slice(group.from(), group.length()),
                to.slice(group.from(), group.length()),
                context.appliedSteps());
    }

    /** Cuts a chunk where the kind changes; a chunk begins with a block, hence with an element. */
    private List<Group> groups(long first, long length) {
        List<Group> result = new ArrayList<>();
        List<OwnedSpace.Piece> pieces = state.stepped().pieces(first, length);
        int at = 0;
        while (at < pieces.size()) {
            Optimizer.Kind kind = trained(pieces.get(at).parameter().name()).kind();
            int end = at + 1;
            while (end < pieces.size()
                    && trained(pieces.get(end).parameter().name()).kind() == kind) {
                end++;
            }
            long from = pieces.get(at).offset() - first;
            long to = end < pieces.size() ? pieces.get(end).offset() - first : length;
            List<ParameterRange> ranges = new ArrayList<>();
            for (OwnedSpace.Piece piece : pieces.subList(at, end)) {
                ranges.add(
                        new ParameterRange(
                                trained(piece.parameter().name()).spec(),
                                piece.parameterOffset(),
                                piece.offset() - first - from,
                                piece.length()));
            }
            result.add(new Group(kind, from, to - from, List.copyOf(ranges)));
            at = end;
        }
        return List.copyOf(result);
    }

    private void measure(Optimizer.Norm norm, Shard shard, StepContext context) {
        List<FlatBuffer> vectors = new ArrayList<>();
        for (int i = 0; i < norm.norms(); i++) {
            vectors.add(measured(i, shard.length()));
        }
        norm.measure(shard, context, vectors);
        for (ParameterRange range : shard.ranges()) {
            List<ExactNorm> sums = trained(range.parameter().name()).norms();
            for (int i = 0; i < sums.size(); i++) {
                kernels.addSquares(
                        vectors.get(i).slice(range.shardOffset(), range.length()), sums.get(i));
            }
        }
    }

    private FlatBuffer measured(int index, long length) {
        while (measured.size() <= index) {
            measured.add(memory.allocate(MemoryKind.STAGING, DType.FP32, length));
        }
        if (measured.get(index).lengthElements() < length) {
            measured.set(index, memory.allocate(MemoryKind.STAGING, DType.FP32, length));
        }
        return measured.get(index).slice(0, length);
    }

    private List<double[]> normsOf(Group group) {
        List<double[]> result = new ArrayList<>();
        for (ParameterRange range : group.ranges()) {
            List<ExactNorm> sums = trained(range.parameter().name()).norms();
            result.add(sums.stream().mapToDouble(ExactNorm::norm).toArray());
        }
        return result;
    }

    private void reduceNorms() {
        if (!sharded) {
            return;
        }
        List<ExactNorm> norms =
                trained.values().stream().flatMap(each -> each.norms().stream()).toList();
        long[] limbs = new long[norms.size() * ExactNorm.LONGS];
        for (int i = 0; i < norms.size(); i++) {
            norms.get(i).copyTo(limbs, i * ExactNorm.LONGS);
        }
        communicator.allReduce(limbs).await();
        for (int i = 0; i < norms.size(); i++) {
            norms.get(i).setFrom(limbs, i * ExactNorm.LONGS);
        }
    }
}
