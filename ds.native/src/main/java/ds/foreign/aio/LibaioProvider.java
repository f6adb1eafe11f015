package ds.foreign.aio;

import ds.foreign.Downcalls;
import ds.foreign.Linux;
import ds.foreign.libc.DirectFile;
import ds.offload.AioSettings;
import ds.offload.FileOperations;
import ds.offload.StorageBackend;
import ds.offload.StorageSettings;
import ds.offload.spi.QueuedBackend;
import ds.offload.spi.StorageProvider;
import ds.offload.spi.TransferQueue;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.Optional;
import java.util.function.Function;

/**
 * Linux's asynchronous I/O past the page cache: through {@code libaio.so.1} where it is installed, by
 * the same system calls where not.
 */
public final class LibaioProvider implements StorageProvider {
    private static final int PRIORITY = 20;

    @Override
    public String name() {
        return "libaio";
    }

    @Override
    public int priority() {
        return PRIORITY;
    }

    @Override
    public Optional<String> unavailable() {
        return Linux.unavailable();
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
        return open(file, settings, files, LibaioProvider::calls);
    }

    private static AioCalls calls(Arena arena) {
        return LibaioCalls.installed() ? new LibaioCalls() : kernelCalls(arena);
    }

    /** Returns the calls that need no library. */
    static AioCalls kernelCalls(Arena arena) {
        return new KernelAioCalls(Downcalls.errnoState(arena));
    }

    static StorageBackend open(
            Path file,
            StorageSettings settings,
            FileOperations files,
            Function<Arena, AioCalls> calls) {
        return QueuedBackend.over(
                "libaio", file, settings, files, () -> queue(file, settings.aio(), calls));
    }

    private static TransferQueue queue(
            Path file, AioSettings aio, Function<Arena, AioCalls> calls) {
        DirectFile direct = DirectFile.open(file);
        Arena arena = Arena.ofShared(); // the I/O lane and the rank's thread take turns
        boolean whole = false;
        try {
            TransferQueue queue = new AioQueue(direct, aio, calls.apply(arena), arena);
            whole = true;
            return queue;
        } finally {
            if (!whole) {
                arena.close();
                direct.close();
            }
        }
    }
}
