package ds.config;

import java.nio.file.Path;
import java.util.Optional;

/**
 * The {@code zero_optimization.offload_optimizer} section: where optimizer state rests between
 * steps.
 *
 * <p>Source: DeepSpeed {@code runtime/zero/offload_config.py}, same names and defaults. That nvme
 * needs a path is a rule of the planner, not of the document.
 *
 * @param device where state rests; default {@code NONE}
 * @param nvmePath directory on the NVMe volume
 * @param bufferCount staging buffers per rank; a count, 0 or more; default 4
 * @param pinMemory whether what rests in memory, and staging buffers, are locked there
 * @param pipelineRead whether state on NVMe is read ahead of the step
 * @param pipelineWrite whether it is written behind the step
 * @param fastInit whether the space of new files is reserved, not written; default false
 * @param ratio share of the state that is offloaded, 0 to 1; default 1
 */
public record OffloadOptimizer(
        OffloadDevice device,
        Optional<Path> nvmePath,
        long bufferCount,
        Tunable<Boolean> pinMemory,
        Tunable<Boolean> pipelineRead,
        Tunable<Boolean> pipelineWrite,
        boolean fastInit,
        double ratio) {
    /** JSON pointer of the section. */
    public static final String POINTER = "/zero_optimization/offload_optimizer";

    /** Checks every range, so that no later code has to. */
    public OffloadOptimizer {
        if (bufferCount < 0) {
            throw new ConfigException(
                    POINTER + "/buffer_count", "must be 0 or more, was " + bufferCount);
        }
        if (!(ratio >= 0 && ratio <= 1)) {
            throw new ConfigException(POINTER + "/ratio", "must be from 0 to 1, was " + ratio);
        }
    }
}
