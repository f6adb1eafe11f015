package ds.config;

/**
 * The {@code zero_optimization} section.
 *
 * <p>Source: DeepSpeed {@code runtime/zero/config.py}, same names and defaults. Old keys such as
 * {@code cpu_offload} have become their successors.
 *
 * @param stage 0 to 3; default 0
 * @param reduceBucketSize most gradient elements exchanged at once; default 5e8
 * @param allgatherBucketSize most parameter elements gathered at once; default 5e8
 * @param subGroupSize most elements stepped at once; default 1e9
 * @param prefetchBucketSize most elements of units read ahead of their use; default 5e7
 * @param paramPersistenceThreshold units of at most so many elements stay gathered; default 1e5
 * @param maxLiveParameters most parameter elements gathered at the same time; default 1e9
 * @param overlapComm whether exchanges overlap backward; default true at stage 3 only
 * @param gather16BitWeightsOnModelSave whether to save consolidated weights; default false
 * @param offloadParam where parameters rest; device {@code NONE} if absent
 * @param offloadOptimizer where optimizer state rests; device {@code NONE} if absent
 */
public record ZeroOptimization(
        int stage,
        Tunable<Long> reduceBucketSize,
        Tunable<Long> allgatherBucketSize,
        Tunable<Long> subGroupSize,
        Tunable<Long> prefetchBucketSize,
        Tunable<Long> paramPersistenceThreshold,
        Tunable<Long> maxLiveParameters,
        boolean overlapComm,
        boolean gather16BitWeightsOnModelSave,
        OffloadParam offloadParam,
        OffloadOptimizer offloadOptimizer) {
    /** Refuses a stage that does not exist. */
    public ZeroOptimization {
        if (stage < 0 || stage > 3) {
            throw new ConfigException("/zero_optimization/stage", "must be 0 to 3, was " + stage);
        }
    }
}
