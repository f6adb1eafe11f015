package ds.cli;

import ds.core.DType;
import ds.core.FlatBuffer;
import ds.core.MemoryKind;
import ds.core.RankMemory;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import java.util.zip.CRC32C;

/**
 * The arithmetic of an offloaded step and nothing else: every chunk's checksums before and after it,
 * spread over the workers, and the step between them, on as many buffers in memory as a step has.
 * Owned by one thread.
 */
final class ChunkArithmetic {
    private static final int BLOCK_BYTES = 1 << 20;
    private static final int HEADER_BYTES = 48;

    private final AdamOnChunks adam;
    private final List<OffloadedStep.Chunk> chunks;
    private final List<List<FlatBuffer>> slots = new ArrayList<>();
    private final List<CRC32C> checksums;
    private final byte[] header = new byte[HEADER_BYTES];

    /**
     * Allocates the buffers.
     *
     * @param chunks of a step, in order
     * @param buffers chunks in memory at once
     */
    ChunkArithmetic(
            AdamOnChunks adam, RankMemory memory, List<OffloadedStep.Chunk> chunks, int buffers) {
        this.adam = adam;
        this.chunks = List.copyOf(chunks);
        int arrays = adam.layout().arrays().size();
        long longest = chunks.stream().mapToLong(OffloadedStep.Chunk::length).max().orElseThrow();
        for (int slot = 0; slot < Math.min(buffers, chunks.size()); slot++) {
            List<FlatBuffer> slotArrays = new ArrayList<>();
            for (int array = 0; array < arrays; array++) {
                slotArrays.add(memory.allocate(MemoryKind.STAGING, DType.FP32, longest));
            }
            slots.add(slotArrays);
        }
        int workers = adam.workers().count();
        this.checksums = IntStream.range(0, workers).mapToObj(_ -> new CRC32C()).toList();
    }

    /** Steps everything, and takes its checksums before and after if {@code checksums} says so. */
    void pass(boolean steps, boolean checksums) {
        for (int i = 0; i < chunks.size(); i++) {
            OffloadedStep.Chunk chunk = chunks.get(i);
            List<FlatBuffer> stored =
                    slots.get(i % slots.size()).stream()
                            .map(array -> array.slice(0, chunk.length()))
                            .toList();
            if (checksums) {
                check(stored);
            }
            if (steps) {
                adam.step(chunk.first(), adam.resident(chunk.first(), chunk.length()), stored);
            }
            if (checksums) {
                check(stored);
            }
        }
    }

    private void check(List<FlatBuffer> stored) {
        long size = stored.getFirst().sizeBytes();
        int blocks = Math.toIntExact(Math.ceilDiv(size, (long) BLOCK_BYTES));
        adam.workers()
                .run(
                        stored.size() * blocks,
                        (worker, part) -> {
                            ByteBuffer bytes = stored.get(part / blocks).segment().asByteBuffer();
                            long from = (long) (part % blocks) * BLOCK_BYTES;
                            CRC32C checksum = checksums.get(worker);
                            checksum.reset();
                            checksum.update(header);
                            checksum.update(
                                    bytes.slice(
                                            (int) from, (int) Math.min(BLOCK_BYTES, size - from)));
                        });
    }
}
