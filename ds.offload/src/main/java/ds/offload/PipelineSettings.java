package ds.offload;

import java.time.Duration;

/**
 * How a store on NVMe overlaps transfers with the step.
 *
 * @param chunkBytes the most that one staging slot holds, over all arrays; at least 4 KiB per array
 * @param bufferCount staging slots, 1 to 256; with one there is no overlap
 * @param waiting how a lane waits for the other
 * @param stuckAfter the age at which a request under way is an error
 * @param aio how transfers are handed to the operating system
 */
public record PipelineSettings(
        long chunkBytes, int bufferCount, Wait waiting, Duration stuckAfter, AioSettings aio) {
    /** 32 MiB per slot, four slots, blocking, 60 seconds, DeepSpeed's own {@code aio} keys. */
    public static final PipelineSettings DEFAULT =
            new PipelineSettings(
                    32L << 20, 4, Wait.BLOCKING, Duration.ofSeconds(60), AioSettings.DEFAULT);

    private static final int BUFFER_COUNT_MAX = 256;
    private static final long CHUNK_BYTES_MAX = 1L << 30;

    /** How a lane waits for the other. */
    public enum Wait {
        /** Sleeps until woken: the default, since cores are for computing. */
        BLOCKING,
        /** Spins and yields: lower latency where cores are to spare. */
        YIELD
    }

    /** Checks every range. */
    public PipelineSettings {
        if (chunkBytes < 4096 || chunkBytes > CHUNK_BYTES_MAX) {
            throw new IllegalArgumentException(
                    "chunkBytes must be 4,096 to %,d, was %,d."
                            .formatted(CHUNK_BYTES_MAX, chunkBytes));
        }
        if (bufferCount < 1 || bufferCount > BUFFER_COUNT_MAX) {
            throw new IllegalArgumentException(
                    "bufferCount must be 1 to %d, was %d."
                            .formatted(BUFFER_COUNT_MAX, bufferCount));
        }
        if (stuckAfter.isNegative() || stuckAfter.isZero()) {
            throw new IllegalArgumentException(
                    "stuckAfter must be positive, was %s.".formatted(stuckAfter));
        }
    }

    /** Returns these settings with another chunk size. */
    public PipelineSettings withChunkBytes(long bytes) {
        return new PipelineSettings(bytes, bufferCount, waiting, stuckAfter, aio);
    }

    /** Returns these settings with another number of slots. */
    public PipelineSettings withBufferCount(int count) {
        return new PipelineSettings(chunkBytes, count, waiting, stuckAfter, aio);
    }

    /** Returns these settings with the slots that a place asks for. */
    public PipelineSettings at(RestingPlace.OnNvme place) {
        return withBufferCount(place.bufferCount())
                .withChunkBytes(Math.min(chunkBytes, place.bufferBytes()));
    }

    /** Returns these settings with another way of waiting. */
    public PipelineSettings withWaiting(Wait how) {
        return new PipelineSettings(chunkBytes, bufferCount, how, stuckAfter, aio);
    }

    /** Returns these settings with another limit for a request's age. */
    public PipelineSettings withStuckAfter(Duration limit) {
        return new PipelineSettings(chunkBytes, bufferCount, waiting, limit, aio);
    }

    /** Returns these settings with transfers handed over in another way. */
    public PipelineSettings withAio(AioSettings how) {
        return new PipelineSettings(chunkBytes, bufferCount, waiting, stuckAfter, how);
    }

    /** Returns how a file is opened that each slot has one transfer under way in. */
    StorageSettings storage() {
        return new StorageSettings(bufferCount, stuckAfter, aio);
    }
}
