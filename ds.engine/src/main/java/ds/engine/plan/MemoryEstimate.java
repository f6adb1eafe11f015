package ds.engine.plan;

import ds.core.DType;
import ds.offload.RestingPlace;
import ds.offload.ShardFiles;
import ds.offload.StateStores;
import ds.offload.spi.StateCodec;
import ds.optim.spi.Optimizer;
import ds.optim.spi.StateSlot;
import ds.zero.GradientStorage;
import ds.zero.OwnedSpace;
import ds.zero.PartitionMap;
import ds.zero.Region;
import ds.zero.Residency;
import ds.zero.StateStorage;
import ds.zero.StoreShapes;
import ds.zero.WorkingMemory;
import ds.zero.ZeroRank;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;

/**
 * Bytes of the rank that holds the most, by arithmetic alone; activations are not in
 * it, since they depend on the model's code.
 *
 * @param parameters working parameters kept between steps, wherever they rest
 * @param parametersInMemory those that rest in memory
 * @param parameterBuffer a staging buffer of parameters on NVMe; 0 if none rests there
 * @param liveUnits gathered units at stage 3, as many as the layout says are on loan at once
 * @param masters fp32 masters beside the working parameters: where those are 16-bit, or either
 *     rests on NVMe
 * @param states optimizer slots, as they rest, and what replicas keep in memory beside them
 * @param resident masters and slots, as they rest, that stay in memory though the others of them rest
 *     on NVMe
 * @param gradients accumulators, wherever they rest
 * @param buckets contributions of one unit, and sums of tied parameters
 * @param staging what chunks, files and whole matrices are staged in
 * @param inMemory all of these that are in memory
 * @param locked of those in memory, what is to be locked there
 * @param stored bytes of the files on NVMe, in all generations, without journals
 * @param exchangedPerStep bytes of contributions this rank hands to others in one step
 * @param gatheredPerStep bytes this rank receives in one step: parameters, or at stage 0 the
 *     reduced gradients
 * @param nvmeReadPerStep bytes read from NVMe by this rank in one step
 * @param nvmeWrittenPerStep bytes written to it, without journals
 */
public record MemoryEstimate(
        long parameters,
        long parametersInMemory,
        long parameterBuffer,
        long liveUnits,
        long masters,
        long states,
        long resident,
        long gradients,
        long buckets,
        long staging,
        long inMemory,
        long locked,
        long stored,
        long exchangedPerStep,
        long gatheredPerStep,
        long nvmeReadPerStep,
        long nvmeWrittenPerStep) {
    private static final int FP32_BYTES = 4;
    private static final int FORWARD_AND_BACKWARD = 2;
    private static final int READ_AND_WRITE = 2;

    /** Returns all bytes of a rank, on whatever tier. */
    public long total() {
        return parameters + liveUnits + masters + states + gradients + buckets + staging;
    }

    /** Returns the bytes of masters and slots that a step reads plus writes with that codec. */
    static long statePerStep(TrainingPlan plan, Optional<StateCodec> codec) {
        StateStorage storage = plan.zero().states().encoded(codec);
        return IntStream.range(0, plan.batch().world())
                .mapToLong(rank -> of(plan, rank).masters() + slotBytes(plan, storage, rank))
                .map(bytes -> READ_AND_WRITE * bytes)
                .max()
                .orElse(0);
    }

    private static OwnedSpace stepped(TrainingPlan plan, int rank) {
        return plan.zero().residency().shardStates()
                ? plan.partition().owned(rank, false)
                : plan.partition().everything(false);
    }

    private static long slotBytes(TrainingPlan plan, StateStorage storage, int rank) {
        OwnedSpace stepped = stepped(plan, rank);
        return stepped.runs().stream()
                .flatMapToLong(
                        run ->
                                stepped.slots(run, plan.optimizer()).stream()
                                        .mapToLong(slot -> storage.slotBytes(slot, run.length())))
                .sum();
    }

    static MemoryEstimate of(TrainingPlan plan) {
        return IntStream.range(0, plan.batch().world())
                .mapToObj(rank -> of(plan, rank))
                .max(Comparator.comparingLong(MemoryEstimate::total))
                .orElseThrow();
    }

    /** Returns the bytes of one rank. */
    static MemoryEstimate of(TrainingPlan plan, int rank) {
        PartitionMap map = plan.partition();
        Residency residency = plan.zero().residency();
        int element = plan.zero().precision().sizeBytes();
        OwnedSpace mine = map.owned(rank, true);
        long ownedAll = mine.elements();
        long ownedTrainable = map.owned(rank, false).elements();
        long everyTrainable = map.everything(false).elements();
        long stepped = stepped(plan, rank).elements();
        long held = residency.shardParameters() ? ownedAll : map.elements();
        GradientStorage gradients = plan.zero().gradients();
        StateStorage storage = plan.zero().states();
        long slots = slotBytes(plan, storage, rank);
        long kept =
                DType.FP32.bytesOf(
                        ZeroRank.keptElements(map.layout(), map.world(), plan.optimizer()));
        long accumulators =
                gradients
                        .accumulators()
                        .bytesOf(residency.shardGradients() ? ownedTrainable : everyTrainable);
        boolean gradientsStored = gradients.place() instanceof RestingPlace.OnNvme;
        boolean optimizerStored = plan.zero().optimizer() instanceof RestingPlace.OnNvme;
        List<OwnedSpace.Run> storedRuns = plan.zero().parameters().stored(mine);
        long storedParameters = element * elements(storedRuns, true);
        StoreShapes shapes = StoreShapes.of(map, plan.zero(), plan.optimizer(), rank);
        var working = new WorkingMemory(map, plan.zero(), plan.optimizer(), shapes, rank);
        long staging = working.staging(plan.pipeline(), plan.store());
        long masters = shapes.masterStored() ? stepped * FP32_BYTES : 0;
        long foreign = everyTrainable - ownedTrainable;
        long gathers = (long) FORWARD_AND_BACKWARD * plan.batch().accumulation();
        long gathered =
                residency.shardParameters()
                        ? gathers * element * (map.elements() - ownedAll)
                        : foreign
                                * (residency.shardStates()
                                        ? element
                                        : gradients.accumulators().sizeBytes());
        long passes = optimizerStored ? passes(plan) : 0;
        long sums = gradientsStored ? plan.batch().accumulation() * accumulators : 0;
        long residentMasters = resident(plan, shapes, true);
        long resident = residentMasters + resident(plan, shapes, false);
        boolean publishes = ZeroRank.publishesInStep(map.layout(), plan.optimizer());
        long read =
                passes * (masters + slots - resident)
                        + (optimizerStored && storedParameters > 0 && !publishes
                                ? masters - residentMasters
                                : 0)
                        + gathers * storedParameters
                        + sums
                        + (gradientsStored ? (passes - 1) * accumulators : 0);
        long written =
                passes * (masters + slots - resident)
                        + (plan.store().survives() ? resident / plan.store().commitEverySteps() : 0)
                        + element * elements(storedRuns, false)
                        + sums;
        return new MemoryEstimate(
                held * element,
                held * element - storedParameters,
                parameterBuffer(plan, shapes),
                working.liveUnits(),
                masters,
                slots + kept,
                resident,
                accumulators,
                working.buckets(),
                staging,
                held * element
                        - storedParameters
                        + working.liveUnits()
                        + (optimizerStored ? resident : masters + slots)
                        + kept
                        + (gradientsStored ? 0 : accumulators)
                        + working.buckets()
                        + staging,
                locked(plan, working, masters + slots, resident, held * element - storedParameters),
                shapes.storedBytes(plan.zero(), plan.store()),
                (long) plan.batch().accumulation() * gradients.contributions().bytesOf(foreign),
                gathered,
                read,
                written);
    }

    /**
     * Returns the bytes to be locked in memory.
     *
     * @param states masters and slots
     * @param resident those that stay in memory though others rest on NVMe
     * @param parameters working ones in memory
     */
    private static long locked(
            TrainingPlan plan, WorkingMemory working, long states, long resident, long parameters) {
        RestingPlace optimizer = plan.zero().optimizer();
        RestingPlace place = plan.zero().parameters().place();
        return (optimizer.pinned()
                        ? optimizer instanceof RestingPlace.OnNvme ? resident : states
                        : 0)
                + (place.pinned() && plan.zero().residency().shardParameters() ? parameters : 0)
                + working.lockedStaging(plan.pipeline(), plan.store());
    }

    private static long parameterBuffer(TrainingPlan plan, StoreShapes shapes) {
        return plan.zero().parameters().place() instanceof RestingPlace.OnNvme place
                ? shapes.parameters()
                        .map(shape -> ShardFiles.slotBytes(shape, plan.pipeline().at(place)))
                        .orElse(0L)
                : 0;
    }

    private static long elements(List<OwnedSpace.Run> runs, boolean withFrozen) {
        return runs.stream()
                .filter(run -> withFrozen || run.region() != Region.FROZEN)
                .mapToLong(OwnedSpace.Run::length)
                .sum();
    }

    /** Returns the bytes of a store's masters, or else of its slots, that stay in memory. */
    private static long resident(TrainingPlan plan, StoreShapes shapes, boolean masters) {
        if (!(plan.zero().optimizer() instanceof RestingPlace.OnNvme)
                || shapes.states().isEmpty()) {
            return 0;
        }
        List<Long> elements =
                StateStores.residentElements(
                        shapes.states().get(), plan.pipeline().chunkBytes(), plan.store());
        List<StateSlot> slots = plan.optimizer().slots();
        return masters
                ? elements.getFirst() * FP32_BYTES
                : IntStream.range(0, slots.size())
                        .mapToLong(
                                i ->
                                        plan.zero()
                                                .states()
                                                .slotBytes(slots.get(i), elements.get(i + 1)))
                        .sum();
    }

    /** An optimizer that needs norms sees every chunk twice. */
    private static int passes(TrainingPlan plan) {
        boolean norms =
                Planner.anyIs(Optimizer.Norm.class, plan.partition().layout(), plan.optimizer());
        return norms ? 2 : 1;
    }
}
