package ds.foreign.libc;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import ds.foreign.Downcalls;
import ds.foreign.NativeException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.util.Optional;

/**
 * Mappings of Linux: {@code void *mmap(void *addr, size_t length, int prot, int flags, int
 * fd, off_t offset)}, {@code int munmap(void *addr, size_t length)}, {@code int madvise(void *addr,
 * size_t length, int advice)}, {@code int mlock(const void *addr, size_t len)}. Loaded only when something is
 * allocated.
 */
public final class LibcMemory {
    private static final System.Logger LOG = System.getLogger(LibcMemory.class.getName());

    private static final MethodHandle MMAP =
            Downcalls.bindWithErrno(
                    "mmap",
                    FunctionDescriptor.of(
                            ADDRESS, ADDRESS, JAVA_LONG, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_LONG));
    private static final MethodHandle MUNMAP =
            Downcalls.bindWithErrno("munmap", FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_LONG));
    private static final MethodHandle MADVISE =
            Downcalls.bindWithErrno(
                    "madvise", FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_LONG, JAVA_INT));
    private static final MethodHandle MLOCK =
            Downcalls.bindWithErrno("mlock", FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_LONG));
    private static final int PROT_READ_WRITE = 0x1 | 0x2;
    private static final int MAP_PRIVATE_ANONYMOUS = 0x02 | 0x20;
    private static final int MAP_SHARED_POPULATE = 0x01 | 0x8000;
    private static final long MAP_FAILED = -1;
    private static final int MADV_HUGEPAGE = 14;

    private LibcMemory() {}

    /** Maps zeroed memory whose address is a multiple of {@code alignmentBytes}. */
    static MemorySegment map(Arena arena, long sizeBytes, long alignmentBytes) {
        long mappedBytes = Math.addExact(sizeBytes, alignmentBytes);
        MemorySegment mapping = map(arena, mappedBytes, MAP_PRIVATE_ANONYMOUS, -1, 0);
        long skip = -mapping.address() & (alignmentBytes - 1);
        return mapping.asSlice(skip, sizeBytes);
    }

    /**
     * Maps memory that is shared with the kernel or a file, from {@code offset} of a descriptor.
     *
     * @throws NativeException if the system refuses
     */
    public static MemorySegment mapShared(
            Arena arena, long sizeBytes, int descriptor, long offset) {
        return map(arena, sizeBytes, MAP_SHARED_POPULATE, descriptor, offset);
    }

    private static MemorySegment map(
            Arena arena, long sizeBytes, int flags, int descriptor, long offset) {
        MemorySegment start;
        try (Arena call = Arena.ofConfined()) {
            MemorySegment state = Downcalls.errnoState(call);
            start =
                    (MemorySegment)
                            MMAP.invokeExact(
                                    state,
                                    MemorySegment.NULL,
                                    sizeBytes,
                                    PROT_READ_WRITE,
                                    flags,
                                    descriptor,
                                    offset);
            if (start.address() == MAP_FAILED) {
                throw failed("mmap", sizeBytes, Downcalls.errno(state), "free some memory");
            }
        } catch (NativeException e) {
            throw e;
        } catch (Throwable t) {
            throw Downcalls.broken("mmap", t);
        }
        return Downcalls.owned(start, sizeBytes, arena, memory -> unmap(memory, sizeBytes));
    }

    private static void unmap(MemorySegment start, long sizeBytes) {
        try (Arena call = Arena.ofConfined()) {
            MemorySegment state = Downcalls.errnoState(call);
            int result = (int) MUNMAP.invokeExact(state, start, sizeBytes);
            if (result != 0) {
                throw failed("munmap", sizeBytes, Downcalls.errno(state), "report this as a bug");
            }
        } catch (NativeException e) {
            throw e;
        } catch (Throwable t) {
            throw Downcalls.broken("munmap", t);
        }
    }

    /** Asks for huge pages; a kernel without them says no, which costs a few percent of speed. */
    static void preferHugePages(MemorySegment memory) {
        try (Arena call = Arena.ofConfined()) {
            MemorySegment state = Downcalls.errnoState(call);
            int result = (int) MADVISE.invokeExact(state, memory, memory.byteSize(), MADV_HUGEPAGE);
            if (result != 0) {
                LOG.log(
                        System.Logger.Level.DEBUG,
                        "No huge pages: madvise says {0}.",
                        Errno.describe(Downcalls.errno(state)));
            }
        } catch (Throwable t) {
            throw Downcalls.broken("madvise", t);
        }
    }

    /** Locks pages in memory. Returns why not, with the limit, if the system refuses. */
    static Optional<String> lock(MemorySegment address, long sizeBytes) {
        try (Arena call = Arena.ofConfined()) {
            MemorySegment state = Downcalls.errnoState(call);
            int result = (int) MLOCK.invokeExact(state, address, sizeBytes);
            return result == 0
                    ? Optional.empty()
                    : Optional.of(
                            "mlock of %,d bytes failed: %s; the limit of locked memory (ulimit -l) is %s"
                                    .formatted(
                                            sizeBytes,
                                            Errno.describe(Downcalls.errno(state)),
                                            LockLimit.ofThisProcess().inWords()));
        } catch (Throwable t) {
            throw Downcalls.broken("mlock", t);
        }
    }

    private static NativeException failed(String function, long size, int code, String wayOut) {
        return new NativeException(
                "%s of %,d bytes failed: %s; %s."
                        .formatted(function, size, Errno.describe(code), wayOut));
    }
}
