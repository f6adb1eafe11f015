package ds.offload;

import java.nio.ByteBuffer;
import java.util.List;
import java.util.function.IntConsumer;

/** The checksums of a chunk's blocks, of all arrays at once, on as many threads as there are. */
final class ChunkChecksums {
    private final List<ArrayFile> arrays;
    private final StateStore.Spread spread;

    /** Creates those of one step. */
    ChunkChecksums(List<ArrayFile> arrays, StateStore.Spread spread) {
        this.arrays = arrays;
        this.spread = spread;
    }

    /** Does something to one block of a chunk. */
    @FunctionalInterface
    private interface OfBlock {
        void run(ArrayFile array, ChunkPlan.Chunk chunk, ByteBuffer bytes, int block);
    }

    /**
     * Checks a chunk that was read.
     *
     * @throws StorageException if a block is not what was written
     */
    void verify(ChunkPlan.Chunk chunk, Staging staging) {
        each(chunk, staging, ArrayFile::verifyBlock);
    }

    /** Takes the checksums of a chunk that is about to be written. */
    void seal(ChunkPlan.Chunk chunk, Staging staging) {
        arrays.forEach(array -> array.beginSeal(chunk));
        each(chunk, staging, ArrayFile::sealBlock);
    }

    private void each(ChunkPlan.Chunk chunk, Staging staging, OfBlock work) {
        int[] ends = new int[arrays.size()];
        int blocks = 0;
        for (int i = 0; i < ends.length; i++) {
            blocks += arrays.get(i).blockCount(chunk);
            ends[i] = blocks;
        }
        IntConsumer part =
                number -> {
                    int array = 0;
                    while (number >= ends[array]) {
                        array++;
                    }
                    int before = array == 0 ? 0 : ends[array - 1];
                    work.run(arrays.get(array), chunk, staging.bytes().get(array), number - before);
                };
        spread.run(blocks, part);
    }
}
