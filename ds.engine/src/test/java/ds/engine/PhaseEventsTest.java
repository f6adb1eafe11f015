package ds.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;

import ds.offload.Transfers;
import ds.zero.PhaseClock;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import jdk.jfr.Recording;
import jdk.jfr.consumer.RecordedEvent;
import jdk.jfr.consumer.RecordingFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Each event says what its own phase moved and waited for. */
class PhaseEventsTest {
    @TempDir private Path directory;

    private Transfers moved = Transfers.NONE;
    private long waited;

    private void move(long read, long written, long nanos) {
        moved = moved.plus(new Transfers(read, written, 0, 0));
        waited += nanos;
    }

    @Test
    void aPhaseHasItsOwnBytesAndNothingFromBeforeTheRecording() throws IOException {
        PhaseEvents events = new PhaseEvents(3, () -> moved, () -> waited);
        move(1000, 1000, 1000);
        events.changed(PhaseClock.Phase.FORWARD);
        Path file = directory.resolve("phases.jfr");
        try (Recording recording = new Recording()) {
            recording.enable("ds.Phase");
            recording.start();
            move(500, 500, 500); // of a phase that had begun before
            events.changed(PhaseClock.Phase.BACKWARD);
            move(7, 5, 3);
            events.changed(PhaseClock.Phase.GATHER);
            events.changed(PhaseClock.Phase.NORM);
            move(0, 11, 2);
            events.changed(PhaseClock.Phase.STEP);
            recording.stop();
            recording.dump(file);
        }
        List<String> said =
                RecordingFile.readAllEvents(file).stream()
                        .filter(event -> event.getEventType().getName().equals("ds.Phase"))
                        .map(PhaseEventsTest::line)
                        .toList();
        assertEquals(List.of("3 gather 7 5 3", "3 norm 0 0 0", "3 step 0 11 2"), said);
    }

    private static String line(RecordedEvent event) {
        return "%d %s %d %d %d"
                .formatted(
                        event.getInt("rank"),
                        event.getString("phase"),
                        event.getLong("readBytes"),
                        event.getLong("writtenBytes"),
                        event.getLong("waitNanos"));
    }
}
