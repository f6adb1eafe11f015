package ds.testkit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ds.offload.StoreTerms;
import ds.offload.Stores;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * A store whose space was only reserved is one full of zeros: with the same bytes, checksums and
 * commits, and nothing written before its first values.
 */
class ReservedStoreTest {
    @TempDir private Path nvmePath;

    private final RecordingFiles files = new RecordingFiles();

    private StoreRig create(boolean reserves, StoreTerms terms) {
        return StoreRig.create(
                StoreRig.location(nvmePath),
                new TracedStorage(reserves),
                files,
                terms,
                StoreRig.LAYOUT);
    }

    /** Returns the bytes that were written to the files of arrays so far. */
    private long written() {
        return files.log().stream()
                .mapToLong(
                        event ->
                                event instanceof RecordingFiles.Event.Write write
                                                && write.file().toString().endsWith(".bin")
                                        ? write.bytes().length
                                        : 0)
                .sum();
    }

    @ParameterizedTest
    @ValueSource(ints = {2, 3})
    void nothingIsWrittenFirstAndEveryCommitIsWhole(int generations) {
        StoreTerms terms = StoreTerms.DEFAULT.withGenerations(generations).withReserved(true);
        Path store;
        try (StoreRig rig = create(true, terms)) {
            store = rig.path();
            assertEquals(0, written());
            rig.commit();
            rig.assertWhole();
            assertEquals(0, written());
        }
        assertEquals(List.of(), Stores.verify(store).problems());
        for (int life = 0; life < 3; life++) {
            try (StoreRig rig =
                    StoreRig.reopen(StoreRig.location(nvmePath), files, terms).recover()) {
                assertEquals(2 * life, rig.step());
                rig.assertWhole();
                rig.stepAndCommit();
                rig.stepAndCommit();
                rig.assertWhole();
            }
            assertEquals(List.of(), Stores.verify(store).problems());
        }
    }

    @Test
    void whereNoSpaceCanBeReservedZerosAreWritten() {
        StoreTerms terms = StoreTerms.DEFAULT.withReserved(true);
        try (StoreRig rig = create(false, terms)) {
            assertTrue(written() >= 2L * 2 * Float.BYTES * StoreRig.ELEMENTS, "two generations");
            rig.commit();
            rig.stepAndCommit();
            rig.assertWhole();
        }
    }
}
