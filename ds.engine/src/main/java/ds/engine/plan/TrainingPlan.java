package ds.engine.plan;

import ds.engine.LossScaler;
import ds.kernels.spi.KernelsProvider;
import ds.offload.PipelineSettings;
import ds.offload.RestingPlace;
import ds.offload.StateCodecs;
import ds.offload.StorageChoice;
import ds.offload.StoreTerms;
import ds.offload.spi.StateCodec;
import ds.optim.spi.Optimizer;
import ds.optim.spi.Schedule;
import ds.zero.PartitionMap;
import ds.zero.ReadAheadEstimate;
import ds.zero.StoreShapes;
import ds.zero.WorkingMemory;
import ds.zero.ZeroOptions;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * What a configuration became for this model, world and machine. Below it nobody knows
 * configuration. {@link #toString} is what {@code ds plan} prints.
 *
 * @param batch how samples are cut
 * @param precision storage types and loss scale
 * @param stage the ZeRO stage, for people; the engine reads {@code zero}
 * @param zero residency, resting places and bounds
 * @param pipeline how an NVMe store overlaps its transfers
 * @param storage what opens files on NVMe; empty if nothing rests there
 * @param store what a store of optimizer state on NVMe promises
 * @param partition who owns which elements
 * @param optimizerName as the configuration names it
 * @param optimizer the update rule, shared by all ranks
 * @param scheduleName as the configuration names it; {@code none} without one
 * @param schedule hyper-parameters per step
 * @param clip largest gradient norm; 0 for none
 * @param divisor what the sum of all contributions is divided by to be the gradient: their number, or
 *     that of one rank where ranks are added
 * @param targetsPerSample targets in one sample: tokens, for text; 1 otherwise
 * @param workersPerRank worker threads of each rank
 * @param kernels makes the kernels of each rank
 * @param logEverySteps how often a line of progress is due; 0 if unset
 * @param wallClockBreakdown whether lines of progress say where the time went
 * @param groups parameters with settings of their own
 * @param irreproducible why bits may differ from another machine's; empty if they may not
 * @param codecs what could encode the optimizer's slots; empty if they are not offloaded
 * @param journal where every boundary is noted; empty for nowhere
 * @param decisions what became of {@code "auto"} and what has no effect
 */
public record TrainingPlan(
        BatchPlan batch,
        PrecisionPlan precision,
        int stage,
        ZeroOptions zero,
        PipelineSettings pipeline,
        Optional<StorageChoice> storage,
        StoreTerms store,
        PartitionMap partition,
        String optimizerName,
        Optimizer optimizer,
        String scheduleName,
        Schedule schedule,
        double clip,
        int divisor,
        long targetsPerSample,
        int workersPerRank,
        KernelsProvider kernels,
        int logEverySteps,
        boolean wallClockBreakdown,
        List<GroupSummary> groups,
        List<String> irreproducible,
        List<StateCodec> codecs,
        Optional<JournalChoice> journal,
        List<Decision> decisions) {
    /** Copies the lists. */
    public TrainingPlan {
        groups = List.copyOf(groups);
        irreproducible = List.copyOf(irreproducible);
        codecs = List.copyOf(codecs);
        decisions = List.copyOf(decisions);
    }

    /** Returns a loss scaler in its first state. */
    public LossScaler scaler() {
        return precision.scaler();
    }

    /** Returns where files rest on NVMe, home first; empty if none do. */
    public List<Path> nvmePaths() {
        return Stream.of(zero.optimizer(), zero.parameters().place())
                .filter(RestingPlace.OnNvme.class::isInstance)
                .map(place -> ((RestingPlace.OnNvme) place).directories())
                .findFirst()
                .orElse(List.of());
    }

    /** Returns the bytes that the rank will hold and move that holds the most. */
    public MemoryEstimate memory() {
        return MemoryEstimate.of(this);
    }

    /** Returns the bytes that all ranks are to lock in memory. */
    public long lockedBytes() {
        return IntStream.range(0, batch.world())
                .mapToLong(rank -> MemoryEstimate.of(this, rank).locked())
                .sum();
    }

    /**
     * Returns the bytes that one rank will hold and move.
     *
     * @throws IndexOutOfBoundsException if there is no such rank
     */
    public MemoryEstimate memory(int rank) {
        return MemoryEstimate.of(this, Objects.checkIndex(rank, batch.world()));
    }

    /** Returns what the rank reads ahead at once that reads the most. */
    public ReadAheadEstimate readAhead() {
        return IntStream.range(0, batch.world())
                .mapToObj(
                        rank ->
                                new WorkingMemory(
                                        partition,
                                        zero,
                                        optimizer,
                                        StoreShapes.of(partition, zero, optimizer, rank),
                                        rank))
                .map(working -> working.readAhead(pipeline))
                .max(Comparator.comparingLong(ReadAheadEstimate::bytes))
                .orElse(ReadAheadEstimate.NONE);
    }

    /**
     * Returns the bytes of state that each rank reads from plus writes to their resting place in one
     * step, by the name of the codec; empty if state is not offloaded.
     */
    public Map<String, Long> statePerStep() {
        Map<String, Long> bytes = new LinkedHashMap<>();
        if (!codecs.isEmpty()) {
            bytes.put(StateCodecs.FP32, MemoryEstimate.statePerStep(this, Optional.empty()));
        }
        codecs.forEach(
                codec ->
                        bytes.put(
                                codec.name(),
                                MemoryEstimate.statePerStep(this, Optional.of(codec))));
        return bytes;
    }

    @Override
    public String toString() {
        return PlanText.of(this);
    }
}
