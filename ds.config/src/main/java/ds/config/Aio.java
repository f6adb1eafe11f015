package ds.config;

/**
 * The {@code aio} section: how the offload hands transfers to the operating system.
 *
 * <p>Source: DeepSpeed {@code runtime/swap_tensor/aio_config.py}, same names and defaults.
 *
 * @param blockSize bytes of one request; default 1 MiB
 * @param queueDepth requests under way at once, per file; default 8
 * @param intraOpParallelism threads per file; default 1
 * @param singleSubmit whether requests are handed over one by one; default false
 * @param overlapEvents whether requests are handed over while others are under way; default true
 */
public record Aio(
        long blockSize,
        long queueDepth,
        long intraOpParallelism,
        boolean singleSubmit,
        boolean overlapEvents) {}
