package ds.offload;

import java.util.ArrayList;
import java.util.List;

/**
 * The chunks of a step, in order: pieces of runs that are short enough for a slot, cut where a
 * checksum block ends. Pure arithmetic.
 *
 * @param blockBytes the bytes of a checksum block of one fp32 array; a power of two
 * @param chunks in the order in which a step sees them
 */
record ChunkPlan(int blockBytes, List<Chunk> chunks) {
    private static final int BLOCK_BYTES_MAX = 1 << 20;
    private static final int BLOCK_BYTES_MIN = 4096;
    private static final int ELEMENT_BYTES = 4;

    /**
     * One chunk.
     *
     * @param run the run it lies in
     * @param firstInRun its first element, counted in the run
     * @param first its first element, counted in the owned space
     * @param length its elements
     */
    record Chunk(int run, long firstInRun, long first, long length) {}

    ChunkPlan {
        chunks = List.copyOf(chunks);
    }

    /**
     * Cuts {@code layout} into chunks of at most {@code chunkBytes} over all arrays.
     *
     * @throws IllegalArgumentException if not even one block per array fits
     */
    static ChunkPlan of(StateLayout layout, long chunkBytes) {
        long arrayBytes = chunkBytes / layout.arrays().size();
        if (arrayBytes < BLOCK_BYTES_MIN) {
            throw new IllegalArgumentException(
                    "A chunk of %,d bytes cannot hold 4,096 bytes of each of %d arrays; raise chunk_bytes to %,d."
                            .formatted(
                                    chunkBytes,
                                    layout.arrays().size(),
                                    (long) BLOCK_BYTES_MIN * layout.arrays().size()));
        }
        int block = (int) Math.min(BLOCK_BYTES_MAX, Long.highestOneBit(arrayBytes));
        long step = arrayBytes / block * block / ELEMENT_BYTES;
        List<Chunk> chunks = new ArrayList<>();
        long runStart = 0;
        for (int run = 0; run < layout.runLengths().size(); run++) {
            long length = layout.runLengths().get(run);
            for (long at = 0; layout.isChunked(run) && at < length; at += step) {
                chunks.add(new Chunk(run, at, runStart + at, Math.min(step, length - at)));
            }
            runStart += length;
        }
        return new ChunkPlan(block, chunks);
    }

    /** Returns the elements of the longest chunk. */
    long longest() {
        return chunks.stream().mapToLong(Chunk::length).max().orElse(0);
    }
}
