package ds.offload;

import ds.core.Pending;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;

/**
 * One array of a store in its file: chunks as the step counts them, bytes as they lie.
 *
 * @param file the extents, one for each run
 * @param blocks how elements lie in them
 */
record ArrayFile(ExtentFile file, EncodedBlocks blocks) {
    /** Returns the bytes of a chunk, which begins with a block, padded as files are. */
    long sizeBytes(long chunkElements) {
        return ExtentFile.padded(blocks.bytesOf(chunkElements));
    }

    private MemorySegment part(ChunkPlan.Chunk chunk, MemorySegment area) {
        return area.asSlice(0, sizeBytes(chunk.length()));
    }

    /** Starts reading a chunk. */
    Pending read(ChunkPlan.Chunk chunk, MemorySegment area) {
        return file.read(chunk.run(), blocks.offset(chunk.firstInRun()), part(chunk, area));
    }

    /** Starts writing a sealed chunk. */
    Pending write(ChunkPlan.Chunk chunk, MemorySegment area) {
        return file.write(chunk.run(), blocks.offset(chunk.firstInRun()), part(chunk, area));
    }

    /** Checks the blocks of a chunk that was read. */
    void verify(ChunkPlan.Chunk chunk, ByteBuffer bytes) {
        long offset = blocks.offset(chunk.firstInRun());
        file.verify(chunk.run(), offset, bytes, sizeBytes(chunk.length()));
    }

    /** Returns how many checksum blocks a chunk lies in. */
    int blockCount(ChunkPlan.Chunk chunk) {
        return file.blocks(sizeBytes(chunk.length()));
    }

    /** Checks one of the blocks of a chunk that was read. Several threads may be in it. */
    void verifyBlock(ChunkPlan.Chunk chunk, ByteBuffer bytes, int number) {
        file.verifyBlock(chunk.run(), blocks.offset(chunk.firstInRun()), bytes, number);
    }

    /** Moves a chunk's blocks to their next slots; {@link #sealBlock} of each comes next. */
    void beginSeal(ChunkPlan.Chunk chunk) {
        long offset = blocks.offset(chunk.firstInRun());
        file.beginSeal(chunk.run(), offset, sizeBytes(chunk.length()));
    }

    /** Takes the checksum of one of a chunk's blocks. Several threads may be in it. */
    void sealBlock(ChunkPlan.Chunk chunk, ByteBuffer bytes, int number) {
        file.sealBlock(chunk.run(), blocks.offset(chunk.firstInRun()), bytes, number);
    }

    /** Takes the checksums of a chunk that is about to be written. */
    void seal(ChunkPlan.Chunk chunk, ByteBuffer bytes) {
        long offset = blocks.offset(chunk.firstInRun());
        file.seal(chunk.run(), offset, bytes, sizeBytes(chunk.length()));
    }
}
