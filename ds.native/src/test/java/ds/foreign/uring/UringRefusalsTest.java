package ds.foreign.uring;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import ds.core.Pending;
import ds.foreign.Downcalls;
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

/** What the kernel may answer to io_uring's calls is retried, done without, or an error. */
class UringRefusalsTest {
    private static final int PAGE = 4096;
    private static final int EIO = 5;
    private static final int ENOMEM = 12;
    private static final int EPERM = 1;

    private final Arena arena = Arena.ofShared();
    private final List<Integer> submits = new ArrayList<>();
    private final List<Integer> waits = new ArrayList<>();
    private int setup;
    private int register;
    private int registered;
    @TempDir Path directory = Path.of("");
    private Path file = Path.of("");

    /** The kernel's calls, which answer what the test says first. */
    private final class Refusing implements UringCalls {
        private final UringCalls calls = new KernelUringCalls(Downcalls.errnoState(arena));

        @Override
        public int setup(int entries, MemorySegment params) {
            return setup < 0 ? setup : calls.setup(entries, params);
        }

        @Override
        public int enter(int ring, int toSubmit, int least, int flags, MemorySegment argument) {
            List<Integer> answers = least > 0 ? waits : submits;
            return answers.isEmpty()
                    ? calls.enter(ring, toSubmit, least, flags, argument)
                    : answers.removeFirst();
        }

        @Override
        public int register(int ring, int operation, MemorySegment argument, int count) {
            int result = register < 0 ? register : calls.register(ring, operation, argument, count);
            registered += result < 0 ? 0 : 1;
            return result;
        }
    }

    @BeforeEach
    void opensHere() throws IOException {
        UringProvider provider = new UringProvider();
        Optional<String> why = provider.unavailable().or(() -> provider.unavailable(directory));
        assumeTrue(why.isEmpty(), () -> "io_uring cannot run here: " + why);
        file = Files.write(directory.resolve("data.bin"), new byte[16 * PAGE]);
    }

    @AfterEach
    void freeMemory() {
        arena.close();
    }

    private StorageBackend open() {
        return UringProvider.open(
                file,
                new StorageSettings(
                        16, Duration.ofSeconds(30), AioSettings.DEFAULT.withBlockBytes(PAGE)),
                FileOperations.system(),
                _ -> new Refusing());
    }

    private MemorySegment pages(int count, int value) {
        return arena.allocate((long) count * PAGE, PAGE).fill((byte) value);
    }

    private void writes(StorageBackend backend, MemorySegment bytes) throws IOException {
        assertEquals(16 * PAGE, backend.write(0, bytes).await());
        assertEquals(-1, bytes.mismatch(MemorySegment.ofArray(Files.readAllBytes(file))));
    }

    @Test
    void noRoomAndInterruptsAreTriedAgain() throws IOException {
        submits.addAll(List.of(-Errno.EAGAIN, -Errno.EINTR, -Errno.EBUSY, 0));
        waits.addAll(List.of(-Errno.EINTR, -Errno.ETIME));
        try (StorageBackend backend = open()) {
            writes(backend, pages(16, 1));
            assertTrue(submits.isEmpty());
        }
    }

    @Test
    void refusedRegistrationsAreDoneWithout() throws IOException {
        register = -EPERM;
        MemorySegment bytes = pages(16, 2);
        try (StorageBackend backend = open()) {
            backend.register(List.of(bytes));
            writes(backend, bytes);
        }
        assertEquals(0, registered);
    }

    @Test
    void registeredBuffersMoveTheSameBytesAsOthers() throws IOException {
        MemorySegment mine = pages(16, 3);
        MemorySegment other = pages(16, 4);
        MemorySegment third = pages(16, 5);
        MemorySegment foreign = pages(16, 6);
        try (StorageBackend backend = open()) {
            backend.register(List.of(third, mine, other));
            for (MemorySegment bytes : List.of(mine, third, foreign, other)) {
                writes(backend, bytes);
                MemorySegment read = bytes == foreign ? mine : pages(16, 0);
                assertEquals(16 * PAGE, backend.read(0, read).await());
                assertEquals(-1, bytes.mismatch(read));
            }
        }
        assertEquals(2, registered); // the file and the buffers
    }

    @Test
    void aSegmentIsFoundInTheBufferThatHoldsAllOfIt() {
        MemorySegment all = pages(4, 0);
        RegisteredBuffers buffers =
                RegisteredBuffers.of(List.of(all.asSlice(2 * PAGE, PAGE), all.asSlice(0, PAGE)));
        assertEquals(0, buffers.indexOf(all.asSlice(0, PAGE)));
        assertEquals(0, buffers.indexOf(all.asSlice(512, PAGE - 512)));
        assertEquals(-1, buffers.indexOf(all.asSlice(512, PAGE)));
        assertEquals(-1, buffers.indexOf(all.asSlice(PAGE, PAGE)));
        assertEquals(1, buffers.indexOf(all.asSlice(2 * PAGE, 100)));
        assertEquals(-1, buffers.indexOf(all.asSlice(3 * PAGE, 100)));
    }

    @Test
    void failedCallsAreErrorsThatNameTheFile() {
        try (StorageBackend backend = open()) {
            Pending read = backend.read(0, pages(1, 0));
            waits.add(-EIO);
            // A fast device may have answered before anyone waits.
            try {
                assertEquals(PAGE, read.await());
            } catch (StorageException e) {
                assertEquals(
                        "io_uring_enter on %s failed while waiting, with 1 under way: %s."
                                .formatted(file, Errno.describe(EIO)),
                        e.getMessage());
            }
            submits.add(-EIO);
            StorageException failure =
                    assertThrows(StorageException.class, () -> backend.read(0, pages(1, 0)));
            assertTrue(
                    String.valueOf(failure.getMessage())
                            .startsWith(
                                    "io_uring_enter on %s failed while handing over 1 requests"
                                            .formatted(file)),
                    failure.getMessage());
            waits.clear();
        }
    }

    @Test
    void aRefusedSetUpIsAnError() {
        setup = -ENOMEM;
        StorageException failure = assertThrows(StorageException.class, this::open);
        assertEquals(
                "io_uring_setup for 8 requests on %s failed: %s."
                        .formatted(file, Errno.describe(ENOMEM)),
                failure.getMessage());
    }
}
