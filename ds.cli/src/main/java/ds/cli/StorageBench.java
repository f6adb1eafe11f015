package ds.cli;

import ds.core.HostMemories;
import ds.core.IoReason;
import ds.core.MemoryKind;
import ds.core.Pending;
import ds.core.RankMemory;
import ds.offload.AioSettings;
import ds.offload.FileOperations;
import ds.offload.StorageBackend;
import ds.offload.StorageException;
import ds.offload.StorageSettings;
import ds.offload.spi.StorageProvider;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Queue;
import java.util.SplittableRandom;

/** Passes over a file of its own through one storage backend. */
final class StorageBench implements AutoCloseable {
    private static final Duration STUCK_AFTER = Duration.ofMinutes(1);
    private static final long RESERVE_BYTES = 1L << 30;

    private final Path file;
    private final long bytes;
    private final List<MemorySegment> buffers = new ArrayList<>();
    private final RankMemory memory = new RankMemory(HostMemories.best(ModuleLayer.boot()));

    /**
     * Writes a file that nothing compresses.
     *
     * @param transferBytes of one transfer, a multiple of 4 KiB
     * @param transfers under way at once
     * @param bytes of the file, rounded up to whole transfers
     * @throws UserMistakeException if the directory cannot take it
     */
    StorageBench(Path directory, int transferBytes, int transfers, long bytes) {
        this.bytes = Math.ceilDiv(bytes, transferBytes) * transferBytes;
        // In one piece, as the pipeline's slots are large: that gets huge pages where there are
        // any.
        MemorySegment all =
                memory.allocateBytes(MemoryKind.STAGING, (long) transferBytes * transfers);
        SplittableRandom random = new SplittableRandom(1);
        byte[] noise = new byte[transferBytes];
        for (int i = 0; i < transfers; i++) {
            MemorySegment buffer = all.asSlice((long) i * transferBytes, transferBytes);
            random.nextBytes(noise);
            MemorySegment.copy(noise, 0, buffer, ValueLayout.JAVA_BYTE, 0, transferBytes);
            buffers.add(buffer);
        }
        this.file = create(directory);
    }

    private Path create(Path directory) {
        try {
            long usable = FileOperations.system().usableBytes(directory);
            if (usable < bytes + RESERVE_BYTES) {
                throw new UserMistakeException(
                        "%s has %,d bytes left and the file takes %,d (1 GiB stays free); make --size smaller, or name another directory."
                                .formatted(directory, usable, bytes));
            }
            Path made = Files.createTempFile(directory, "ds-bench-", ".bin");
            try (FileChannel channel = FileChannel.open(made, StandardOpenOption.WRITE)) {
                for (long at = 0; at < bytes; ) {
                    ByteBuffer from = buffers.getFirst().asByteBuffer();
                    while (from.hasRemaining()) {
                        at += channel.write(from, at);
                    }
                }
                channel.force(true);
            } catch (IOException e) {
                Files.deleteIfExists(made);
                throw e;
            }
            return made;
        } catch (IOException e) {
            throw new UserMistakeException(
                    "A file cannot be written in %s: %s. Name a directory that this user can write to."
                            .formatted(directory, IoReason.of(e)));
        }
    }

    Path file() {
        return file;
    }

    long bytes() {
        return bytes;
    }

    /** Opens the file with one backend. */
    StorageBackend open(StorageProvider provider, AioSettings aio) {
        StorageBackend backend =
                provider.open(
                        file,
                        new StorageSettings(buffers.size(), STUCK_AFTER, aio),
                        FileOperations.system());
        backend.register(Collections.unmodifiableList(buffers));
        return backend;
    }

    /**
     * Moves the whole file once, with as many transfers under way as there are buffers.
     *
     * @throws StorageException if a byte did not move
     */
    void pass(StorageBackend backend, boolean write) {
        Queue<Pending> underWay = new ArrayDeque<>();
        int size = (int) buffers.getFirst().byteSize();
        long moved = 0;
        for (long at = 0; at < bytes; at += size) {
            if (underWay.size() == buffers.size()) {
                moved += underWay.remove().await();
            }
            MemorySegment buffer = buffers.get((int) (at / size % buffers.size()));
            underWay.add(write ? backend.write(at, buffer) : backend.read(at, buffer));
        }
        while (!underWay.isEmpty()) {
            moved += underWay.remove().await();
        }
        if (moved != bytes) {
            throw new StorageException(
                    "%s moved %,d of %,d bytes of %s."
                            .formatted(backend.name(), moved, bytes, file));
        }
    }

    @Override
    public void close() {
        memory.close();
        try {
            Files.deleteIfExists(file);
        } catch (IOException e) {
            throw new StorageException("Cannot delete %s: %s.".formatted(file, IoReason.of(e)), e);
        }
    }
}
