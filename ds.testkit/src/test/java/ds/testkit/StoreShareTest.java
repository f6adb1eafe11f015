package ds.testkit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ds.core.FlatBuffer;
import ds.offload.FileOperations;
import ds.offload.StorageException;
import ds.offload.StoreTerms;
import ds.offload.Stores;
import ds.offload.Transfers;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The files of a durable store are complete, whatever share of it a run steps in memory. */
@Timeout(60)
class StoreShareTest {
    @TempDir Path nvmePath = Path.of("");

    private static StoreTerms share(double inFiles) {
        return StoreTerms.DEFAULT.withShare(inFiles);
    }

    private StoreRig create(double share) {
        return StoreRig.create(StoreRig.location(nvmePath), FileOperations.system(), share(share));
    }

    private StoreRig reopen(double share) {
        return StoreRig.reopen(StoreRig.location(nvmePath), FileOperations.system(), share(share));
    }

    /** What stays in memory is no property of a store: its files are always complete. */
    @Test
    void aStoreGoesOnWithAnyShareInMemory() {
        try (StoreRig rig = create(0.6)) {
            rig.commit();
            rig.stepAndCommit();
            rig.makeStep(); // never committed
        }
        long step = 1;
        for (double share : new double[] {0.2, 1, 0, 0.6, 0.6, 1}) {
            assertEquals(
                    List.of(),
                    Stores.verify(StoreRig.location(nvmePath).rankDirectory()).problems());
            try (StoreRig rig = reopen(share).recover()) {
                assertEquals(step, rig.step());
                rig.assertWhole();
                rig.makeStep();
                rig.stepAndCommit();
                rig.skipAndCommit();
                rig.assertWhole();
                step = rig.step();
                rig.makeStep(); // never committed
                rig.assertWhole();
            }
        }
        try (StoreRig rig = reopen(0.6)) {
            rig.recover(rig.store().lastCommit() - 1);
            rig.assertWhole();
        }
    }

    /** Two arrays of five chunks of 4 KiB, of which three are in files. */
    @Test
    void whatStaysInMemoryIsWrittenWithEachCommitAndNeverRead() {
        long chunk = 2 * 4096;
        try (StoreRig rig = create(0.6)) {
            rig.commit();
            Transfers before = rig.store().transfers();
            rig.makeStep();
            rig.makeStep();
            assertMoved(before, rig, 2 * 3 * chunk, 2 * 3 * chunk);
            rig.commit();
            rig.store().awaitCommit();
            assertMoved(before, rig, 2 * 3 * chunk, (2 * 3 + 2) * chunk);
            rig.skipAndCommit();
            rig.store().awaitCommit();
            assertMoved(before, rig, 2 * 3 * chunk, (2 * 3 + 2) * chunk);
            rig.store().write(1, 1024 + 7, FlatBuffer.ofFloats(new float[1]));
            rig.store().read(1, 1024 + 7, FlatBuffer.ofFloats(new float[1]));
            rig.commit();
            rig.store().awaitCommit();
            assertMoved(before, rig, 2 * 3 * chunk, (2 * 3 + 2 + 1) * chunk);
        }
    }

    private static void assertMoved(Transfers before, StoreRig rig, long read, long written) {
        Transfers moved = rig.store().transfers().since(before);
        assertEquals(read, moved.readBytes(), "read");
        assertEquals(written, moved.writtenBytes(), "written");
    }

    /** The files are where a store comes back from, so what stays in memory is checked there too. */
    @Test
    void aCorruptBlockOfWhatStaysInMemoryIsFoundWhenTheStoreComesBack() throws IOException {
        try (StoreRig rig = create(0)) {
            rig.commit();
            rig.stepAndCommit();
        }
        Path file = StoreRig.location(nvmePath).rankDirectory().resolve("exp_avg.bin");
        byte[] bytes = Files.readAllBytes(file);
        for (int at = 0; at < bytes.length; at += 4096) {
            bytes[at] ^= 1;
        }
        Files.write(file, bytes);
        try (StoreRig rig = reopen(0)) {
            StorageException failure = assertThrows(StorageException.class, rig::recover);
            assertTrue(failure.getMessage().contains("exp_avg.bin"), failure.getMessage());
            assertTrue(
                    failure.getMessage().contains("is not what was written"), failure.getMessage());
        }
    }
}
