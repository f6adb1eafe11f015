package ds.foreign.aio;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import ds.core.Pending;
import ds.foreign.libc.DirectFile;
import ds.foreign.libc.Errno;
import ds.offload.AioSettings;
import ds.offload.FileOperations;
import ds.offload.StorageBackend;
import ds.offload.StorageException;
import ds.offload.StorageSettings;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the kernel may answer to the calls themselves is retried, or is an error that names it. */
class AioRefusalsTest {
    private static final int PAGE = 4096;
    private static final int EIO = 5;
    private static final int EBADF = 9;

    private final Arena arena = Arena.ofShared();
    private final Refusing refusing = new Refusing();
    @TempDir Path directory = Path.of("");
    private Path file = Path.of("");

    /** The kernel's calls, which answer what the test says first. */
    private static final class Refusing implements AioCalls {
        private AioCalls calls = new LibaioCalls();
        private int setup;
        private final List<Integer> submits = new ArrayList<>();
        private final List<Integer> waits = new ArrayList<>();
        private long most = Long.MAX_VALUE;
        private int submitted;

        @Override
        public int setup(int requests, MemorySegment contextPointer) {
            return setup < 0 ? setup : calls.setup(requests, contextPointer);
        }

        @Override
        public int destroy(long context) {
            return calls.destroy(context);
        }

        @Override
        public int submit(long context, long count, MemorySegment pointers) {
            submitted++;
            return submits.isEmpty()
                    ? calls.submit(context, Math.min(count, most), pointers)
                    : submits.removeFirst();
        }

        @Override
        public int getEvents(
                long context, long least, long most, MemorySegment events, MemorySegment timeout) {
            return waits.isEmpty()
                    ? calls.getEvents(context, least, most, events, timeout)
                    : waits.removeFirst();
        }
    }

    @BeforeEach
    void opensHere() throws IOException {
        Optional<String> why =
                new LibaioProvider().unavailable().or(() -> DirectFile.refusal(directory));
        assumeTrue(why.isEmpty(), () -> "libaio cannot run here: " + why);
        refusing.calls = LibaioProvider.kernelCalls(arena);
        file = Files.write(directory.resolve("data.bin"), new byte[16 * PAGE]);
    }

    @AfterEach
    void freeMemory() {
        arena.close();
    }

    private StorageBackend open(AioSettings aio) {
        return LibaioProvider.open(
                file,
                new StorageSettings(16, Duration.ofSeconds(30), aio),
                FileOperations.system(),
                _ -> refusing);
    }

    private MemorySegment pages(int count, int value) {
        return arena.allocate((long) count * PAGE, PAGE).fill((byte) value);
    }

    private static AioSettings pageByPage() {
        return AioSettings.DEFAULT.withBlockBytes(PAGE);
    }

    private void writes(StorageBackend backend, int value) throws IOException {
        MemorySegment bytes = pages(16, value);
        assertEquals(16 * PAGE, backend.write(0, bytes).await());
        assertEquals(-1, bytes.mismatch(MemorySegment.ofArray(Files.readAllBytes(file))));
    }

    @Test
    void noRoomAndInterruptsAreTriedAgain() throws IOException {
        refusing.submits.addAll(
                List.of(-Errno.EAGAIN, -Errno.EINTR, 0, -Errno.EAGAIN, -Errno.EAGAIN));
        refusing.waits.addAll(List.of(-Errno.EINTR, 0, -Errno.EINTR));
        try (StorageBackend backend = open(pageByPage())) {
            writes(backend, 1);
        }
        assertTrue(refusing.submits.isEmpty() && refusing.waits.isEmpty());
    }

    @Test
    void aKernelThatTakesOneRequestAtATimeGetsThemAll() throws IOException {
        refusing.most = 1;
        try (StorageBackend backend = open(pageByPage())) {
            writes(backend, 2);
        }
        assertEquals(16, refusing.submitted);
    }

    @Test
    void aRequestThatTheKernelRefusesToTakeFailsItsTransferOnly() throws IOException {
        try (StorageBackend backend = open(pageByPage())) {
            refusing.submits.add(-EBADF);
            Pending bad = backend.write(0, pages(1, 3));
            Pending good = backend.write(PAGE, pages(1, 4));
            assertEquals(PAGE, good.await());
            StorageException failure = assertThrows(StorageException.class, bad::await);
            assertEquals(
                    "Writing 4,096 bytes at offset 0 of %s failed after 0 bytes: %s."
                            .formatted(file, Errno.describe(EBADF)),
                    failure.getMessage());
        }
    }

    @Test
    void aQueueThatCannotBeWaitedForIsAnError() {
        try (StorageBackend backend = open(pageByPage())) {
            Pending read = backend.read(0, pages(1, 0));
            refusing.waits.add(-EIO);
            StorageException failure = assertThrows(StorageException.class, read::await);
            assertEquals(
                    "io_getevents on %s with 1 requests under way failed: %s."
                            .formatted(file, Errno.describe(EIO)),
                    failure.getMessage());
        }
    }

    @Test
    void noContextLeftIsAnErrorThatSaysWhereTheLimitIs() {
        refusing.setup = -Errno.EAGAIN;
        StorageException failure =
                assertThrows(StorageException.class, () -> open(AioSettings.DEFAULT));
        assertEquals(
                "io_setup for 8 requests on %s failed: %s. Raise the limit in /proc/sys/fs/aio-max-nr, or lower queue_depth."
                        .formatted(file, Errno.describe(Errno.EAGAIN)),
                failure.getMessage());
    }

    @Test
    void aMisalignedTransferIsAnErrorOfTheKernel() {
        try (StorageBackend backend = open(AioSettings.DEFAULT)) {
            Pending odd = backend.read(100, pages(1, 0).asSlice(0, 777));
            StorageException failure = assertThrows(StorageException.class, odd::await);
            assertEquals(
                    "Reading 777 bytes at offset 100 of %s failed after 0 bytes: %s."
                            .formatted(file, Errno.describe(Errno.EINVAL)),
                    failure.getMessage());
        }
    }

    @Test
    void singleSubmitIsOneCallPerRequest() throws IOException {
        AioSettings batches = new AioSettings(PAGE, 16, 1, false, true);
        try (StorageBackend backend = open(batches)) {
            writes(backend, 5);
        }
        assertEquals(1, refusing.submitted);
        try (StorageBackend backend = open(new AioSettings(PAGE, 16, 1, true, true))) {
            writes(backend, 6);
        }
        assertEquals(17, refusing.submitted);
    }

    @Test
    void withoutOverlapTheQueueRunsEmptyFirst() throws IOException {
        try (StorageBackend backend = open(new AioSettings(PAGE, 4, 1, false, false))) {
            writes(backend, 7);
        }
        assertEquals(4, refusing.submitted); // 16 requests, 4 at a time
    }
}
