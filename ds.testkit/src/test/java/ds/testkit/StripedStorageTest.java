package ds.testkit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ds.core.Pending;
import ds.offload.FileOperations;
import ds.offload.StorageBackend;
import ds.offload.StorageException;
import ds.offload.StorageProviders;
import ds.offload.Stripes;
import ds.offload.spi.StorageProvider;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BrokenBarrierException;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.ValueSource;

/** A file in several directories keeps the storage contract, whatever opens its parts. */
@ParameterizedClass
@ValueSource(strings = {"channel", "mapped"})
class StripedStorageTest extends StorageContract {
    private static final int PAGE = 4096;
    private static final Stripes STRIPES = new Stripes(List.of(3, 1, 2), 4 * PAGE);

    @Parameter String parts;

    private List<Path> directories() {
        return List.of(directory, directory.resolve("b"), directory.resolve("c"));
    }

    private List<Path> files(Path file) {
        return directories().stream().map(each -> each.resolve(file.getFileName())).toList();
    }

    @Override
    protected StorageProvider provider() {
        StorageProvider each =
                StorageProviders.table(
                                StorageProviders.class.getModule().getLayer() == null
                                        ? ModuleLayer.boot()
                                        : StorageProviders.class.getModule().getLayer())
                        .require(parts);
        return StorageProviders.striped(each, directories(), STRIPES);
    }

    @Override
    protected void make(Path file, int sizeBytes) throws IOException {
        for (int path = 0; path < STRIPES.paths(); path++) {
            Files.createDirectories(directories().get(path));
            Files.write(files(file).get(path), new byte[(int) STRIPES.partBytes(path, sizeBytes)]);
        }
    }

    /** Put together by what the sizes of the parts say of each prefix, not by what wrote them. */
    @Override
    protected byte[] content(Path file) throws IOException {
        List<byte[]> contents = new ArrayList<>();
        int size = 0;
        for (Path part : files(file)) {
            contents.add(Files.readAllBytes(part));
            size += contents.getLast().length;
        }
        byte[] whole = new byte[size];
        for (int at = 0; at < size; at += PAGE) {
            for (int path = 0; path < contents.size(); path++) {
                long before = STRIPES.partBytes(path, at);
                if (STRIPES.partBytes(path, at + PAGE) > before) {
                    System.arraycopy(contents.get(path), (int) before, whole, at, PAGE);
                }
            }
        }
        return whole;
    }

    @Override
    protected void cut(Path file, long sizeBytes) throws IOException {
        for (int path = 0; path < STRIPES.paths(); path++) {
            try (RandomAccessFile part =
                    new RandomAccessFile(files(file).get(path).toFile(), "rw")) {
                part.setLength(STRIPES.partBytes(path, sizeBytes));
            }
        }
    }

    private Path made() throws IOException {
        Path file = directory.resolve("data.bin");
        make(file, 64 * PAGE);
        return file;
    }

    private StorageBackend open(Path file, FileOperations files) {
        return provider().open(file, 8, Duration.ofSeconds(30), files);
    }

    /** Which call is the n-th depends on threads, and a message names the part too. */
    @Override
    @Test
    void aFailureIsOneTransfersOnly() throws IOException {
        Path file = made();
        try (Arena arena = Arena.ofShared()) {
            MemorySegment pages = arena.allocate(8 * PAGE, PAGE);
            for (int nth = 1; nth <= 8; nth++) {
                FaultyFiles files =
                        FaultyFiles.around(FileOperations.system())
                                .failing(FaultyFiles.Call.WRITE, nth);
                List<String> failures = new ArrayList<>();
                try (StorageBackend backend = open(file, files)) {
                    List<Pending> pending = new ArrayList<>();
                    for (int page = 0; page < 8; page++) {
                        pending.add(
                                backend.write(
                                        (long) page * PAGE,
                                        pages.asSlice((long) page * PAGE, PAGE)));
                    }
                    for (Pending each : pending) {
                        try {
                            assertEquals(PAGE, each.await());
                        } catch (StorageException e) {
                            failures.add(String.valueOf(e.getMessage()));
                        }
                    }
                }
                assertEquals(1, failures.size(), "failures with the fault at write " + nth);
                assertTrue(
                        failures.getFirst()
                                .matches(
                                        "Writing 4,096 bytes at offset [0-9,]+ of \\Q"
                                                + file
                                                + "\\E, which lies in 3 paths, failed: Writing 4,096 bytes at offset [0-9,]+ of .*data\\.bin failed after 0 bytes: Input/output error\\."),
                        failures.getFirst());
            }
        }
    }

    @Override
    @Test
    void aFullDiskIsAnErrorThatSaysSo() throws IOException {
        Path file = made();
        FaultyFiles files = FaultyFiles.around(FileOperations.system()).spaceFor(PAGE);
        try (Arena arena = Arena.ofShared();
                StorageBackend backend = open(file, files)) {
            MemorySegment pages = arena.allocate(4 * PAGE, PAGE);
            StorageException failure =
                    assertThrows(StorageException.class, () -> backend.write(PAGE, pages).await());
            String message = String.valueOf(failure.getMessage());
            assertTrue(
                    message.startsWith(
                            "Writing 16,384 bytes at offset 4,096 of %s, which lies in 3 paths, failed: Writing "
                                    .formatted(file)),
                    message);
            assertTrue(message.endsWith("No space left on device."), message);
        }
    }

    /** A commit rests on it: that one part was synced says nothing of another. */
    @Test
    void aSyncIsOneOfEveryPart() throws IOException {
        Path file = made();
        RecordingFiles files = new RecordingFiles();
        try (StorageBackend backend = open(file, files)) {
            backend.sync();
        }
        assertEquals(
                files(file).stream().sorted().toList(),
                files.log().stream()
                        .filter(RecordingFiles.Event.Sync.class::isInstance)
                        .map(event -> ((RecordingFiles.Event.Sync) event).file())
                        .sorted()
                        .toList());
        for (int part = 1; part <= 3; part++) {
            FaultyFiles failing =
                    FaultyFiles.around(FileOperations.system())
                            .failing(FaultyFiles.Call.FORCE, part);
            try (StorageBackend backend = open(file, failing)) {
                StorageException failure = assertThrows(StorageException.class, backend::sync);
                assertEquals(0, failure.getSuppressed().length);
                assertEquals(
                        1,
                        files(file).stream()
                                .filter(
                                        each ->
                                                String.valueOf(failure.getMessage())
                                                        .startsWith(
                                                                "Syncing %s failed"
                                                                        .formatted(each)))
                                .count());
                assertEquals(3, failing.calls(FaultyFiles.Call.FORCE), "all parts are synced");
            }
        }
    }

    /** Holds each sync until all have begun. */
    private static final class MeetingFiles extends ForwardingFiles {
        private final CyclicBarrier all = new CyclicBarrier(3);

        @Override
        public void force(FileChannel channel, Path file, boolean metaData) throws IOException {
            try {
                all.await(20, TimeUnit.SECONDS);
            } catch (InterruptedException | BrokenBarrierException | TimeoutException e) {
                throw new IOException("the others did not come", e);
            }
            super.force(channel, file, metaData);
            throw new IOException("late");
        }
    }

    @Test
    void syncsOfAllPartsAreUnderWayAtOnceAndEachFailureIsKept() throws IOException {
        Path file = made();
        try (StorageBackend backend = open(file, new MeetingFiles())) {
            for (int again = 0; again < 3; again++) {
                StorageException failure = assertThrows(StorageException.class, backend::sync);
                List<String> messages = new ArrayList<>();
                messages.add(String.valueOf(failure.getMessage()));
                for (Throwable other : failure.getSuppressed()) {
                    messages.add(String.valueOf(other.getMessage()));
                }
                assertEquals(
                        files(file).stream()
                                .map(
                                        each ->
                                                "Syncing %s failed: late. Nothing written since the last sync can be relied on."
                                                        .formatted(each))
                                .toList(),
                        messages);
            }
        }
    }

    @Test
    void aTransferLongerThanAllPiecesUnderWayIsWhole() throws IOException {
        Path file = directory.resolve("long.bin");
        make(file, 500 * PAGE);
        byte[] bytes = new byte[500 * PAGE];
        new java.util.Random(7).nextBytes(bytes);
        try (Arena arena = Arena.ofShared();
                StorageBackend backend = open(file, FileOperations.system())) {
            MemorySegment memory = arena.allocate(bytes.length, PAGE);
            memory.copyFrom(MemorySegment.ofArray(bytes));
            assertEquals(bytes.length, backend.write(0, memory).await());
            memory.fill((byte) 0);
            assertEquals(bytes.length, backend.read(0, memory).await());
            assertEquals(-1, MemorySegment.ofArray(bytes).mismatch(memory));
        }
        assertEquals(
                -1, MemorySegment.ofArray(bytes).mismatch(MemorySegment.ofArray(content(file))));
    }

    @Test
    void aMissingPartIsAnErrorAndTheOthersAreClosed() throws IOException {
        Path file = made();
        Path second = files(file).get(1);
        Files.delete(second);
        StorageException failure =
                assertThrows(
                        StorageException.class, () -> open(file, FileOperations.system()).close());
        assertTrue(String.valueOf(failure.getMessage()).contains(second.toString()));
        try (FileChannel channel = FileChannel.open(file)) {
            assertEquals(STRIPES.partBytes(0, 64 * PAGE), channel.size());
        }
    }
}
