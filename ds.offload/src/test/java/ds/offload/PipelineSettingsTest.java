package ds.offload;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Settings and layouts out of range cannot exist. */
class PipelineSettingsTest {
    private static void assertRefused(String message, Runnable wrong) {
        assertEquals(
                message, assertThrows(IllegalArgumentException.class, wrong::run).getMessage());
    }

    @Test
    void everyRangeIsChecked() {
        PipelineSettings settings = PipelineSettings.DEFAULT;
        assertRefused(
                "chunkBytes must be 4,096 to 1,073,741,824, was 100.",
                () -> settings.withChunkBytes(100));
        assertRefused("bufferCount must be 1 to 256, was 0.", () -> settings.withBufferCount(0));
        assertRefused(
                "bufferCount must be 1 to 256, was 257.", () -> settings.withBufferCount(257));
        assertRefused(
                "stuckAfter must be positive, was PT0S.",
                () -> settings.withStuckAfter(Duration.ZERO));
    }

    @Test
    void aRunIsWholeGranules() {
        assertRefused(
                "The length of a run must be a multiple of 1,024 elements, at least 0, was 1,000.",
                () -> new StateLayout(List.of("master"), List.of(1000L)));
        assertRefused(
                "A state layout needs at least one array, has none.",
                () -> new StateLayout(List.of(), List.of(1024L)));
    }
}
