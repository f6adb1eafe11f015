package ds.config;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * The {@code jvm} object: settings that only this runtime has.
 *
 * @param warnOnUnknownKeys whether unknown keys are warnings; default false: errors
 * @param reduction {@code ordered}: the sum that gives the same bits everywhere
 * @param chunkBytes most optimizer state moved through memory at once, in bytes; default 32 MiB
 * @param pipelineWait how pipeline threads wait: block or yield; default block
 * @param workers compute threads per rank; empty leaves it to the planner
 * @param kernels the provider of the kernels; default {@code host}
 * @param seed seed of initial values, data order, dropout and stochastic rounding; default 42
 * @param stochasticRounding whether bf16 masters are rounded stochastically; default false
 * @param crashConsistent whether optimizer state on NVMe survives a crash; default true
 * @param commitEverySteps steps from one commit of it to the next; default 1
 * @param generations how often its extents are there: 2 or 3; default 2
 * @param nvmePaths directories that files on NVMe are dealt out to, in place of {@code nvme_path}; empty
 *     by default
 * @param storageBackend the provider that files on NVMe are opened with; default {@code auto}
 * @param stateCodec what encodes optimizer slots where they rest; default {@code fp32}: nothing
 * @param gradientsOnNvme whether a rank's accumulated gradients rest on NVMe; default false
 * @param journal where every boundary is noted; default nowhere
 */
public record Jvm(
        boolean warnOnUnknownKeys,
        String reduction,
        long chunkBytes,
        String pipelineWait,
        OptionalInt workers,
        String kernels,
        Tunable<Long> seed,
        boolean stochasticRounding,
        boolean crashConsistent,
        int commitEverySteps,
        int generations,
        List<Path> nvmePaths,
        String storageBackend,
        String stateCodec,
        boolean gradientsOnNvme,
        Optional<Journal> journal) {
    /** Copies the list; refuses a chunk smaller than a page. */
    public Jvm {
        nvmePaths = List.copyOf(nvmePaths);
        if (chunkBytes < 4096) {
            throw new ConfigException(
                    "/jvm/chunk_bytes", "must be 4096 or more, was " + chunkBytes);
        }
    }
}
