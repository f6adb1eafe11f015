package ds.testkit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ds.core.FlatBuffer;
import ds.offload.FileOperations;
import ds.offload.StorageException;
import ds.offload.StoreLocation;
import ds.offload.StoreTerms;
import ds.testkit.FaultyFiles.Call;
import ds.testkit.Loss.Tally;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Whichever call to the disk fails, what was committed before it is whole: with all of the state in
 * files, with a share of it in memory, and in three paths.
 */
@ParameterizedClass
@CsvSource({"1, 1", "0.6, 1", "1, 3"})
class StoreFailingCallsTest {
    @Parameter(0)
    double share;

    @Parameter(1)
    int paths;

    @TempDir Path nvmePath = Path.of("");

    private int runs;

    /** What a run had been promised when it ended. */
    private static final class Promise {
        private long acknowledged = -1;
        private long attempted = -1;
        private boolean failed;
    }

    private StoreTerms terms() {
        return StoreTerms.DEFAULT.withShare(share);
    }

    private StoreLocation location() {
        Path run = nvmePath.resolve("run" + runs);
        return new StoreLocation(
                IntStream.range(0, paths).mapToObj(path -> run.resolve("nvme" + path)).toList(),
                "rig",
                0,
                1);
    }

    private Path directory() {
        return location().rankDirectory();
    }

    private String form() {
        return "ratio %s, %d paths".formatted(share, paths);
    }

    /** A store's life, from its making to the moment before its end. */
    private Promise live(FaultyFiles files) {
        runs++;
        Promise promise = new Promise();
        try (StoreRig rig = StoreRig.create(location(), files, terms())) {
            for (int step = 0; step <= 3; step++) {
                promise.attempted = step;
                if (step > 0) {
                    rig.makeStep();
                }
                if (step == 2) {
                    touch(rig);
                }
                rig.commit();
                rig.store().awaitCommit();
                promise.acknowledged = step;
            }
            rig.assertWhole();
            promise.attempted = 4;
            rig.makeStep(); // cut off before its commit
        } catch (StorageException e) {
            promise.failed = true;
        }
        return promise;
    }

    /** Writes what is there already, across a block's end. */
    private static void touch(StoreRig rig) {
        FlatBuffer some = FlatBuffer.ofFloats(new float[700]);
        rig.store().read(1, 800, some);
        rig.store().write(1, 800, some);
    }

    /** Returns whether the state after a failure is one that was promised, whole. */
    private boolean isKept(Promise promise) throws IOException {
        if (!Files.exists(directory())) {
            return promise.acknowledged < 0;
        }
        Files.deleteIfExists(directory().resolve("owner")); // this process still runs
        try (StoreRig rig = StoreRig.reopen(location(), Loss.UNSYNCED, terms())) {
            rig.recover();
            rig.assertWhole();
            boolean promised =
                    promise.acknowledged <= rig.step() && rig.step() <= promise.attempted;
            rig.stepAndCommit();
            rig.assertWhole();
            return promised;
        } catch (StorageException e) {
            return promise.acknowledged < 0;
        }
    }

    private static FaultyFiles faulty() {
        return FaultyFiles.around(Loss.UNSYNCED);
    }

    @ParameterizedTest
    @EnumSource(Call.class)
    void everyCallFailsOnce(Call call) throws IOException {
        FaultyFiles counting = faulty();
        assertEquals(false, live(counting).failed);
        long calls = counting.calls(call);
        assertTrue(calls > 0, call + " is never called");
        Tally tally = Tally.NONE;
        for (long n = 1; n <= calls; n += call == Call.WRITE ? Loss.count(5, 1) : 1) {
            Promise promise = live(faulty().failing(call, n));
            tally = tally.plus(promise.failed, true, !isKept(promise));
        }
        tally.report("call fails with EIO, " + form() + ": " + call);
        assertEquals(tally.injected(), tally.detected(), "an error that nobody was told");
        assertEquals(0, tally.lost());
    }

    @Test
    void theDiskIsFullAtAnyMoment() throws IOException {
        Tally tally = Tally.NONE;
        FaultyFiles counting = faulty();
        live(counting);
        long bytes = counting.calls(Call.WRITE) * 4096 * 20;
        long step = bytes / Loss.count(60, 1_000);
        boolean failed = true;
        for (long space = 0; failed; space += step) {
            Promise promise = live(faulty().spaceFor(space));
            failed = promise.failed;
            tally = failed ? tally.plus(true, true, !isKept(promise)) : tally;
        }
        tally.report("disk full (ENOSPC), " + form());
        assertTrue(tally.injected() > 5, tally::toString);
        assertEquals(0, tally.lost());
    }

    @Test
    void shortReadsAndWritesAreContinued() throws IOException {
        Map<String, Consumer<FaultyFiles>> kinds =
                Map.of(
                        "reads", files -> files.shortReads(1000),
                        "writes", files -> files.shortWrites(700));
        for (Map.Entry<String, Consumer<FaultyFiles>> kind : kinds.entrySet()) {
            FaultyFiles files = faulty();
            kind.getValue().accept(files);
            Promise promise = live(files);
            assertEquals(false, promise.failed, kind.getKey());
            assertEquals(3, promise.acknowledged);
            assertTrue(isKept(promise), kind.getKey());
            new Tally(1, 1, 1, 0).report("short " + kind.getKey() + ", " + form());
        }
    }

    /** A write that is reported whole and is not: what it hit is whole in its other copy, or said. */
    @Test
    void aWriteThatLiesIsFoundOrHarmless() throws IOException {
        FaultyFiles counting = faulty();
        live(counting);
        long calls = counting.calls(Call.WRITE);
        Tally tally = Tally.NONE;
        for (long n = 1; n <= calls; n += Loss.count(7, 1)) {
            for (boolean torn : new boolean[] {true, false}) {
                FaultyFiles files = faulty();
                Promise promise =
                        live(torn ? files.tornWrite(n, 512) : files.flippedBit(Call.WRITE, n, 999));
                boolean lost = lies(promise);
                tally = tally.plus(promise.failed, !lost, lost);
            }
        }
        tally.report("write torn or flipped, and reported whole, " + form());
        assertEquals(0, tally.lost());
    }

    /** Returns whether a wrong state was taken for a right one; a typed error is no such thing. */
    private boolean lies(Promise promise) throws IOException {
        if (!Files.exists(directory())) {
            return promise.acknowledged >= 0;
        }
        Files.deleteIfExists(directory().resolve("owner"));
        try (StoreRig rig = StoreRig.reopen(location(), Loss.UNSYNCED, terms())) {
            rig.recover();
            rig.assertWhole();
            return false;
        } catch (StorageException e) {
            return false;
        } catch (AssertionError e) {
            return true;
        }
    }

    /** What the other tests would say if syncs were forgotten is in StoreWriteModelTest. */
    @Test
    void aRunWithoutFaultsKeepsItsPromise() throws IOException {
        Promise promise = live(FaultyFiles.around(FileOperations.system()));
        assertEquals(false, promise.failed);
        assertEquals(3, promise.acknowledged);
        assertTrue(isKept(promise));
    }
}
