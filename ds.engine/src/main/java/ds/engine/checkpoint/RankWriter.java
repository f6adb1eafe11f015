package ds.engine.checkpoint;

import ds.core.FlatBuffer;
import ds.offload.FileOperations;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.zip.CRC32C;

/**
 * Writes one rank's file, in the order in which its pieces were declared, holding one block in
 * memory. Owned by the rank's thread.
 */
public final class RankWriter implements AutoCloseable {
    private final FileOperations files;
    private final Path file;
    private final List<Piece> pieces;
    private final Consumer<RankFile> done;
    private final FileChannel channel;
    private final ByteBuffer block = ByteBuffer.allocateDirect(Checksums.BLOCK_BYTES);
    private final MessageDigest digest = Checksums.sha256();
    private final List<Integer> blockCrcs = new ArrayList<>();
    private long positionBytes;
    private int piece;
    private long putElements;
    private boolean finished;

    RankWriter(
            FileOperations files,
            Path file,
            int rank,
            List<Piece> pieces,
            Consumer<RankFile> done) {
        this.files = files;
        this.file = file;
        this.pieces = pieces;
        this.done = done;
        try {
            channel =
                    FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
        } catch (IOException e) {
            throw failed("create", e);
        }
        try {
            write(MemorySegment.ofArray(SafetensorsHeader.encode(rank, pieces)));
        } catch (CheckpointException e) {
            close();
            throw e;
        }
    }

    /**
     * Appends the next elements of the piece that is due; a piece may come in several calls.
     *
     * @param offsetElements where in the parameter {@code elements} starts
     * @throws IllegalArgumentException if another piece, offset or type is due
     * @throws CheckpointException if the file cannot be written
     */
    public void put(String kind, String parameter, long offsetElements, FlatBuffer elements) {
        Piece due = piece < pieces.size() ? pieces.get(piece) : null;
        if (due == null
                || !due.kind().equals(kind)
                || !due.parameter().equals(parameter)
                || due.offsetElements() + putElements != offsetElements
                || due.type() != elements.type()
                || due.lengthElements() - putElements < elements.lengthElements()) {
            throw new IllegalArgumentException(
                    "Was given %,d %s elements of %s/%s at %,d; due is %s after %,d elements of it."
                            .formatted(
                                    elements.lengthElements(),
                                    elements.type().jsonName(),
                                    kind,
                                    parameter,
                                    offsetElements,
                                    due == null ? "nothing" : due,
                                    putElements));
        }
        write(elements.segment());
        putElements += elements.lengthElements();
        if (putElements == due.lengthElements()) {
            piece++;
            putElements = 0;
        }
    }

    private void write(MemorySegment bytes) {
        long taken = 0;
        while (taken < bytes.byteSize()) {
            int count = (int) Math.min(block.remaining(), bytes.byteSize() - taken);
            block.put(bytes.asSlice(taken, count).asByteBuffer());
            taken += count;
            if (!block.hasRemaining()) {
                writeBlock();
            }
        }
    }

    private void writeBlock() {
        block.flip();
        int size = block.remaining();
        CRC32C crc = new CRC32C();
        crc.update(block.duplicate());
        digest.update(block.duplicate());
        blockCrcs.add((int) crc.getValue());
        try {
            files.writeFully(channel, file, block, positionBytes);
        } catch (IOException e) {
            throw failed("write", e);
        }
        positionBytes += size;
        block.clear();
    }

    /**
     * Writes what is left and makes the file durable.
     *
     * @throws IllegalStateException if not all pieces were put
     * @throws CheckpointException if the file cannot be written or synced
     */
    public void finish() {
        if (piece != pieces.size()) {
            throw new IllegalStateException(
                    "%s is not complete: %s is due.".formatted(file, pieces.get(piece)));
        }
        if (block.position() > 0) {
            writeBlock();
        }
        try {
            files.force(channel, file, true);
        } catch (IOException e) {
            throw failed("sync", e);
        }
        finished = true;
        done.accept(
                new RankFile(
                        file.getFileName().toString(),
                        positionBytes,
                        Checksums.hex(digest.digest()),
                        blockCrcs));
    }

    private CheckpointException failed(String what, IOException e) {
        return new CheckpointException(
                "Cannot %s checkpoint file %s at byte %,d: %s. The checkpoints before it are untouched."
                        .formatted(what, file, positionBytes, CheckpointWriter.reason(e)),
                e);
    }

    /** Closes the file; without {@link #finish()} the checkpoint cannot be committed. */
    @Override
    public void close() {
        try {
            channel.close();
        } catch (IOException e) {
            if (finished) {
                throw failed("close", e);
            }
        }
    }
}
