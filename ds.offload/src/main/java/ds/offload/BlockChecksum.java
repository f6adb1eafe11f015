package ds.offload;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.zip.CRC32C;

/**
 * The checksum of a block of extents: CRC32C over store, file, extent, block number, slot and
 * generation, then the bytes, padding too. So a corrupt, a misdirected and a stale block are noticed
 * alike.
 */
record BlockChecksum(long storeId, int file) {
    private static final int HEADER_BYTES = 48;

    /** Begins the checksum of a block, which takes its bytes next. */
    CRC32C begin(int extent, int block, int slot, int generation) {
        ByteBuffer header = ByteBuffer.allocate(HEADER_BYTES).order(ByteOrder.LITTLE_ENDIAN);
        header.putLong(storeId).putLong(file).putLong(extent).putLong(block);
        header.putLong(slot).putLong(generation);
        CRC32C crc = new CRC32C();
        crc.update(header.array(), 0, HEADER_BYTES);
        return crc;
    }

    /** Returns the checksum of a block of all the bytes that remain. */
    int of(int extent, int block, int slot, int generation, ByteBuffer bytes) {
        CRC32C crc = begin(extent, block, slot, generation);
        crc.update(bytes);
        return (int) crc.getValue();
    }
}
