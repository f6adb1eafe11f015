package ds.offload;

/**
 * Where the elements of a run lie among its bytes at rest: block after block, each of whole granules
 * and then padding, if any. Pure arithmetic.
 *
 * @param granuleBytes of 1,024 elements
 * @param blockElements of a block; a multiple of 1,024
 * @param blockBytes of a block, with its padding
 */
record EncodedBlocks(int granuleBytes, int blockElements, int blockBytes) {
    private static final int GRANULE = StateLayout.GRANULE_ELEMENTS;

    /**
     * Returns the blocks of a file: as many elements as {@code fp32Bytes} of fp32, padded to 4 KiB.
     */
    static EncodedBlocks inFiles(int granuleBytes, int fp32Bytes) {
        int elements = fp32Bytes / Float.BYTES;
        long bytes = ExtentFile.padded((long) elements / GRANULE * granuleBytes);
        return new EncodedBlocks(granuleBytes, elements, Math.toIntExact(bytes));
    }

    /** Returns granules without padding between them. */
    static EncodedBlocks inMemory(int granuleBytes) {
        return new EncodedBlocks(granuleBytes, GRANULE, granuleBytes);
    }

    /** Returns where the granule of an element begins. */
    long offset(long elementInRun) {
        return elementInRun / blockElements * blockBytes
                + elementInRun % blockElements / GRANULE * granuleBytes;
    }

    /** Returns the bytes of the first {@code elements} of a run, whole granules; no padding after them. */
    long bytesOf(long elements) {
        return offset(elements);
    }

    /** Returns the bytes of that many elements that lie in one block. */
    long packedBytes(long elements) {
        return elements / GRANULE * granuleBytes;
    }

    /** Returns how many elements from one on, at most {@code wanted}, lie together. */
    long together(long elementInRun, long wanted) {
        boolean padded = packedBytes(blockElements) < blockBytes;
        return padded ? Math.min(wanted, blockElements - elementInRun % blockElements) : wanted;
    }
}
