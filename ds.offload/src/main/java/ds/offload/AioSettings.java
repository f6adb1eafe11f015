package ds.offload;

/**
 * How a storage backend hands transfers to the operating system; DeepSpeed's {@code aio} keys.
 * {@code libaio} and {@code io_uring} cut transfers into blocks and keep several in their kernel
 * queue; {@code channel} and {@code mapped} have threads instead, and obey {@code parallelism} alone.
 *
 * @param blockBytes the bytes of one request to the kernel; a multiple of 4 KiB, up to 1 GiB
 * @param queueDepth requests with the kernel at once, per file; 1 to 4,096
 * @param parallelism threads per file of the backends that have threads; 1 to 256
 * @param singleSubmit whether each request is handed over by a call of its own
 * @param overlapEvents whether requests are handed over while others are under way; if not, the
 *     queue runs empty first
 */
public record AioSettings(
        int blockBytes,
        int queueDepth,
        int parallelism,
        boolean singleSubmit,
        boolean overlapEvents) {
    /** DeepSpeed's own: 1 MiB, 8 requests, one thread, batches, overlapped. */
    public static final AioSettings DEFAULT = new AioSettings(1 << 20, 8, 1, false, true);

    /** The unit of {@link #blockBytes}, which direct transfers need. */
    public static final int BLOCK_UNIT_BYTES = 4096;

    /** The largest {@link #blockBytes}. */
    public static final int BLOCK_BYTES_MAX = 1 << 30;

    /** The largest {@link #queueDepth}. */
    public static final int QUEUE_DEPTH_MAX = 4096;

    /** The largest {@link #parallelism}. */
    public static final int PARALLELISM_MAX = 256;

    /** Checks every range. */
    public AioSettings {
        if (blockBytes < BLOCK_UNIT_BYTES
                || blockBytes > BLOCK_BYTES_MAX
                || blockBytes % BLOCK_UNIT_BYTES != 0) {
            throw new IllegalArgumentException(
                    "block_size must be a multiple of %,d up to %,d, was %,d."
                            .formatted(BLOCK_UNIT_BYTES, BLOCK_BYTES_MAX, blockBytes));
        }
        require("queue_depth", queueDepth, QUEUE_DEPTH_MAX);
        require("intra_op_parallelism", parallelism, PARALLELISM_MAX);
    }

    private static void require(String name, int value, int most) {
        if (value < 1 || value > most) {
            throw new IllegalArgumentException(
                    "%s must be 1 to %,d, was %,d.".formatted(name, most, value));
        }
    }

    /** Returns these settings with another block size. */
    public AioSettings withBlockBytes(int bytes) {
        return new AioSettings(bytes, queueDepth, parallelism, singleSubmit, overlapEvents);
    }

    /** Returns these settings with another depth. */
    public AioSettings withQueueDepth(int depth) {
        return new AioSettings(blockBytes, depth, parallelism, singleSubmit, overlapEvents);
    }

    /** Returns these settings with another number of threads. */
    public AioSettings withParallelism(int threads) {
        return new AioSettings(blockBytes, queueDepth, threads, singleSubmit, overlapEvents);
    }
}
