package ds.testkit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ds.core.DType;
import ds.core.FlatBuffer;
import ds.core.HostMemories;
import ds.core.MemoryKind;
import ds.core.RankMemory;
import ds.offload.FileOperations;
import ds.offload.PipelineSettings;
import ds.offload.ShardFile;
import ds.offload.ShardFiles;
import ds.offload.StagingSlots;
import ds.offload.StorageException;
import ds.offload.StorageProviders;
import ds.offload.StoreDirectory;
import ds.offload.StoreLocation;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Parameters at rest in a file are what was written, read ahead or not. */
@Timeout(60)
class ShardFileTest {
    private static final List<Long> EXTENTS = List.of(5000L, 0L, 3L, 9001L, 1024L);
    private static final int ELEMENTS = 5000 + 3 + 9001 + 1024;

    @TempDir Path nvmePath = Path.of("");

    private final FaultyFiles files = FaultyFiles.around(FileOperations.system());
    private final RankMemory memory = new RankMemory(HostMemories.portable());
    private StoreDirectory directory;
    private ShardFile shard;

    @BeforeEach
    void create() {
        directory =
                StoreDirectory.open(
                        new StoreLocation(nvmePath, "run", 0, 1),
                        StorageProviders.portable(),
                        files);
        shard = open(3);
    }

    private ShardFile open(int buffers) {
        return open(StagingSlots.of(buffers));
    }

    private ShardFile open(StagingSlots slots) {
        return ShardFiles.onNvme(
                new ShardFiles.Shape("parameters", DType.BF16, EXTENTS),
                memory,
                directory,
                PipelineSettings.DEFAULT.withChunkBytes(3 * 4096).withSlots(slots));
    }

    private void reopen(int buffers) {
        shard.close();
        shard = open(buffers);
    }

    @AfterEach
    void close() {
        shard.close();
        directory.close();
        memory.close();
    }

    private FlatBuffer buffer(int length) {
        return memory.allocate(MemoryKind.PARAMETERS, DType.BF16, length);
    }

    private FlatBuffer random(int length, long seed) {
        FlatBuffer values = buffer(length);
        Random random = new Random(seed);
        for (int i = 0; i < length; i++) {
            values.set(i, random.nextFloat());
        }
        return values;
    }

    private void assertHolds(FlatBuffer expected, long first) {
        FlatBuffer read = buffer((int) expected.lengthElements());
        shard.read(first, read);
        assertEquals(-1, expected.segment().mismatch(read.segment()));
    }

    @Test
    void anyRangeIsReadAsItWasWritten() {
        FlatBuffer twin = random(ELEMENTS, 1);
        shard.write(0, twin);
        Random random = new Random(2);
        for (int i = 0; i < 60; i++) {
            int first = random.nextInt(ELEMENTS);
            int length = 1 + random.nextInt(ELEMENTS - first);
            FlatBuffer values = random(length, i);
            shard.prefetch(random.nextInt(ELEMENTS - 100), 100);
            shard.write(first, values);
            twin.slice(first, length).copyFrom(values);
            assertHolds(twin.slice(first, length), first);
        }
        assertHolds(twin, 0);
        assertEquals(12_288 + 4_096 + 20_480 + 4_096, shard.storedBytes());
    }

    /** Rows of writes that are cut anywhere, with reads and read-aheads of anything between them. */
    @ParameterizedTest
    @CsvSource({
        "1, true, true",
        "2, true, true",
        "3, true, true",
        "5, true, true",
        "5, false, true",
        "1, false, true",
        "5, true, false",
        "5, false, false"
    })
    void anyOrderGivesWhatWasWritten(int buffers, boolean ahead, boolean behind) {
        shard.close();
        shard = open(new StagingSlots(buffers, false, ahead, behind));
        FlatBuffer twin = random(ELEMENTS, 1);
        shard.write(0, twin);
        Random random = new Random(buffers);
        int at = 0;
        for (int i = 0; i < 2_000; i++) {
            int length = 1 + random.nextInt(random.nextInt(4) == 0 ? 4_000 : 300);
            switch (random.nextInt(8)) {
                case 0 -> at = random.nextInt(ELEMENTS);
                case 1 -> {
                    int first = random.nextInt(ELEMENTS - 1);
                    int wanted = Math.min(length, ELEMENTS - first);
                    assertHolds(twin.slice(first, wanted), first);
                }
                case 2 -> {
                    int first = random.nextInt(ELEMENTS - 1);
                    shard.prefetch(first, Math.min(length, ELEMENTS - first));
                }
                default -> {
                    int count = Math.min(length, ELEMENTS - at);
                    FlatBuffer values = random(count, i);
                    shard.write(at, values);
                    twin.slice(at, count).copyFrom(values);
                    at = (at + count) % ELEMENTS;
                }
            }
        }
        assertHolds(twin, 0);
    }

    @Test
    void smallWritesInARowFillWholeBlocks() {
        FlatBuffer values = random(9001, 7);
        long reads = files.calls(FaultyFiles.Call.READ);
        long writes = files.calls(FaultyFiles.Call.WRITE);
        for (int i = 0; i < 9001; i += 100) {
            int count = Math.min(100, 9001 - i);
            shard.write(5003 + i, values.slice(i, count));
        }
        assertEquals(reads, files.calls(FaultyFiles.Call.READ));
        assertHolds(values, 5003); // waits for what is written behind
        // 20 KiB by way of buffers of 8 KiB, which holds two blocks
        assertEquals(writes + 3, files.calls(FaultyFiles.Call.WRITE));
    }

    @Test
    void aWriteBehindThatFailsIsSaidByALaterCall() {
        FlatBuffer values = random(9001, 8);
        files.failing(FaultyFiles.Call.WRITE, 1);
        StorageException failure =
                assertThrows(
                        StorageException.class,
                        () -> {
                            shard.write(5003, values);
                            shard.read(5003, buffer(9001));
                        });
        StorageException again =
                assertThrows(StorageException.class, () -> shard.write(0, buffer(1)));
        assertTrue(again.getMessage().contains(failure.getMessage()), again.getMessage());
    }

    @Test
    void whatWasReadAheadIsUsedOnceAndDroppedWhenItChanges() {
        FlatBuffer values = random(ELEMENTS, 3);
        shard.write(0, values);
        shard.prefetch(5003, 3000);
        FlatBuffer changed = random(10, 4);
        shard.write(5100, changed);
        values.slice(5100, 10).copyFrom(changed);
        assertHolds(values.slice(5003, 3000), 5003);
        shard.prefetch(5003, 3000);
        assertHolds(values.slice(5003, 3000), 5003);
        assertHolds(values.slice(5003, 3000), 5003);
    }

    @Test
    void aReadAheadNeedsNoFurtherReadOfTheFile() {
        shard.prefetch(5003, 3000);
        FlatBuffer read = buffer(3000);
        shard.read(5003, read);
        long before = files.calls(FaultyFiles.Call.READ);
        shard.prefetch(0, 1000);
        shard.prefetch(0, 1000);
        shard.read(0, read.slice(0, 1000));
        assertEquals(before + 1, files.calls(FaultyFiles.Call.READ));
    }

    /** The extent fills slots of 8 KiB, 8 KiB and 4 KiB; one slot in three is for writes. */
    @ParameterizedTest
    @CsvSource({"5, 20480", "4, 16384", "3, 8192", "1, 0"})
    void whatIsLongerThanASlotIsReadAheadPieceByPiece(int buffers, long aheadBytes) {
        reopen(buffers);
        FlatBuffer values = random(9001, 9);
        shard.write(5003, values);
        FlatBuffer read = buffer(9001);
        shard.read(5003, read); // waits for what is written behind
        long before = shard.transfers().readBytes();
        shard.prefetch(5003, 9001);
        shard.prefetch(5003, 9001);
        assertEquals(before + aheadBytes, shard.transfers().readBytes());
        assertHolds(values, 5003);
        assertEquals(before + 20_480, shard.transfers().readBytes());
    }

    @Test
    void whatIsForgottenMakesRoom() {
        shard.prefetch(0, 1000); // the one slot that is not for writes
        long before = shard.transfers().readBytes();
        shard.prefetch(5003, 1000);
        assertEquals(before, shard.transfers().readBytes());
        shard.forget(5000, 3); // nothing of it is there
        shard.prefetch(5003, 1000);
        assertEquals(before, shard.transfers().readBytes());
        shard.forget(0, 5000);
        shard.prefetch(5003, 1000);
        assertEquals(before + 8192, shard.transfers().readBytes());
        assertEquals(1, shard.aheadSlots().count());
        assertHolds(buffer(5000), 0);
    }

    @ParameterizedTest
    @CsvSource({"1, 0", "2, 1", "3, 1", "4, 2", "5, 3", "10, 6"})
    void oneSlotIsForReadsAtOnceAndOneInThreeOfTheOthersForWrites(int buffers, int ahead) {
        reopen(buffers);
        assertEquals(ahead, shard.aheadSlots().count());
        assertEquals(8192, shard.aheadSlots().sizeBytes());
        assertEquals(3, shard.aheadSlots().taken(2 * 9001));
    }

    @Test
    void noSlotIsAllocatedLater() {
        FlatBuffer values = random(ELEMENTS, 5);
        FlatBuffer read = buffer(100);
        long before = memory.allocationCount();
        for (int i = 0; i < 20; i++) {
            shard.write(0, values);
            shard.prefetch(i * 100L, 100);
            shard.read(i * 100L, read);
        }
        assertEquals(before, memory.allocationCount());
    }

    @Test
    void aChangedByteIsNoticedAndTheFileRefused() throws IOException {
        shard.write(0, random(ELEMENTS, 6));
        Path file = directory.path().resolve("parameters.bin");
        byte[] bytes = Files.readAllBytes(file);
        bytes[4096 + 5] ^= 1;
        Files.write(file, bytes);
        FlatBuffer read = buffer(5000);
        StorageException failure = assertThrows(StorageException.class, () -> shard.read(0, read));
        assertTrue(
                String.valueOf(failure.getMessage()).startsWith("Block 0 of extent 0 of " + file),
                failure.getMessage());
        assertThrows(StorageException.class, () -> shard.write(0, read));
    }

    @Test
    void anotherElementTypeIsRefused() {
        FlatBuffer wrong = FlatBuffer.ofFloats(1f);
        IllegalArgumentException failure =
                assertThrows(IllegalArgumentException.class, () -> shard.read(0, wrong));
        assertEquals(
                "The shard file 'parameters' holds bf16, the buffer is fp32.",
                failure.getMessage());
        assertThrows(IndexOutOfBoundsException.class, () -> shard.read(ELEMENTS - 1, buffer(2)));
    }
}
