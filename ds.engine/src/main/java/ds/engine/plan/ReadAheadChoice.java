package ds.engine.plan;

import ds.config.OffloadDevice;
import ds.config.Tunable;
import ds.config.ZeroOptimization;
import ds.offload.RestingPlace;
import ds.zero.ParameterStorage;
import ds.zero.PartitionMap;
import ds.zero.ZeroOptions;
import java.util.Optional;
import java.util.stream.IntStream;

/** Says where nothing is read ahead of its use, whatever the prefetch bucket is. */
final class ReadAheadChoice {
    static final String KEY = "stage3_prefetch_bucket_size";
    static final String POINTER = "/zero_optimization/" + KEY;

    private ReadAheadChoice() {}

    /** Returns why the bucket has no effect; empty if it has. */
    static Optional<String> idle(PartitionMap partition, int stage, ZeroOptions zero) {
        ParameterStorage parameters = zero.parameters();
        if (stage < 3) {
            return Optional.of("at stage %d no units are gathered".formatted(stage));
        }
        if (!(parameters.place() instanceof RestingPlace.OnNvme place)) {
            return Optional.of("parameters rest in memory, where there is nothing to read ahead");
        }
        boolean stored =
                IntStream.range(0, partition.world())
                        .anyMatch(
                                rank -> !parameters.stored(partition.owned(rank, true)).isEmpty());
        if (!stored) {
            return Optional.of(
                    "max_in_cpu keeps all parameters in memory, where there is nothing to read ahead");
        }
        return place.slots().used() == 1
                ? Optional.of("a buffer_count of 1 leaves no buffer to read ahead into")
                : Optional.empty();
    }

    /** Returns what is to be said of a bucket that was written for parameters on NVMe in vain. */
    static Optional<Decision> remark(ZeroOptimization section, Optional<String> idle) {
        boolean written = section.prefetchBucketSize().origin() == Tunable.Origin.GIVEN;
        // Elsewhere the reader has said it.
        boolean onNvme = section.offloadParam().device() == OffloadDevice.NVME;
        return idle.filter(_ -> written && onNvme)
                .map(
                        why ->
                                new Decision(
                                        Decision.Kind.NO_EFFECT,
                                        POINTER,
                                        "'%s' has no effect here: %s.".formatted(KEY, why)));
    }
}
