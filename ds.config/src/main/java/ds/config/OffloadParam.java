package ds.config;

import java.nio.file.Path;
import java.util.Optional;

/**
 * The {@code zero_optimization.offload_param} section: where parameters rest between uses.
 *
 * <p>Source: DeepSpeed {@code runtime/zero/offload_config.py}, same names and defaults.
 *
 * @param device where parameters rest; default {@code NONE}
 * @param nvmePath directory on the NVMe volume
 * @param bufferCount staging buffers per rank; a count, 0 or more; default 5
 * @param bufferSizeElements most elements of a staging buffer; default 1e8
 * @param maxInCpuElements most elements of a rank that stay in memory when on NVMe; default 1e9
 * @param pinMemory whether what rests in memory, and staging buffers, are locked there
 */
public record OffloadParam(
        OffloadDevice device,
        Optional<Path> nvmePath,
        long bufferCount,
        long bufferSizeElements,
        long maxInCpuElements,
        Tunable<Boolean> pinMemory) {
    /** JSON pointer of the section. */
    public static final String POINTER = "/zero_optimization/offload_param";

    /** Checks every range, so that no later code has to. */
    public OffloadParam {
        if (bufferCount < 0 || bufferSizeElements < 0 || maxInCpuElements < 0) {
            throw new ConfigException(
                    POINTER,
                    "needs buffer_count, buffer_size and max_in_cpu of 0 or more, was %d, %d, %d"
                            .formatted(bufferCount, bufferSizeElements, maxInCpuElements));
        }
    }
}
