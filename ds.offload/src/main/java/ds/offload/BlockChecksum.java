package ds.offload;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.zip.CRC32C;

/**
 * The checksum of a block of extents: CRC32C over store, file, extent, block number, slot and
 * generation, then the bytes, padding too. So a corrupt, a misdirected and a stale block are noticed
 * alike. Owned by one thread at a time.
 */
final class BlockChecksum {
    private static final int HEADER_BYTES = 48;

    private final long storeId;
    private final int file;
    private final ByteBuffer header =
            ByteBuffer.allocate(HEADER_BYTES).order(ByteOrder.LITTLE_ENDIAN);
    private final CRC32C crc = new CRC32C();

    BlockChecksum(long storeId, int file) {
        this.storeId = storeId;
        this.file = file;
    }

    /** Begins the checksum of a block. */
    void begin(int extent, int block, int slot, int generation) {
        header.clear();
        header.putLong(storeId).putLong(file).putLong(extent).putLong(block);
        header.putLong(slot).putLong(generation);
        crc.reset();
        crc.update(header.array(), 0, HEADER_BYTES);
    }

    /** Takes some of the block's bytes. */
    void update(ByteBuffer bytes) {
        crc.update(bytes);
    }

    /** Returns the checksum. */
    int end() {
        return (int) crc.getValue();
    }
}
