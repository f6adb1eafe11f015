package ds.offload.chronicle;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * A run that is killed at any moment, as {@code kill -9} does, leaves a journal that another process
 * has followed meanwhile and that the next life appends to: no step is missing, none is torn.
 */
class KilledRunsJournalTest {
    private static final int KILLS = Boolean.getBoolean("ds.loss") ? 60 : 6;
    private static final int STEPS = 8;
    private static final int STEP_MILLIS = 30;
    private static final long SEED = 20_261_127L;

    @TempDir private Path directory;
    private final List<JournalEntry> followed = new ArrayList<>();
    private final Random random = new Random(SEED);

    private Path file() {
        return directory.resolve("run.journal");
    }

    @Test
    @Timeout(600)
    void everyStepOfEveryLifeIsFollowed() throws Exception {
        ChronicleJournal.open(file()).close(); // so that there is something to follow
        try (ChronicleJournal.Follower follower = ChronicleJournal.follow(file())) {
            for (int life = 0; life < KILLS; life++) {
                int before = followed.size();
                assertLife(before, live(follower));
            }
        }
        assertTrue(followed.size() > KILLS, "too few steps to mean anything");
        try (ChronicleJournal journal = ChronicleJournal.open(file());
                ChronicleJournal.Follower again = ChronicleJournal.follow(file())) {
            assertEquals(followed.size(), journal.size());
            for (JournalEntry entry : followed) {
                assertEquals(Optional.of(entry), again.poll());
            }
            assertEquals(Optional.empty(), again.poll());
        }
    }

    /** Follows one life, ends it some time after some steps, and returns the whole lines it wrote. */
    private List<String> live(ChronicleJournal.Follower follower)
            throws IOException, InterruptedException {
        Process run = ChildProgram.start(JournalledRun.class, directory.resolve("nvme"), file());
        try (BufferedReader out = run.inputReader(StandardCharsets.UTF_8)) {
            for (int steps = 1 + random.nextInt(STEPS); steps > 0; ) {
                Optional<JournalEntry> entry = follower.poll();
                entry.ifPresent(followed::add);
                steps -= entry.isPresent() ? 1 : 0;
                assertTrue(run.isAlive(), "the run ended by itself");
            }
            run.waitFor(random.nextInt(STEP_MILLIS), TimeUnit.MILLISECONDS);
            run.toHandle().destroyForcibly(); // leaves the pipe open
            run.waitFor();
            for (Optional<JournalEntry> entry = follower.poll();
                    entry.isPresent();
                    entry = follower.poll()) {
                followed.add(entry.get());
            }
            String text = out.readAllAsString();
            return text.substring(0, text.lastIndexOf('\n') + 1).lines().toList();
        }
    }

    /**
     * Checks the entries from {@code first} on, of a life that wrote {@code lines}: they go on where
     * it says, which is at the last entry before or behind it, without a hole, and are its steps.
     */
    private void assertLife(int first, List<String> lines) {
        long from = Long.parseLong(lines.getFirst().replaceFirst("from ", ""));
        long last = first == 0 ? 0 : followed.get(first - 1).step();
        assertTrue(from == last || from == last - 1, last + ", then from " + from);
        for (int i = first; i < followed.size(); i++) {
            JournalEntry entry = followed.get(i);
            assertEquals(from + 1 + i - first, entry.step(), "a hole");
            // Commit 1 is the beginning, and every step makes one.
            assertEquals(entry.step() + 1, entry.commit());
            if (i == first && entry.step() == last) {
                assertEquals(
                        JournalledRun.said(followed.get(i - 1)),
                        JournalledRun.said(entry),
                        "the step that is made again");
            }
            int line = 1 + i - first;
            if (line < lines.size()) { // a report is there after its entry
                assertEquals(lines.get(line), JournalledRun.said(entry));
            }
        }
        assertTrue(lines.size() - 1 <= followed.size() - first, "a report without an entry");
    }
}
