package ds.zero;

import ds.core.DType;
import ds.core.FlatBuffer;
import ds.core.MemoryKind;
import ds.core.RankMemory;
import ds.kernels.Kernels;
import java.util.List;
import java.util.stream.Stream;

/**
 * Carries tensors between the outside and what a rank holds, in pieces of bounded length keyed by
 * parameter and offset: initial values, checkpoints, and the copy of masters into parameters that
 * rest in a store. Owned by the rank's thread.
 */
final class ShardTensors {
    private final PartitionMap map;
    private final ShardState state;
    private final Parameters parameters;
    private final Kernels kernels;
    private final DType precision;
    private final int rank;
    private final FlatBuffer staging;
    private final FlatBuffer rounded;

    ShardTensors(
            PartitionMap map,
            ShardState state,
            Parameters parameters,
            ZeroOptions options,
            RankParts parts) {
        this.map = map;
        this.state = state;
        this.parameters = parameters;
        this.kernels = parts.kernels();
        this.precision = options.precision();
        this.rank = parts.communicator().rank();
        long chunk = chunkElements(state.stepped(), map.owned(rank, true), options);
        RankMemory memory = parts.memory();
        this.staging = memory.allocate(MemoryKind.STAGING, DType.FP32, chunk);
        this.rounded =
                precision == DType.FP32
                        ? staging
                        : memory.allocate(MemoryKind.STAGING, precision, chunk);
    }

    /** Returns the elements that are carried at once. */
    static long chunkElements(OwnedSpace stepped, OwnedSpace held, ZeroOptions options) {
        long longest =
                Stream.of(stepped, held)
                        .flatMap(space -> space.runs().stream())
                        .mapToLong(OwnedSpace.Run::length)
                        .max()
                        .orElse(PartitionMap.BLOCK_ELEMENTS);
        return Math.min(longest, ShardState.chunkElements(options));
    }

    /** What is done with one chunk of a run. */
    @FunctionalInterface
    private interface ChunkWork {
        void run(OwnedSpace.Run run, long first, FlatBuffer chunk);
    }

    private void forChunks(OwnedSpace space, boolean frozen, ChunkWork work) {
        for (OwnedSpace.Run run : space.runs()) {
            if ((run.region() == Region.FROZEN) != frozen) {
                continue;
            }
            for (long at = run.offset(); at < run.end(); at += staging.lengthElements()) {
                long length = Math.min(staging.lengthElements(), run.end() - at);
                work.run(run, at, staging.slice(0, length));
            }
        }
    }

    /**
     * Replaces masters (and slots) and frozen parameters, and hands the working copies out.
     * Collective.
     */
    void load(TensorSource source, boolean withSlots) {
        OwnedSpace stepped = state.stepped();
        forChunks(
                stepped,
                false,
                (run, first, chunk) -> {
                    read(source, TensorSink.MASTER, stepped, first, chunk);
                    state.writeMaster(first, chunk);
                    if (state.masterStored()) {
                        parameters.write(state.held(first), round(chunk));
                    }
                    for (int slot : withSlots ? state.slotsOf(stepped, run) : List.<Integer>of()) {
                        read(source, state.slots().get(slot).name(), stepped, first, chunk);
                        state.writeSlot(slot, first, chunk);
                    }
                });
        OwnedSpace owned = map.owned(rank, true);
        forChunks(
                owned,
                true,
                (run, first, chunk) -> {
                    read(source, TensorSink.MASTER, owned, first, chunk);
                    parameters.write(held(run, first), round(chunk));
                    if (state.keepsFrozen()) {
                        state.writeFrozen(frozen(owned, run, first), chunk);
                    }
                });
        parameters.publish(true);
        refreshWideParameters();
    }

    /** Rebuilds working and frozen parameters from what the store holds, and hands them out. */
    void rebuild() {
        forChunks(
                state.stepped(),
                false,
                (_, first, chunk) -> {
                    state.readMaster(first, chunk);
                    parameters.write(state.held(first), round(chunk));
                });
        OwnedSpace owned = map.owned(rank, true);
        forChunks(
                owned,
                true,
                (run, first, chunk) -> {
                    state.readFrozen(frozen(owned, run, first), chunk);
                    parameters.write(held(run, first), round(chunk));
                });
        parameters.publish(true);
        refreshWideParameters();
    }

    /** Returns where an element lies among the frozen ones that this rank owns. */
    private static long frozen(OwnedSpace owned, OwnedSpace.Run at, long first) {
        long before = 0;
        for (OwnedSpace.Run run : owned.runs()) {
            if (run.equals(at)) {
                return before + first - run.offset();
            }
            before += run.region() == Region.FROZEN ? run.length() : 0;
        }
        throw new IllegalArgumentException("%s is not owned here.".formatted(at));
    }

    /** Copies masters to the parameters that are lent in fp32. */
    void refreshWideParameters() {
        parameters
                .wide()
                .forEach(
                        (parameter, copy) -> {
                            PartitionMap.Place place = map.place(parameter);
                            long first =
                                    state.stepped()
                                            .offsetOf(place.unit(), place.region(), place.offset());
                            state.readMaster(first, copy);
                        });
    }

    private static void read(
            TensorSource source, String kind, OwnedSpace space, long first, FlatBuffer chunk) {
        chunk.zero();
        for (OwnedSpace.Piece piece : space.pieces(first, chunk.lengthElements())) {
            source.read(
                    piece.parameter(),
                    kind,
                    piece.parameterOffset(),
                    chunk.slice(piece.offset() - first, piece.length()));
        }
    }

    private long held(OwnedSpace.Run run, long first) {
        return parameters
                .held()
                .offsetOf(run.unit(), run.region(), run.regionOffset() + first - run.offset());
    }

    private FlatBuffer round(FlatBuffer chunk) {
        if (precision == DType.FP32) {
            return chunk;
        }
        FlatBuffer target = rounded.slice(0, chunk.lengthElements());
        kernels.convert(chunk, target);
        return target;
    }

    /** Hands out what this rank owns: every element of the model comes from exactly one rank. */
    void export(TensorSink sink) {
        OwnedSpace owned = map.owned(rank, true);
        forChunks(
                owned,
                false,
                (run, first, chunk) -> {
                    long at =
                            state.stepped()
                                    .offsetOf(
                                            run.unit(),
                                            run.region(),
                                            run.regionOffset() + first - run.offset());
                    state.readMaster(at, chunk);
                    accept(sink, TensorSink.MASTER, owned, first, chunk);
                    for (int slot : state.slotsOf(owned, run)) {
                        state.readSlot(slot, at, chunk);
                        accept(sink, state.slots().get(slot).name(), owned, first, chunk);
                    }
                });
        forChunks(
                owned,
                true,
                (run, first, chunk) -> {
                    FlatBuffer stored = rounded.slice(0, chunk.lengthElements());
                    parameters.read(held(run, first), stored);
                    if (precision != DType.FP32) {
                        kernels.convert(stored, chunk);
                    }
                    accept(sink, TensorSink.MASTER, owned, first, chunk);
                });
    }

    private static void accept(
            TensorSink sink, String kind, OwnedSpace space, long first, FlatBuffer chunk) {
        List<OwnedSpace.Piece> pieces = space.pieces(first, chunk.lengthElements());
        for (OwnedSpace.Piece piece : pieces) {
            sink.accept(
                    piece.parameter(),
                    kind,
                    piece.parameterOffset(),
                    chunk.slice(piece.offset() - first, piece.length()));
        }
    }

    /** Writes the masters' values to parameters that do not rest in memory. */
    void refreshStoredParameters() {
        if (parameters.inMemory()) {
            return;
        }
        forChunks(
                state.stepped(),
                false,
                (_, first, chunk) -> {
                    state.readMaster(first, chunk);
                    parameters.write(state.held(first), round(chunk));
                });
    }
}
