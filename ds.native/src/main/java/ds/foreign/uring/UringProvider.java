package ds.foreign.uring;

import ds.foreign.Downcalls;
import ds.foreign.Linux;
import ds.foreign.libc.DirectFile;
import ds.foreign.libc.Errno;
import ds.offload.AioSettings;
import ds.offload.FileOperations;
import ds.offload.StorageBackend;
import ds.offload.StorageException;
import ds.offload.StorageSettings;
import ds.offload.spi.QueuedBackend;
import ds.offload.spi.StorageProvider;
import ds.offload.spi.TransferQueue;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.Optional;
import java.util.function.Function;

/** io_uring past the page cache, from Linux 5.11 on. */
public final class UringProvider implements StorageProvider {
    private static final int PRIORITY = 30;

    @Override
    public String name() {
        return "io_uring";
    }

    @Override
    public int priority() {
        return PRIORITY;
    }

    @Override
    public Optional<String> unavailable() {
        return Linux.unavailable().or(UringSetup::unavailable);
    }

    @Override
    public Optional<String> unavailable(Path directory) {
        return DirectFile.refusal(directory);
    }

    @Override
    public Optional<String> reserve(Path file, long sizeBytes) {
        return DirectFile.reserve(file, sizeBytes);
    }

    @Override
    public StorageBackend open(Path file, StorageSettings settings, FileOperations files) {
        return open(
                file, settings, files, arena -> new KernelUringCalls(Downcalls.errnoState(arena)));
    }

    static StorageBackend open(
            Path file,
            StorageSettings settings,
            FileOperations files,
            Function<Arena, UringCalls> calls) {
        return QueuedBackend.over(
                "io_uring", file, settings, files, () -> queue(file, settings.aio(), calls));
    }

    private static TransferQueue queue(
            Path file, AioSettings aio, Function<Arena, UringCalls> calls) {
        DirectFile direct = DirectFile.open(file);
        Arena arena = Arena.ofShared(); // the I/O lane and the rank's thread take turns
        int descriptor = -1;
        boolean whole = false;
        try {
            UringCalls kernel = calls.apply(arena);
            UringSetup ring = UringSetup.of(aio.queueDepth(), kernel, arena);
            descriptor = ring.descriptor();
            if (descriptor < 0) {
                throw new StorageException(
                        "io_uring_setup for %,d requests on %s failed: %s."
                                .formatted(aio.queueDepth(), file, Errno.describe(-descriptor)));
            }
            TransferQueue queue = new UringQueue(direct, aio, kernel, arena, ring);
            whole = true;
            return queue;
        } finally {
            if (!whole) {
                arena.close();
                direct.close();
                if (descriptor >= 0) {
                    DirectFile.close(descriptor, "the io_uring of " + file);
                }
            }
        }
    }
}
