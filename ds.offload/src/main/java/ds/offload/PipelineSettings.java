package ds.offload;

import java.time.Duration;

/**
 * How a store on NVMe overlaps transfers with the step.
 *
 * @param chunkBytes the most that one staging slot holds, over all arrays; at least 4 KiB per array
 * @param slots what chunks are staged in
 * @param waiting how a lane waits for the other
 * @param stuckAfter the age at which a request under way is an error
 * @param aio how transfers are handed to the operating system
 */
public record PipelineSettings(
        long chunkBytes, StagingSlots slots, Wait waiting, Duration stuckAfter, AioSettings aio) {
    /** 32 MiB per slot, four slots, blocking, 60 seconds, DeepSpeed's own {@code aio} keys. */
    public static final PipelineSettings DEFAULT =
            new PipelineSettings(
                    32L << 20,
                    StagingSlots.of(4),
                    Wait.BLOCKING,
                    Duration.ofSeconds(60),
                    AioSettings.DEFAULT);

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
        if (stuckAfter.isNegative() || stuckAfter.isZero()) {
            throw new IllegalArgumentException(
                    "stuckAfter must be positive, was %s.".formatted(stuckAfter));
        }
    }

    /** Returns these settings with another chunk size. */
    public PipelineSettings withChunkBytes(long bytes) {
        return new PipelineSettings(bytes, slots, waiting, stuckAfter, aio);
    }

    /** Returns these settings with another number of slots. */
    public PipelineSettings withBufferCount(int count) {
        return withSlots(slots.withCount(count));
    }

    /** Returns these settings with other slots. */
    public PipelineSettings withSlots(StagingSlots other) {
        return new PipelineSettings(chunkBytes, other, waiting, stuckAfter, aio);
    }

    /** Returns how many slots there are at most. */
    public int bufferCount() {
        return slots.count();
    }

    /** Returns these settings with the slots that a place asks for. */
    public PipelineSettings at(RestingPlace.OnNvme place) {
        return withSlots(place.slots()).withChunkBytes(Math.min(chunkBytes, place.bufferBytes()));
    }

    /** Returns these settings with another way of waiting. */
    public PipelineSettings withWaiting(Wait how) {
        return new PipelineSettings(chunkBytes, slots, how, stuckAfter, aio);
    }

    /** Returns these settings with another limit for a request's age. */
    public PipelineSettings withStuckAfter(Duration limit) {
        return new PipelineSettings(chunkBytes, slots, waiting, limit, aio);
    }

    /** Returns these settings with transfers handed over in another way. */
    public PipelineSettings withAio(AioSettings how) {
        return new PipelineSettings(chunkBytes, slots, waiting, stuckAfter, how);
    }

    /** Returns how a file is opened that each slot has one transfer under way in. */
    StorageSettings storage() {
        return new StorageSettings(bufferCount(), stuckAfter, aio);
    }
}
