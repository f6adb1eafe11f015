package ds.zero;

import ds.core.DType;
import ds.model.Parameter;
import ds.model.Unit;
import ds.offload.AheadSlots;
import ds.offload.PipelineSettings;
import ds.offload.RestingPlace;
import ds.offload.ShardFiles;
import ds.offload.StateStores;
import ds.offload.StoreTerms;
import ds.optim.spi.Optimizer;
import ds.optim.spi.StateSlot;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * The bytes that one rank works in beside what rests, by arithmetic alone. Where a rank's memory takes
 * another size than is said here, the plan is wrong: a test compares them.
 *
 * @param map who owns which elements
 * @param options what was decided
 * @param optimizer the update rule
 * @param shapes what the rank keeps in stores
 * @param rank which
 */
public record WorkingMemory(
        PartitionMap map, ZeroOptions options, Optimizer optimizer, StoreShapes shapes, int rank) {
    /**
     * Returns the bytes of gathered units at stage 3: slots for as many as are on loan at once, each
     * of the largest one's size, and the units that stay.
     */
    public long liveUnits() {
        return options.residency().shardParameters()
                ? options.precision().bytesOf(liveElements())
                : 0;
    }

    private long liveElements() {
        long staying = 0;
        long largest = 0;
        long slots = 0;
        for (int unit = 0; unit < map.layout().units().size(); unit++) {
            long elements = map.elements(unit);
            if (elements <= options.persistenceThreshold()) {
                staying += elements;
            } else {
                largest = Math.max(largest, elements);
            }
            slots = Math.max(slots, onLoan(unit));
        }
        return staying + Math.min(slots * largest, options.maxLiveParameters());
    }

    /** Returns how many units with slots are on loan while one is. */
    private long onLoan(int unit) {
        return lent(unit)
                .filter(needed -> map.elements(needed) > options.persistenceThreshold())
                .count();
    }

    /** Returns the units that are on loan while one is. */
    private IntStream lent(int unit) {
        Unit asked = map.layout().units().get(unit);
        return Stream.concat(Stream.of(asked.name()), asked.beside().stream())
                .flatMapToInt(
                        name -> Arrays.stream(ShardedParameters.needs(map, map.unitIndex(name))))
                .distinct();
    }

    /**
     * Returns the most that is read ahead at once where a model asks for its units in their order, and
     * back.
     *
     * @param pipeline how files are moved
     */
    public ReadAheadEstimate readAhead(PipelineSettings pipeline) {
        if (shapes.parameters().isEmpty()
                || !(options.parameters().place() instanceof RestingPlace.OnNvme place)) {
            return ReadAheadEstimate.NONE;
        }
        AheadSlots slots = ShardFiles.aheadSlots(shapes.parameters().get(), pipeline.at(place));
        ReadAheadBounds bounds = new ReadAheadBounds(map, options, slots, rank);
        int units = map.layout().units().size();
        long live =
                IntStream.range(0, units)
                        .mapToLong(unit -> lent(unit).mapToLong(map::elements).sum())
                        .max()
                        .orElse(0);
        return IntStream.range(0, units)
                .boxed()
                .flatMap(
                        from ->
                                Stream.of(
                                        IntStream.range(from, units),
                                        IntStream.rangeClosed(0, from).map(back -> from - back)))
                .map(next -> bounds.estimate(bounds.fitting(next.iterator(), live)))
                .max(
                        Comparator.comparingInt(ReadAheadEstimate::units)
                                .thenComparingLong(ReadAheadEstimate::bytes))
                .orElse(ReadAheadEstimate.NONE);
    }

    /** Returns the bytes of contributions: of one unit, and sums of what is used in several. */
    public long buckets() {
        long largest = 0;
        for (int unit = 0; unit < map.layout().units().size(); unit++) {
            largest = Math.max(largest, map.trainableElements(unit));
        }
        long tied =
                map.layout().storages().stream()
                        .filter(
                                parameter ->
                                        parameter.trainable() && parameter.tieKey().isPresent())
                        .mapToLong(Parameter::elements)
                        .sum();
        return options.gradients().contributions().bytesOf(largest) + DType.FP32.bytesOf(tied);
    }

    /**
     * Returns the bytes of staging, but for what exchanges of replicas need.
     *
     * @param pipeline how files are moved
     * @param terms what a store of states promises
     */
    public long staging(PipelineSettings pipeline, StoreTerms terms) {
        return loading()
                + shapes.stagingBytes(options, pipeline, terms)
                + published()
                + windows()
                + chunks()
                + wholes();
    }

    /** Returns the bytes of staging whose pages are locked in memory. */
    public long lockedStaging(PipelineSettings pipeline, StoreTerms terms) {
        return shapes.lockedStagingBytes(options, pipeline, terms);
    }

    private OwnedSpace stepped() {
        return StoreShapes.stepped(map, options, rank);
    }

    private List<Parameter> trained() {
        return map.layout().storages().stream().filter(Parameter::trainable).toList();
    }

    private Optimizer.Kind kind(Parameter parameter) {
        return optimizer.kind(ShardStepper.spec(parameter));
    }

    /** What tensors are loaded and exported through. */
    private long loading() {
        long elements = ShardTensors.chunkElements(stepped(), map.owned(rank, true), options);
        return DType.FP32.bytesOf(elements)
                + (options.precision() == DType.FP32 ? 0 : options.precision().bytesOf(elements));
    }

    /** New parameters on their way to a file. */
    private long published() {
        return shapes.parameters().isPresent() && ZeroRank.publishesInStep(map.layout(), optimizer)
                ? options.precision()
                        .bytesOf(
                                Published.roomElements(
                                        options.parameters().stored(map.owned(rank, true)),
                                        options))
                : 0;
    }

    /** Sums of gradients in a file, of which a step sees some. */
    private long windows() {
        return shapes.gradients().isPresent()
                ? Accumulators.LENT
                        * options.gradients()
                                .accumulators()
                                .bytesOf(
                                        Accumulators.windowElements(
                                                map.owned(rank, false),
                                                options.gradients().accumulators(),
                                                options))
                : 0;
    }

    /** Vectors of norms, and fp32 copies of what rests in 16 bits, of the longest chunk. */
    private long chunks() {
        int norms = 0;
        boolean any = false;
        for (Parameter parameter : trained()) {
            Optimizer.Kind kind = kind(parameter);
            norms = kind instanceof Optimizer.Norm norm ? Math.max(norms, norm.norms()) : norms;
            any |= kind instanceof Optimizer.Norm || kind instanceof Optimizer.Element;
        }
        long longest =
                shapes.states()
                        .map(layout -> StateStores.chunkElements(layout, options.chunkBytes()))
                        .orElseGet(
                                () ->
                                        Math.min(
                                                longest(stepped().runs()),
                                                ShardState.chunkElements(options)));
        return any ? DType.FP32.bytesOf((norms + copies()) * longest) : 0;
    }

    private int copies() {
        if (options.states().slots() != DType.FP32) {
            return ShardStepper.SLOTS + optimizer.slots().size();
        }
        if (options.gradients().accumulators() != DType.FP32) {
            return ShardStepper.SLOTS;
        }
        return options.states().mastersAreNarrow() ? ShardStepper.GRADIENT : 0;
    }

    static long longest(List<OwnedSpace.Run> runs) {
        return runs.stream().mapToLong(OwnedSpace.Run::length).max().orElse(0);
    }

    /** Scratch and copies of matrices that are stepped whole. */
    private long wholes() {
        List<Parameter> matrices = new ArrayList<>();
        for (OwnedSpace.Piece piece : stepped().pieces(0, stepped().elements())) {
            if (kind(piece.parameter()) instanceof Optimizer.Matrix) {
                matrices.add(piece.parameter());
            }
        }
        long largest = 0;
        long scratch = 0;
        int arrays = 0;
        StateStorage storage = options.states();
        int master = shapes.masterStored() || storage.mastersAreNarrow() ? 1 : 0;
        for (Parameter parameter : matrices) {
            largest = Math.max(largest, PartitionMap.padded(parameter.elements()));
            List<StateSlot> slots = optimizer.slots(ShardStepper.spec(parameter));
            arrays = Math.max(arrays, master + slots.size());
            if (kind(parameter) instanceof Optimizer.Matrix matrix) {
                scratch = Math.max(scratch, matrix.scratchElements(ShardStepper.spec(parameter)));
            }
        }
        boolean inPlace =
                !storage.mastersAreNarrow()
                        && storage.slots() == DType.FP32
                        && storage.codec().isEmpty()
                        && !(options.optimizer() instanceof RestingPlace.OnNvme);
        DType sums = options.gradients().accumulators();
        return DType.FP32.bytesOf(scratch + (inPlace ? 0 : arrays * largest))
                + (shapes.gradients().isPresent() ? sums.bytesOf(largest) : 0)
                + (sums == DType.FP32 ? 0 : DType.FP32.bytesOf(largest));
    }
}
