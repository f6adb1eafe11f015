package ds.offload;

import ds.core.Pending;
import ds.offload.spi.StorageProvider;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ThreadLocalRandom;

/**
 * How fast a path is, roughly and within a second: what a small file there takes to be written, synced
 * and read, as the store's own backend does it. Through the page cache (channel, mapped) reading says
 * little, so that writing and the sync decide.
 */
public final class PathBandwidth {
    private static final int PIECE_BYTES = 1 << 20;
    private static final int PIECES = 32;
    private static final int DEPTH = 8;
    private static final Duration STUCK_AFTER = Duration.ofSeconds(60);

    /** A pass begins no more pieces after so long. */
    private static final long PASS_NANOS = 200_000_000;

    private PathBandwidth() {}

    /**
     * Measures paths, one after the other.
     *
     * @param paths existing, writable directories
     * @param provider opens the store's files
     * @param files the door through which every byte goes
     * @return bytes per second, read and written alike
     * @throws StorageException if a path cannot be written or has no room for a small file
     */
    public static List<Double> of(
            List<Path> paths, StorageProvider provider, AioSettings aio, FileOperations files) {
        List<Double> found = new ArrayList<>();
        for (Path path : paths) {
            found.add(of(path, provider, aio, files));
        }
        return List.copyOf(found);
    }

    private static double of(
            Path path, StorageProvider provider, AioSettings aio, FileOperations files) {
        String name =
                "bandwidth-" + HexFormat.of().toHexDigits(ThreadLocalRandom.current().nextLong());
        Path file = path.resolve(name);
        try (Arena arena = Arena.ofShared()) {
            requireRoom(path, files);
            try {
                FileChannel.open(
                                file,
                                Set.of(
                                        StandardOpenOption.CREATE_NEW,
                                        StandardOpenOption.WRITE,
                                        LinkOption.NOFOLLOW_LINKS))
                        .close();
                return measured(file, arena, provider, aio, files);
            } finally {
                Files.deleteIfExists(file);
            }
        } catch (IOException e) {
            throw new StorageException(
                    "Cannot measure nvme_path %s: %s; make it a directory that this user may write."
                            .formatted(path, e),
                    e);
        }
    }

    private static void requireRoom(Path path, FileOperations files) throws IOException {
        long usableBytes = files.usableBytes(path);
        if (usableBytes < (long) PIECES * PIECE_BYTES) {
            throw new StorageException(
                    "nvme_path %s has %,d bytes available, too little to measure it; make room or leave it out of jvm.nvme_paths."
                            .formatted(path, usableBytes));
        }
    }

    private static double measured(
            Path file, Arena arena, StorageProvider provider, AioSettings aio, FileOperations files)
            throws IOException {
        MemorySegment memory = arena.allocate((long) DEPTH * PIECE_BYTES, 4096);
        memory.fill((byte) 0x5a);
        try (FileChannel channel =
                FileChannel.open(file, StandardOpenOption.WRITE, LinkOption.NOFOLLOW_LINKS)) {
            long bytes = preallocate(channel, file, memory, files);
            StorageSettings settings = new StorageSettings(DEPTH, STUCK_AFTER, aio);
            try (StorageBackend backend = provider.open(file, settings, files)) {
                long began = System.nanoTime();
                long written = pass(backend, memory, bytes, StorageBackend::write);
                backend.sync();
                long between = System.nanoTime();
                long read = pass(backend, memory, written, StorageBackend::read);
                double writeSeconds = (between - began) / 1e9;
                double readSeconds = (System.nanoTime() - between) / 1e9;
                return 2 / (writeSeconds / written + readSeconds / read);
            }
        }
    }

    /** Writes the file once, so that no later write has to find room for it. Returns its bytes. */
    private static long preallocate(
            FileChannel channel, Path file, MemorySegment memory, FileOperations files)
            throws IOException {
        long end = System.nanoTime() + PASS_NANOS;
        long at = 0;
        do {
            files.writeFully(channel, file, memory.asSlice(0, PIECE_BYTES).asByteBuffer(), at);
            at += PIECE_BYTES;
        } while (at < (long) PIECES * PIECE_BYTES && System.nanoTime() < end);
        files.force(channel, file, true);
        return at;
    }

    /** One direction of a backend. */
    @FunctionalInterface
    private interface Direction {
        Pending start(StorageBackend backend, long offset, MemorySegment memory);
    }

    /** Moves pieces in order, {@value #DEPTH} at once, until the end or the time is over. */
    private static long pass(
            StorageBackend backend, MemorySegment memory, long bytes, Direction direction) {
        long end = System.nanoTime() + PASS_NANOS;
        Queue<Pending> underWay = new ArrayDeque<>();
        long at = 0;
        long moved = 0;
        while (at < bytes && (at == 0 || System.nanoTime() < end)) {
            if (underWay.size() == DEPTH) {
                moved += underWay.remove().await();
            }
            long slot = at / PIECE_BYTES % DEPTH * PIECE_BYTES;
            underWay.add(direction.start(backend, at, memory.asSlice(slot, PIECE_BYTES)));
            at += PIECE_BYTES;
        }
        while (!underWay.isEmpty()) {
            moved += underWay.remove().await();
        }
        return moved;
    }
}
