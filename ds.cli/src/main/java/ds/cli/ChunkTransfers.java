package ds.cli;

import ds.core.IoReason;
import ds.core.MemoryKind;
import ds.core.Pending;
import ds.core.RankMemory;
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
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Queue;
import java.util.SplittableRandom;

/**
 * The reads and writes of an offloaded step and nothing else: every chunk of every array is read from
 * one half of a file of its own and written to the other half, by way of as many buffers as a step
 * has. Owned by one thread.
 */
final class ChunkTransfers implements AutoCloseable {
    private static final int PIECE_BYTES = 4 << 20;

    private final List<Long> chunkBytes;
    private final long arrayBytes;
    private final List<Path> files = new ArrayList<>();
    private final List<StorageBackend> backends = new ArrayList<>();

    /** By slot, then by array. */
    private final List<List<MemorySegment>> slots = new ArrayList<>();

    private final Queue<UnderWay> underWay = new ArrayDeque<>();
    private boolean swapped;

    /** One chunk in one direction: a transfer for each array. */
    private record UnderWay(int chunk, boolean write, Pending[] transfers) {}

    /**
     * What is moved.
     *
     * @param chunkBytes of one array, in order; multiples of 4 KiB
     * @param arrays how many files
     * @param buffers chunks in memory at once
     */
    record Shape(List<Long> chunkBytes, int arrays, int buffers) {
        Shape {
            chunkBytes = List.copyOf(chunkBytes);
        }
    }

    /**
     * Creates the files, of twice what the chunks come to.
     *
     * @throws StorageException if they cannot be written
     */
    ChunkTransfers(
            Path directory,
            StorageProvider provider,
            StorageSettings settings,
            RankMemory memory,
            Shape shape) {
        this.chunkBytes = shape.chunkBytes();
        this.arrayBytes = chunkBytes.stream().mapToLong(Long::longValue).sum();
        long longest = chunkBytes.stream().mapToLong(Long::longValue).max().orElseThrow();
        for (int slot = 0; slot < Math.min(shape.buffers(), chunkBytes.size()); slot++) {
            List<MemorySegment> areas = new ArrayList<>();
            for (int array = 0; array < shape.arrays(); array++) {
                areas.add(noise(memory.allocateBytes(MemoryKind.STAGING, longest)));
            }
            slots.add(areas);
        }
        boolean whole = false;
        try {
            for (int array = 0; array < shape.arrays(); array++) {
                create(directory, slots.getFirst().get(array));
                StorageBackend backend =
                        provider.open(files.getLast(), settings, FileOperations.system());
                backends.add(backend);
                int index = array;
                backend.register(slots.stream().map(areas -> areas.get(index)).toList());
            }
            whole = true;
        } finally {
            if (!whole) {
                close();
            }
        }
    }

    /** Fills memory with what nothing compresses. */
    private static MemorySegment noise(MemorySegment area) {
        SplittableRandom random = new SplittableRandom(area.address());
        for (long at = 0; at < area.byteSize(); at += Long.BYTES) {
            area.set(ValueLayout.JAVA_LONG, at, random.nextLong());
        }
        return area;
    }

    private void create(Path directory, MemorySegment bytes) {
        long end = 2 * arrayBytes;
        try {
            Path file = Files.createTempFile(directory, "ds-bench-", ".bin");
            files.add(file);
            try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
                long size = Math.min(PIECE_BYTES, bytes.byteSize());
                for (long at = 0; at < end; ) {
                    ByteBuffer from = bytes.asSlice(0, Math.min(size, end - at)).asByteBuffer();
                    while (from.hasRemaining()) {
                        at += channel.write(from, at);
                    }
                }
                channel.force(true);
            }
        } catch (IOException e) {
            throw new StorageException(
                    "A file of %,d bytes cannot be written in %s: %s."
                            .formatted(end, directory, IoReason.of(e)),
                    e);
        }
    }

    /** Returns the bytes that a pass reads, and as many that it writes. */
    long bytes() {
        return arrayBytes * files.size();
    }

    /**
     * Reads and writes everything once: reads ahead as far as there are buffers, and writes each chunk
     * as soon as it is read.
     *
     * @throws StorageException if a byte did not move
     */
    void pass() {
        long[] moved = new long[2];
        int read = 0;
        int written = 0;
        while (written < chunkBytes.size()) {
            while (read < chunkBytes.size() && read - written < slots.size()) {
                submit(read++, false);
            }
            backends.forEach(StorageBackend::poll);
            UnderWay oldest = underWay.remove();
            for (Pending transfer : oldest.transfers()) {
                moved[oldest.write() ? 1 : 0] += transfer.await();
            }
            if (oldest.write()) {
                written++;
            } else {
                submit(oldest.chunk(), true);
            }
        }
        swapped = !swapped;
        if (moved[0] != bytes() || moved[1] != bytes()) {
            throw new StorageException(
                    "%s moved %s of %,d bytes each way."
                            .formatted(
                                    backends.getFirst().name(), Arrays.toString(moved), bytes()));
        }
    }

    private void submit(int chunk, boolean write) {
        long first = chunkBytes.subList(0, chunk).stream().mapToLong(Long::longValue).sum();
        long offset = (write ^ swapped ? arrayBytes : 0) + first;
        List<MemorySegment> areas = slots.get(chunk % slots.size());
        Pending[] transfers = new Pending[files.size()];
        for (int array = 0; array < transfers.length; array++) {
            MemorySegment area = areas.get(array).asSlice(0, chunkBytes.get(chunk));
            StorageBackend backend = backends.get(array);
            transfers[array] = write ? backend.write(offset, area) : backend.read(offset, area);
        }
        underWay.add(new UnderWay(chunk, write, transfers));
    }

    /** Makes what was written durable. */
    void sync() {
        backends.forEach(StorageBackend::sync);
    }

    /** Closes and deletes the files. */
    @Override
    public void close() {
        backends.forEach(StorageBackend::close);
        for (Path file : files) {
            try {
                Files.deleteIfExists(file);
            } catch (IOException e) {
                throw new StorageException(
                        "Cannot delete %s: %s.".formatted(file, IoReason.of(e)), e);
            }
        }
    }
}
