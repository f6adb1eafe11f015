package ds.testkit;

import static org.junit.jupiter.api.Assertions.assertEquals;

import ds.core.FlatBuffer;
import ds.core.HostDevice;
import ds.core.HostMemories;
import ds.core.RankMemory;
import ds.offload.FileOperations;
import ds.offload.PipelineSettings;
import ds.offload.StagingSlots;
import ds.offload.StateLayout;
import ds.offload.StateStore;
import ds.offload.StateStores;
import ds.offload.StoreDirectory;
import ds.offload.StoreLocation;
import ds.offload.StoreTerms;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * What is read ahead and written behind overlaps the step, and what is not is waited for: by the order
 * of events, never by times. Four chunks of one array, of a block of 4 KiB each.
 */
@Timeout(120)
class PipelineOrderTest {
    private static final int BLOCK = 4096;
    private static final int CHUNK = BLOCK / 4;
    private static final int CHUNKS = 4;

    @TempDir Path nvmePath = Path.of("");

    private final TracedStorage storage = new TracedStorage(false);

    /** Makes one step, and returns what happened in it. */
    private List<String> step(boolean readAhead, boolean writeBehind, int slots) {
        try (RankMemory memory = new RankMemory(HostMemories.portable());
                HostDevice device = new HostDevice();
                StoreDirectory directory =
                        StoreDirectory.open(
                                new StoreLocation(nvmePath, "run", 0, 1),
                                storage,
                                FileOperations.system());
                StateStore store =
                        StateStores.onNvme(
                                new StateLayout(List.of("master"), List.of((long) CHUNKS * CHUNK)),
                                memory,
                                device,
                                directory,
                                PipelineSettings.DEFAULT
                                        .withChunkBytes(BLOCK)
                                        .withSlots(
                                                new StagingSlots(
                                                        slots, false, readAhead, writeBehind)),
                                StoreTerms.IN_PLACE)) {
            storage.trace();
            store.step(
                    (_, _) -> List.of(),
                    (first, _, stored) -> {
                        String chunk = "step " + first / CHUNK * BLOCK;
                        storage.note(chunk);
                        stored.getFirst().set(0, first + 1);
                        storage.note(chunk + " ended");
                    });
            List<String> events = storage.events();
            FlatBuffer read = FlatBuffer.ofFloats(new float[CHUNKS * CHUNK]);
            store.read(0, 0, read);
            for (int chunk = 0; chunk < CHUNKS; chunk++) {
                assertEquals(chunk * CHUNK + 1, read.get((long) chunk * CHUNK));
            }
            return events;
        }
    }

    private static List<String> both(String what, int chunk) {
        String event = what + " " + chunk * BLOCK;
        return List.of(event, event + " ended");
    }

    /** Returns the events of some kinds, in order. */
    private static List<String> of(List<String> events, String... kinds) {
        return events.stream()
                .filter(event -> List.of(kinds).contains(event.substring(0, event.indexOf(' '))))
                .toList();
    }

    private static List<String> oneByOne(String... kinds) {
        List<String> expected = new ArrayList<>();
        for (int chunk = 0; chunk < CHUNKS; chunk++) {
            for (String kind : kinds) {
                expected.addAll(both(kind, chunk));
            }
        }
        return expected;
    }

    @Test
    void withNeitherEveryTransferIsWaitedFor() {
        assertEquals(oneByOne("read", "step", "write"), step(false, false, 4));
    }

    @Test
    void withoutReadingAheadAChunkIsReadWhenTheStepComesToIt() {
        List<String> events = step(false, true, 4);
        assertEquals(oneByOne("read", "step"), of(events, "read", "step"));
    }

    @Test
    void withoutReadingAheadAChunkIsStillWrittenWhileTheNextIsStepped() {
        storage.hold("write 0 ended", "step 4096 ended");
        List<String> events = step(false, true, 4);
        assertEquals(oneByOne("read", "step"), of(events, "read", "step"));
        assertEquals(both("write", 0).getFirst(), of(events, "write").getFirst());
    }

    @Test
    void withoutWritingBehindAChunkIsInItsFileBeforeTheNextIsStepped() {
        List<String> events = step(true, false, 4);
        assertEquals(oneByOne("step", "write"), of(events, "step", "write"));
    }

    @Test
    void withoutWritingBehindTheNextChunkIsStillReadAhead() {
        storage.hold("step 0", "read 4096 ended");
        List<String> events = step(true, false, 4);
        assertEquals(oneByOne("step", "write"), of(events, "step", "write"));
    }

    @Test
    void bothOverlapTheStep() {
        storage.hold("step 0", "read 12288");
        storage.hold("write 0 ended", "step 4096");
        List<String> events = step(true, true, 4);
        assertEquals(oneByOne("step"), of(events, "step"));
    }
}
