package ds.offload;

import java.util.ArrayList;
import java.util.List;

/**
 * The chunks of a step, in order: pieces of runs that are short enough for a slot, cut where a
 * checksum block ends. Pure arithmetic.
 *
 * @param blockBytes the bytes of a checksum block of one fp32 array; a power of two
 * @param chunks in the order in which a step sees them
 * @param stored those of them that rest in files
 * @param resident the others, which stay in memory, and such pieces of the runs that no step goes
 *     through
 */
record ChunkPlan(int blockBytes, List<Chunk> chunks, List<Chunk> stored, List<Chunk> resident) {
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
        stored = List.copyOf(stored);
        resident = List.copyOf(resident);
    }

    /** As the other one, with all chunks in files. */
    static ChunkPlan of(StateLayout layout, long chunkBytes) {
        return of(layout, chunkBytes, 1);
    }

    /**
     * Cuts {@code layout} into chunks of at most {@code chunkBytes} over all arrays.
     *
     * @param share of the elements that rest in files, 0 to 1, to the nearest chunk
     * @throws IllegalArgumentException if not even one block per array fits
     */
    static ChunkPlan of(StateLayout layout, long chunkBytes, double share) {
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
        List<Chunk> stored = new ArrayList<>();
        List<Chunk> resident = new ArrayList<>();
        long runStart = 0;
        long inFiles = 0;
        for (int run = 0; run < layout.runLengths().size(); run++) {
            long length = layout.runLengths().get(run);
            for (long at = 0; at < length; at += step) {
                Chunk chunk = new Chunk(run, at, runStart + at, Math.min(step, length - at));
                // Evenly spread, so that one in memory is stepped while another is read.
                boolean rests =
                        inFiles + chunk.length() / 2.0 < share * (chunk.first() + chunk.length());
                inFiles += rests ? chunk.length() : 0;
                if (!rests) {
                    resident.add(chunk);
                }
                if (layout.isChunked(run)) {
                    chunks.add(chunk);
                    if (rests) {
                        stored.add(chunk);
                    }
                }
            }
            runStart += length;
        }
        return new ChunkPlan(block, chunks, stored, resident);
    }

    /** Returns the elements of the longest chunk. */
    long longest() {
        return chunks.stream().mapToLong(Chunk::length).max().orElse(0);
    }
}
