package ds.engine.checkpoint;

import ds.offload.FileOperations;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.CRC32C;

/** One rank's file, read by whole blocks, each checked against the manifest. Any thread may read. */
final class BlockReader implements AutoCloseable {
    private static final int BLOCK = Checksums.BLOCK_BYTES;

    private final FileOperations files;
    private final Path path;
    private final RankFile file;
    private final FileChannel channel;
    private List<SafetensorsHeader.Entry> entries = List.of();

    BlockReader(FileOperations files, Path path, RankFile file) {
        this.files = files;
        this.path = path;
        this.file = file;
        try {
            channel = FileChannel.open(path, StandardOpenOption.READ, LinkOption.NOFOLLOW_LINKS);
        } catch (IOException e) {
            throw new CheckpointException(
                    "Checkpoint file %s cannot be opened: %s."
                            .formatted(path, CheckpointWriter.reason(e)),
                    e);
        }
    }

    /** Checks the size and every block, and parses the head. */
    void verify() {
        checkSize();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment block = arena.allocate(BLOCK);
            for (int i = 0; i < file.blockCrcs().size(); i++) {
                readBlock(i, block);
            }
        }
        parseHead();
    }

    /** Checks everything and returns each problem; also the SHA-256 of the file. */
    List<String> problems() {
        List<String> problems = new ArrayList<>();
        try {
            checkSize();
            MessageDigest digest = Checksums.sha256();
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment block = arena.allocate(BLOCK);
                for (int i = 0; i < file.blockCrcs().size(); i++) {
                    try {
                        digest.update(readBlock(i, block));
                    } catch (CheckpointException e) {
                        problems.add(e.getMessage());
                    }
                }
            }
            if (problems.isEmpty() && !Checksums.hex(digest.digest()).equals(file.sha256())) {
                problems.add("%s does not match its SHA-256.".formatted(path));
            }
            if (problems.isEmpty()) {
                parseHead();
            }
        } catch (CheckpointException e) {
            problems.add(e.getMessage());
        }
        return problems;
    }

    private void checkSize() {
        try {
            long blocks = (file.sizeBytes() + BLOCK - 1) / BLOCK;
            if (channel.size() != file.sizeBytes() || blocks != file.blockCrcs().size()) {
                throw new CheckpointException(
                        "Checkpoint file %s has %,d bytes, its manifest says %,d in %,d blocks."
                                .formatted(
                                        path,
                                        channel.size(),
                                        file.sizeBytes(),
                                        file.blockCrcs().size()));
            }
        } catch (IOException e) {
            throw unreadable(0, e);
        }
    }

    private void parseHead() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment head = arena.allocate(SafetensorsHeader.LENGTH_BYTES);
            if (file.sizeBytes() < head.byteSize()) {
                throw new CheckpointException(
                        "%s is too short for a safetensors file.".formatted(path));
            }
            read(0, head);
            int length =
                    SafetensorsHeader.length(
                            head.asByteBuffer(), file.sizeBytes(), path.toString());
            byte[] text = new byte[length];
            read(SafetensorsHeader.LENGTH_BYTES, MemorySegment.ofArray(text));
            entries = SafetensorsHeader.decode(text, file.sizeBytes(), path.toString());
        }
    }

    List<SafetensorsHeader.Entry> entries() {
        return entries;
    }

    /** Reads bytes, each from a block that matched its checksum. */
    void read(long offsetBytes, MemorySegment into) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment block = arena.allocate(BLOCK);
            long done = 0;
            while (done < into.byteSize()) {
                long at = offsetBytes + done;
                int index = Math.toIntExact(at / BLOCK);
                int inBlock = (int) (at % BLOCK);
                int size = readBlock(index, block).remaining();
                long count = Math.min(size - inBlock, into.byteSize() - done);
                if (count <= 0) {
                    throw new CheckpointException(
                            "%s ends at byte %,d, byte %,d was asked for."
                                    .formatted(path, file.sizeBytes(), at));
                }
                MemorySegment.copy(block, inBlock, into, done, count);
                done += count;
            }
        }
    }

    private ByteBuffer readBlock(int index, MemorySegment block) {
        long position = (long) index * BLOCK;
        int size = (int) Math.min(BLOCK, file.sizeBytes() - position);
        ByteBuffer bytes = block.asSlice(0, Math.max(0, size)).asByteBuffer();
        try {
            CheckpointDirectory.readFully(files, channel, path, bytes, position);
        } catch (IOException e) {
            throw unreadable(position, e);
        }
        CRC32C crc = new CRC32C();
        crc.update(bytes.flip().duplicate());
        int expected = file.blockCrcs().get(index);
        if ((int) crc.getValue() != expected) {
            throw new CheckpointException(
                    "Checkpoint file %s is corrupt in block %,d (bytes %,d to %,d): CRC32C %s, expected %s."
                            .formatted(
                                    path,
                                    index,
                                    position,
                                    position + size,
                                    Checksums.hex((int) crc.getValue()),
                                    Checksums.hex(expected)));
        }
        return bytes;
    }

    private CheckpointException unreadable(long position, IOException e) {
        return new CheckpointException(
                "Cannot read checkpoint file %s at byte %,d: %s."
                        .formatted(path, position, CheckpointWriter.reason(e)),
                e);
    }

    @Override
    public void close() {
        try {
            channel.close();
        } catch (IOException e) {
            throw unreadable(0, e);
        }
    }
}
