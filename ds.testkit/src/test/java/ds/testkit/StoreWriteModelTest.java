package ds.testkit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import ds.offload.Recovery;
import ds.offload.StorageException;
import ds.offload.StoreLocation;
import ds.offload.StoreTerms;
import ds.testkit.Loss.Tally;
import ds.testkit.RecordingFiles.Event;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Power fails at any moment, over two ranks: of what was not synced the medium has any part, in any
 * order, cut at any sector. The run goes on from a state that was promised. And it would not, if
 * a sync, the order of a commit, the fence or the second slot were missing. With all of the state in
 * files, with a share of it in memory, and in two paths, of which each loses what it likes.
 */
@ParameterizedClass
@CsvSource({"1, 1", "0.6, 1", "1, 2"})
class StoreWriteModelTest {
    @Parameter(0)
    double share;

    @Parameter(1)
    int paths;

    private static final int RANKS = 2;
    private static final int SECTOR = 512;
    private static final int FIRST_STEPS = 3;
    private static final int STEPS = 4;
    private static final long SEED = 20_261_126L;

    @TempDir Path directory = Path.of("");

    private final List<Map<String, byte[]>> base = new ArrayList<>();

    private Path rankDirectory(String where, int path, int rank) {
        return new StoreLocation(location(where, rank).nvmePaths().get(path), "rig", rank, RANKS)
                .rankDirectory();
    }

    /** Returns a file's name with that of its path. */
    private static String key(Path file) {
        return file.getParent().getParent().getParent().getFileName() + "/" + file.getFileName();
    }

    private StoreTerms terms() {
        return StoreTerms.DEFAULT.withShare(share);
    }

    private StoreLocation location(String where, int rank) {
        return new StoreLocation(
                IntStream.range(0, paths)
                        .mapToObj(path -> directory.resolve(where).resolve("nvme" + path))
                        .toList(),
                "rig",
                rank,
                RANKS);
    }

    /** Records what two ranks do, with the fence between their steps or without it. */
    private List<Event> record(boolean fence) throws IOException {
        for (int rank = 0; rank < RANKS; rank++) {
            try (StoreRig rig = StoreRig.create(location("live", rank), Loss.UNSYNCED, terms())) {
                rig.commit();
                for (int i = 0; i < FIRST_STEPS; i++) {
                    rig.stepAndCommit();
                }
            }
            Map<String, byte[]> files = new HashMap<>();
            for (int path = 0; path < paths; path++) {
                String prefix = "nvme" + path + "/";
                Loss.bytes(rankDirectory("live", path, rank))
                        .forEach((name, bytes) -> files.put(prefix + name, bytes));
            }
            base.add(files);
        }
        RecordingFiles files = new RecordingFiles();
        try (StoreRig first = StoreRig.reopen(location("live", 0), files, terms());
                StoreRig second = StoreRig.reopen(location("live", 1), files, terms())) {
            List<StoreRig> rigs = List.of(first, second);
            rigs.forEach(StoreRig::recover);
            for (int rank = 0; rank < RANKS; rank++) {
                files.note(new Event.Acknowledged(rank, FIRST_STEPS));
                files.note(new Event.Attempted(rank, FIRST_STEPS));
            }
            if (fence) {
                for (int step = 1; step <= STEPS; step++) {
                    for (int rank = 0; rank < RANKS; rank++) {
                        write(files, rank, rigs.get(rank));
                    }
                    for (int rank = RANKS - 1; rank >= 0; rank--) {
                        commit(files, rank, rigs.get(rank));
                    }
                }
            } else {
                write(files, 1, second);
                for (int step = 1; step <= STEPS; step++) {
                    write(files, 0, first);
                    if (step == 2) {
                        commit(files, 1, second); // one step late
                        write(files, 1, second);
                    }
                    commit(files, 0, first);
                }
            }
            return files.log();
        }
    }

    private static void write(RecordingFiles files, int rank, StoreRig rig) {
        files.note(new Event.Attempted(rank, rig.step() + 1));
        rig.makeStep();
    }

    private static void commit(RecordingFiles files, int rank, StoreRig rig) {
        rig.commit();
        rig.store().awaitCommit();
        files.note(new Event.Acknowledged(rank, rig.step()));
    }

    private static boolean isJournal(Path file) {
        return file.toString().endsWith(".log");
    }

    private static boolean isData(Path file) {
        return file.toString().endsWith(".bin");
    }

    /** Cuts the log at random moments and counts what is lost. */
    private Tally powerFailures(List<Event> log, int count) throws IOException {
        Random random = new Random(SEED);
        Tally tally = Tally.NONE;
        for (int i = 0; i < count; i++) {
            int cut = random.nextInt(log.size() + 1);
            materialize(log.subList(0, cut), random);
            boolean kept = isKept(log.subList(0, cut));
            tally = tally.plus(true, kept, !kept);
        }
        return tally;
    }

    private void materialize(List<Event> events, Random random) throws IOException {
        List<Map<String, byte[]>> medium = new ArrayList<>();
        for (Map<String, byte[]> rank : base) {
            Map<String, byte[]> files = new HashMap<>();
            rank.forEach((name, bytes) -> files.put(name, bytes.clone()));
            files.remove("nvme0/owner"); // this process still runs
            medium.add(files);
        }
        Map<Path, Integer> synced = new HashMap<>();
        for (int i = 0; i < events.size(); i++) {
            if (events.get(i) instanceof Event.Sync(Path file)) {
                synced.put(file, i);
            }
        }
        int survival = random.nextInt(5); // of what was not synced: nothing, some, most or all
        for (int i = 0; i < events.size(); i++) {
            if (events.get(i) instanceof Event.Write write
                    && (isData(write.file()) || isJournal(write.file()))) {
                byte[] file = medium.get(rankOf(write.file())).get(key(write.file()));
                boolean durable = i < synced.getOrDefault(write.file(), -1);
                apply(write, file, durable, survival, random);
            }
        }
        for (int rank = 0; rank < RANKS; rank++) {
            for (int path = 0; path < paths; path++) {
                String prefix = "nvme" + path + "/";
                Map<String, byte[]> files = new HashMap<>();
                medium.get(rank)
                        .forEach(
                                (name, bytes) -> {
                                    if (name.startsWith(prefix)) {
                                        files.put(name.substring(prefix.length()), bytes);
                                    }
                                });
                Loss.restore(rankDirectory("after", path, rank), files);
            }
        }
    }

    private static int rankOf(Path file) {
        return file.getParent().getFileName().toString().startsWith("rank-0000") ? 0 : 1;
    }

    private static void apply(
            Event.Write write, byte[] file, boolean durable, int survival, Random random) {
        boolean whole = durable || random.nextInt(4) < survival;
        boolean torn = !durable && random.nextInt(4) == 0;
        byte[] bytes = write.bytes();
        for (int at = 0; at < bytes.length; at += SECTOR) {
            if (torn ? random.nextBoolean() : whole) {
                int size = Math.min(SECTOR, bytes.length - at);
                System.arraycopy(bytes, at, file, (int) write.position() + at, size);
            }
        }
    }

    /** Goes on from what the medium has, as two ranks do. */
    private boolean isKept(List<Event> events) {
        long promised = Long.MAX_VALUE;
        long attempted = 0;
        for (int rank = 0; rank < RANKS; rank++) {
            long acknowledged = FIRST_STEPS;
            for (Event event : events) {
                if (event instanceof Event.Acknowledged(int of, long step) && of == rank) {
                    acknowledged = step;
                }
                if (event instanceof Event.Attempted(_, long step)) {
                    attempted = Math.max(attempted, step);
                }
            }
            promised = Math.min(promised, acknowledged);
        }
        try (StoreRig first = StoreRig.reopen(location("after", 0), Loss.UNSYNCED, terms());
                StoreRig second = StoreRig.reopen(location("after", 1), Loss.UNSYNCED, terms())) {
            List<StoreRig> rigs = List.of(first, second);
            List<Recovery.Claim> claims = new ArrayList<>();
            for (int rank = 0; rank < RANKS; rank++) {
                claims.add(Recovery.Claim.of(rigs.get(rank).store(), location("after", rank)));
            }
            Recovery recovery = Recovery.of(claims);
            rigs.forEach(rig -> rig.recover(recovery.commit()));
            rigs.forEach(StoreRig::assertWhole);
            for (StoreRig rig : rigs) {
                rig.stepAndCommit();
                rig.assertWhole();
            }
            return first.step() == second.step()
                    && promised <= first.step() - 1
                    && first.step() - 1 <= Math.max(attempted, FIRST_STEPS);
        } catch (StorageException | AssertionError e) {
            return false;
        }
    }

    @Test
    void whateverTheMediumHasThePromisesAreKept() throws IOException {
        int count = Loss.count(150, 5_000);
        Tally tally = powerFailures(record(true), count).report("power fails, " + form());
        assertEquals(0, tally.lost());
    }

    private String form() {
        return "ratio %s, %d paths".formatted(share, paths);
    }

    private void assertLoses(String what, List<Event> log) throws IOException {
        Tally tally =
                powerFailures(log, Loss.count(100, 1_000))
                        .report("control: " + what + ", " + form());
        assertTrue(tally.lost() > 0, "nothing is lost with " + what);
    }

    private List<Event> changed(UnaryOperator<List<Event>> change) throws IOException {
        return change.apply(record(true));
    }

    @Test
    void withoutTheSyncOfTheDataStateIsLost() throws IOException {
        assertLoses("the sync of the data off", changed(log -> without(log, true)));
    }

    @Test
    void withoutTheSyncOfTheJournalStateIsLost() throws IOException {
        assertLoses("the sync of the journal off", changed(log -> without(log, false)));
    }

    private static List<Event> without(List<Event> log, boolean data) {
        return log.stream()
                .filter(
                        event ->
                                !(event instanceof Event.Sync(Path file)
                                        && (data ? isData(file) : isJournal(file))))
                .toList();
    }

    @Test
    void withTheStepsOfACommitExchangedStateIsLost() throws IOException {
        assertLoses("the steps of a commit exchanged", changed(StoreWriteModelTest::exchanged));
    }

    /** Puts what a commit does to the journal before what was done to the data since the last one. */
    private static List<Event> exchanged(List<Event> log) {
        List<Event> result = new ArrayList<>();
        List<Event> data = new ArrayList<>();
        for (Event event : log) {
            Path file =
                    switch (event) {
                        case Event.Write write -> write.file();
                        case Event.Sync sync -> sync.file();
                        case Event.Acknowledged _, Event.Attempted _ -> Path.of("");
                    };
            if (isData(file)) {
                data.add(event);
            } else {
                if (event instanceof Event.Acknowledged) {
                    result.addAll(data);
                    data.clear();
                }
                result.add(event);
            }
        }
        result.addAll(data);
        return result;
    }

    @Test
    void withoutTheFenceStateIsLost() throws IOException {
        assertLoses("the fence between ranks off", record(false));
    }

    /** A part whose sync is left out loses what the others keep. */
    @Test
    void withoutTheSyncOfOnePathStateIsLost() throws IOException {
        assumeTrue(paths > 1);
        assertLoses(
                "the sync of the second path off",
                changed(
                        log ->
                                log.stream()
                                        .filter(
                                                event ->
                                                        !(event instanceof Event.Sync(Path file)
                                                                && key(file).startsWith("nvme1/")))
                                        .toList()));
    }

    @Test
    void withOneSlotStateIsLost() throws IOException {
        assumeTrue(paths == 1); // where the other slot is, is said of one file
        long slotBytes = StoreRig.ELEMENTS * (long) Float.BYTES;
        assertLoses(
                "one slot (A/B off)",
                changed(
                        log -> {
                            List<Event> both = new ArrayList<>();
                            for (Event event : log) {
                                both.add(event);
                                if (event instanceof Event.Write write && isData(write.file())) {
                                    both.add(
                                            new Event.Write(
                                                    write.file(),
                                                    (write.position() + slotBytes)
                                                            % (2 * slotBytes),
                                                    write.bytes()));
                                }
                            }
                            return both;
                        }));
    }

    @Test
    void whatIsRecordedIsWhatIsThere() throws IOException {
        List<Event> log = record(true);
        materialize(log, new Random(1)); // everything is synced at the end
        for (int rank = 0; rank < RANKS; rank++) {
            for (int path = 0; path < paths; path++) {
                Path live = rankDirectory("live", path, rank);
                Path after = rankDirectory("after", path, rank);
                for (String file :
                        path == 0
                                ? List.of("master.bin", "exp_avg.bin", "journal-a.log")
                                : List.of("master.bin", "exp_avg.bin")) {
                    assertEquals(-1, Files.mismatch(live.resolve(file), after.resolve(file)), file);
                }
            }
        }
    }
}
