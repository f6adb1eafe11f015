package ds.zero;

import ds.core.MemoryKind;
import ds.kernels.ExactNorm;
import ds.model.BackwardContext;
import ds.model.ForwardContext;
import ds.model.Mode;
import ds.model.ModelLayout;
import ds.model.Parameter;
import ds.model.Workspace;
import ds.offload.DurableStore;
import ds.offload.RestingPlace;
import ds.offload.ShardFile;
import ds.offload.ShardFiles;
import ds.offload.Transfers;
import ds.optim.spi.Hyper;
import ds.optim.spi.Optimizer;
import ds.optim.spi.ParameterSpec;
import ds.optim.spi.StateSlot;
import ds.optim.spi.StepContext;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * One rank of ZeRO: it gathers units for the model, takes gradients, folds its part of everybody's,
 * steps what it owns and hands the new parameters out. All ranks make the same calls in the same
 * order, each from its own thread, which owns this object.
 *
 * <p>A step: for every micro-batch {@link #forward}, {@link #backward}; then {@link #boundary}; then
 * {@link #step} or {@link #skip}. Before the first one {@link #drawInitialValues} or {@link
 * #importTensors}.
 */
public final class ZeroRank implements AutoCloseable {
    /**
     * Which optimizer step to make.
     *
     * @param globalStep boundaries so far, this one included, from 1
     * @param appliedSteps boundaries that changed parameters, this one included, from 1
     * @param microStep micro-batches per rank so far
     * @param hyper the schedule's values
     * @param gradientScale the factor for every element of the sums over all n micro-batches; where a
     *     replica optimizer asked for a rank's own sums, these get world times as much
     */
    public record StepInputs(
            long globalStep, long appliedSteps, long microStep, Hyper hyper, float gradientScale) {}

    private final ModelLayout layout;
    private final RankParts parts;
    private final long seed;
    private final int world;
    private final Parameters parameters;
    private final Optional<ShardFile> parameterFile;
    private final Optional<ShardFile> gradientFile;
    private final Gradients gradients;
    private final ShardState state;
    private final ShardStepper stepper;
    private final ShardTensors tensors;
    private final RankContext context;
    private long[] message = new long[0];
    private final PhaseClock clock = new PhaseClock(System::nanoTime);

    /**
     * Allocates everything that does not depend on the model's own order of calls.
     *
     * @param map made by {@link #partition} for the communicator's size
     * @throws IllegalArgumentException if the optimizer cannot run at this residency, or the map is
     *     for another world
     */
    public ZeroRank(ModelLayout layout, PartitionMap map, ZeroOptions options, RankParts parts) {
        this.layout = layout;
        this.parts = parts;
        this.seed = options.seed();
        this.world = parts.communicator().size();
        if (map.world() != world || map.layout() != layout) {
            throw new IllegalArgumentException(
                    "The partition is for %d ranks of %s layout, but the communicator has %d ranks."
                            .formatted(
                                    map.world(),
                                    map.layout() == layout ? "this" : "another",
                                    world));
        }
        int rank = parts.communicator().rank();
        StoreShapes shapes = StoreShapes.of(map, options, parts.optimizer(), rank);
        this.parameterFile = openCache(options.parameters().place(), shapes.parameters());
        this.gradientFile = openCache(options.gradients().place(), shapes.gradients());
        if (options.residency().shardParameters()) {
            OwnedSpace held = map.owned(rank, true);
            ShardHome home =
                    new ShardHome(
                            held,
                            options.parameters().stored(held),
                            parameterFile,
                            MemoryKind.PARAMETERS,
                            options.precision(),
                            parts.memory(),
                            options.parameters().place().pinned());
            this.parameters =
                    new ShardedParameters(
                            map, parts.communicator(), parts.memory(), options, home, clock);
        } else {
            this.parameters =
                    new ReplicatedParameters(map, parts.communicator(), parts.memory(), options);
        }
        this.gradients = new Gradients(map, gradientFile, parts, options, clock);
        this.state =
                new ShardState(
                        StoreShapes.stepped(map, options, rank),
                        parameters,
                        options,
                        shapes,
                        parts);
        this.stepper = new ShardStepper(map, state, parameters, gradients, options, parts);
        this.tensors = new ShardTensors(map, state, parameters, options, parts);
        this.context =
                new RankContext(
                        map,
                        parameters,
                        gradients,
                        parts.kernels(),
                        options,
                        new Workspace(parts.memory()));
    }

    private Optional<ShardFile> openCache(RestingPlace place, Optional<ShardFiles.Shape> file) {
        return place instanceof RestingPlace.OnNvme nvme
                ? file.map(shape -> parts.stores().cache(nvme, shape))
                : Optional.empty();
    }

    /** Divides a model among {@code world} ranks as {@code optimizer} needs it. */
    public static PartitionMap partition(ModelLayout layout, int world, Optimizer optimizer) {
        return PartitionMap.of(
                layout,
                world,
                parameter ->
                        optimizer.kind(ShardStepper.spec(parameter)) instanceof Optimizer.Matrix);
    }

    /** Returns the fp32 elements that replicas keep on each rank beside their slots. */
    public static long keptElements(ModelLayout layout, int world, Optimizer optimizer) {
        Map<Optimizer.Replica, List<ParameterSpec>> replicas = new HashMap<>();
        for (Parameter parameter : layout.storages()) {
            ParameterSpec spec = ShardStepper.spec(parameter);
            if (parameter.trainable()
                    && optimizer.kind(spec) instanceof Optimizer.Replica replica) {
                replicas.computeIfAbsent(replica, _ -> new ArrayList<>()).add(spec);
            }
        }
        return replicas.entrySet().stream()
                .mapToLong(each -> each.getKey().keptElements(each.getValue(), world))
                .sum();
    }

    /** Draws the initial values of everything this rank holds, and hands them out. Collective. */
    public void drawInitialValues() {
        tensors.load(new InitialValues(seed, parts.kernels().workers()), false);
    }

    /** Returns the context of a forward pass; valid until the next pass. */
    public ForwardContext forward(Mode mode, Workspace workspace) {
        context.enter(mode, workspace, false);
        return context;
    }

    /** Returns the context of a backward pass; valid until the next pass or the boundary. */
    public BackwardContext backward(MicroStep step, Workspace workspace) {
        gradients.begin(step, stepper.wantsLocalGradients(step.appliedSteps()));
        context.enter(Mode.TRAIN, workspace, true);
        return context;
    }

    /** Notes what is gathered, for {@link #abandon}. On all ranks at the same point, no unit lent. */
    public void mark() {
        parameters.mark();
    }

    /**
     * Forgets what forward passes since the mark have gathered, so that all ranks agree again on what
     * is there after one of them was cut off. On all ranks; leases of these passes end. Not
     * collective; while the rank's thread is at rest.
     */
    public void abandon() {
        parameters.abandon();
    }

    /**
     * Ends the accumulation: the one integer all-reduce of a step. Collective. Where a replica
     * optimizer asked for local gradients, the norm is the root of the mean square of the norms of
     * the ranks' own averages: no other than before where these are equal.
     *
     * @param lossesOfThisRank one per accumulation step
     * @param divisor what the sums must be divided by to be the averaged, unscaled gradient: n, or
     *     n·S where S is what every backward pass was scaled by
     * @throws IllegalStateException if a unit was not completed; names it
     * @throws ds.comm.CommException if ranks completed units in different orders; names rank and unit
     */
    public Boundary boundary(double[] lossesOfThisRank, double divisor) {
        PhaseClock.Phase before = clock.turn(PhaseClock.Phase.NORM);
        context.enter(Mode.EVAL, context.workspace(), false);
        gradients.end();
        gradients.gather();
        int rank = parts.communicator().rank();
        int n = lossesOfThisRank.length * world;
        int losses = ExactNorm.LONGS;
        int orders = losses + n;
        if (message.length != orders + world) {
            message = new long[orders + world];
        }
        Arrays.fill(message, 0);
        ExactNorm norm = gradients.norm();
        norm.copyTo(message, 0);
        for (int k = 0; k < lossesOfThisRank.length; k++) {
            message[losses + k * world + rank] = Double.doubleToRawLongBits(lossesOfThisRank[k]);
        }
        message[orders + rank] = gradients.orderHash();
        parts.communicator().allReduce(message).await();
        for (int r = 1; r < world; r++) {
            if (message[orders + r] != message[orders]) {
                throw gradients.orderMismatch();
            }
        }
        norm.setFrom(message, 0);
        double[] all = new double[n];
        for (int g = 0; g < n; g++) {
            all[g] = Double.longBitsToDouble(message[losses + g]);
        }
        clock.turn(before);
        double total = gradients.local() ? norm.norm() * Math.sqrt(world) : norm.norm();
        return new Boundary(total / divisor, norm.nonFiniteBlocks() != 0, all);
    }

    /**
     * Returns the parameter whose reduced gradient was the first that is not finite, and its unit.
     * Collective; before the next backward pass.
     *
     * @param inForward whether the forward pass already overflowed, so that its order counts and not
     *     that of the backward pass
     */
    public Optional<String> firstNonFinite(boolean inForward) {
        return gradients.firstNonFinite(inForward);
    }

    /**
     * Returns whether a step writes working parameters that rest in files as it goes through its
     * chunks: where all are stepped by updates of one kind, so that a chunk that was left is whole. The
     * others are written afterwards, from masters that are read again.
     */
    public static boolean publishesInStep(ModelLayout layout, Optimizer optimizer) {
        List<Optimizer.Kind> kinds =
                layout.storages().stream()
                        .filter(Parameter::trainable)
                        .map(parameter -> optimizer.kind(ShardStepper.spec(parameter)))
                        .toList();
        return kinds.stream().allMatch(Optimizer.Element.class::isInstance)
                || kinds.stream().allMatch(Optimizer.Norm.class::isInstance);
    }

    /** Steps what this rank owns and hands the new parameters out. Collective. */
    public void step(StepInputs inputs) {
        PhaseClock.Phase before = clock.turn(PhaseClock.Phase.STEP);
        long stalled = stallNanos();
        stepper.step(
                new StepContext(
                        inputs.globalStep(),
                        inputs.appliedSteps(),
                        inputs.microStep(),
                        inputs.hyper(),
                        gradients.local() ? inputs.gradientScale() * world : inputs.gradientScale(),
                        parts.kernels()));
        clock.waited(stallNanos() - stalled);
        clock.turn(PhaseClock.Phase.PUBLISH);
        stalled = stallNanos();
        if (!stepper.publishes()) {
            tensors.refreshStoredParameters();
        }
        parameters.publish(false);
        tensors.refreshWideParameters();
        clock.waited(stallNanos() - stalled);
        clock.turn(before);
    }

    /** Returns what this rank's files moved so far. */
    public Transfers transfers() {
        return state.store()
                .transfers()
                .plus(parameters.transfers())
                .plus(gradients.sums().transfers());
    }

    /** Returns nanoseconds that this rank waited for its files so far. */
    public long stallNanos() {
        return state.store().stallNanos() + parameters.stallNanos() + gradients.sums().stallNanos();
    }

    /** Returns the clock of this rank, whose phases {@code forward} and {@code backward} the caller begins. */
    public PhaseClock clock() {
        return clock;
    }

    /**
     * Leaves parameters and states as they are: the accumulators are overwritten by the next step's
     * first micro-batch.
     */
    public void skip() {
        // Nothing moved, so there is nothing to put back.
    }

    /**
     * Hands out the pieces that this rank owns, each element of the model by exactly one rank:
     * masters, slots and frozen parameters, in owned order, in pieces of bounded length.
     */
    public void exportOwned(TensorSink sink) {
        tensors.export(sink);
    }

    /** Replaces everything this rank holds by what {@code source} delivers. Collective. */
    public void importTensors(TensorSource source) {
        tensors.load(source, true);
        stepper.forget();
    }

    /**
     * Rebuilds parameters from the masters in a store that was recovered, in place of initial values.
     * Collective.
     */
    public void rebuild() {
        tensors.rebuild();
    }

    /** Returns the names of a trained parameter's slots, which are kinds of {@link TensorSink}. */
    public List<String> slotNames(Parameter parameter) {
        return parts.optimizer().slots(ShardStepper.spec(parameter)).stream()
                .map(StateSlot::name)
                .toList();
    }

    /** Returns the layout of the model. */
    public ModelLayout layout() {
        return layout;
    }

    /** Returns the store of masters and slots, if it survives a crash: for commits. */
    public Optional<DurableStore> durableStore() {
        return state.store() instanceof DurableStore store ? Optional.of(store) : Optional.empty();
    }

    /** Returns what was used and done so far. */
    public ZeroUsage usage() {
        Map<MemoryKind, Long> bytes = new EnumMap<>(MemoryKind.class);
        for (MemoryKind kind : MemoryKind.values()) {
            bytes.put(kind, parts.memory().bytes(kind));
        }
        return new ZeroUsage(
                Map.copyOf(bytes),
                parts.communicator().traffic(),
                gradients.exchanges(),
                parameters.liveElementsHighWater(),
                stepper.replicaBytes(),
                parts.memory().lockedBytes(),
                state.store().storedBytes()
                        + parameters.storedBytes()
                        + gradients.sums().storedBytes());
    }

    /** Closes the stores. Memory belongs to the {@link RankParts}. */
    @Override
    public void close() {
        state.close();
        parameterFile.ifPresent(ShardFile::close);
        gradientFile.ifPresent(ShardFile::close);
    }
}
