package ds.foreign.libc;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import ds.foreign.Downcalls;
import ds.offload.StorageException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.nio.file.Path;
import java.util.Optional;

/**
 * A file opened past the page cache: {@code int open(const char *pathname, int flags, ... mode_t
 * mode)}, {@code int close(int fd)}, {@code int fallocate(int fd, int mode, off_t offset, off_t
 * len)}. Transfers are multiples of the device's sector, from aligned memory. The constants are those of Linux on x86-64.
 */
public final class DirectFile implements AutoCloseable {
    private static final MethodHandle OPEN =
            Downcalls.bindVariadicWithErrno(
                    "open", FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_INT, JAVA_INT), 2);
    private static final MethodHandle CLOSE =
            Downcalls.bindWithErrno("close", FunctionDescriptor.of(JAVA_INT, JAVA_INT));

    private static final MethodHandle FALLOCATE =
            Downcalls.bindWithErrno(
                    "fallocate",
                    FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT, JAVA_LONG, JAVA_LONG));

    private static final int O_RDWR = 0x2;
    private static final int O_DIRECT = 0x4000;
    private static final int O_NOFOLLOW = 0x2_0000;
    private static final int O_CLOEXEC = 0x8_0000;
    private static final int O_TMPFILE = 0x41_0000;
    private static final int OWNER_ONLY = 0600;

    private final Path file;
    private final int descriptor;

    private DirectFile(Path file, int descriptor) {
        this.file = file;
        this.descriptor = descriptor;
    }

    /**
     * Opens a file that exists.
     *
     * @throws StorageException if it cannot be opened, is a link, or its file system has no direct
     *     transfers
     */
    public static DirectFile open(Path file) {
        int result = open(file, O_RDWR | O_DIRECT | O_NOFOLLOW | O_CLOEXEC, 0);
        if (result < 0) {
            throw new StorageException(
                    "Cannot open %s past the page cache (O_DIRECT): %s.%s"
                            .formatted(
                                    file,
                                    Errno.describe(-result),
                                    result == -Errno.EINVAL
                                            ? " Its file system has no direct transfers; use another nvme_path, or the 'channel' backend."
                                            : ""));
        }
        return new DirectFile(file, result);
    }

    /**
     * Returns why the file system of {@code directory} takes no direct transfers; empty if it does,
     * or if it cannot be asked by a file without a name, which leaves no trace.
     */
    public static Optional<String> refusal(Path directory) {
        int result = open(directory, O_TMPFILE | O_RDWR | O_DIRECT | O_CLOEXEC, OWNER_ONLY);
        if (result >= 0) {
            close(result, directory);
            return Optional.empty();
        }
        return result == -Errno.EINVAL
                ? Optional.of(
                        "the file system of %s refuses direct transfers (O_DIRECT)"
                                .formatted(directory))
                : Optional.empty();
    }

    /**
     * Gives a file that exists so many bytes of space, without writing them: they read as zeros.
     *
     * @return why its file system cannot; empty if it did
     * @throws StorageException if there is no room, or the file cannot be opened
     */
    public static Optional<String> reserve(Path file, long sizeBytes) {
        if (sizeBytes == 0) {
            return Optional.empty();
        }
        int descriptor = open(file, O_RDWR | O_NOFOLLOW | O_CLOEXEC, 0);
        if (descriptor < 0) {
            throw new StorageException(
                    "Cannot open %s to reserve its space: %s."
                            .formatted(file, Errno.describe(-descriptor)));
        }
        try {
            int code = fallocate(descriptor, sizeBytes);
            if (code == 0) {
                return Optional.empty();
            }
            if (code == Errno.EOPNOTSUPP) {
                return Optional.of("its file system cannot reserve space (fallocate)");
            }
            throw new StorageException(
                    "Reserving %,d bytes of %s failed: %s; make room or use another nvme_path."
                            .formatted(sizeBytes, file, Errno.describe(code)));
        } finally {
            close(descriptor, file);
        }
    }

    /** Returns the error number; 0 if it went well. */
    private static int fallocate(int descriptor, long sizeBytes) {
        try (Arena call = Arena.ofConfined()) {
            MemorySegment state = Downcalls.errnoState(call);
            int code;
            do {
                int result = (int) FALLOCATE.invokeExact(state, descriptor, 0, 0L, sizeBytes);
                code = result == 0 ? 0 : Downcalls.errno(state);
            } while (code == Errno.EINTR);
            return code;
        } catch (Throwable t) {
            throw Downcalls.broken("fallocate", t);
        }
    }

    private static int open(Path path, int flags, int mode) {
        try (Arena call = Arena.ofConfined()) {
            MemorySegment state = Downcalls.errnoState(call);
            MemorySegment name = call.allocateFrom(path.toString());
            int result;
            try {
                result = (int) OPEN.invokeExact(state, name, flags, mode);
            } catch (Throwable t) {
                throw Downcalls.broken("open", t);
            }
            return result < 0 ? -Downcalls.errno(state) : result;
        }
    }

    /** Returns the file descriptor. */
    public int descriptor() {
        return descriptor;
    }

    /** Returns the file. */
    public Path file() {
        return file;
    }

    @Override
    public void close() {
        close(descriptor, file);
    }

    /** Closes any descriptor; {@code what} names it in the error. */
    public static void close(int descriptor, Object what) {
        try (Arena call = Arena.ofConfined()) {
            MemorySegment state = Downcalls.errnoState(call);
            int result;
            try {
                result = (int) CLOSE.invokeExact(state, descriptor);
            } catch (Throwable t) {
                throw Downcalls.broken("close", t);
            }
            // After EINTR Linux has closed it all the same.
            if (result != 0 && Downcalls.errno(state) != Errno.EINTR) {
                throw new StorageException(
                        "Closing %s failed: %s."
                                .formatted(what, Errno.describe(Downcalls.errno(state))));
            }
        }
    }
}
