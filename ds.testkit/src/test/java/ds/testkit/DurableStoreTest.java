package ds.testkit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ds.core.DType;
import ds.core.FlatBuffer;
import ds.offload.FileOperations;
import ds.offload.StateCoding;
import ds.offload.StateLayout;
import ds.offload.StorageException;
import ds.offload.StorageProviders;
import ds.offload.StoreDirectory;
import ds.offload.StoreLife;
import ds.offload.StoreLocation;
import ds.offload.Stores;
import ds.offload.spi.StorageProvider;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a store has committed is there when it is opened again; what it has not is not. */
@Timeout(60)
class DurableStoreTest {
    @TempDir Path nvmePath = Path.of("");

    private StoreRig create(int generations) {
        return StoreRig.create(StoreRig.location(nvmePath), FileOperations.system(), generations);
    }

    private StoreRig reopen(int generations) {
        return StoreRig.reopen(StoreRig.location(nvmePath), FileOperations.system(), generations);
    }

    @ParameterizedTest
    @ValueSource(ints = {2, 3})
    void theLastCommitIsThereAfterTheStoreWasLeft(int generations) {
        try (StoreRig rig = create(generations)) {
            rig.commit();
            for (int i = 0; i < 5; i++) {
                rig.stepAndCommit();
            }
            rig.makeStep(); // never committed
        }
        for (int left = 0; left < 3; left++) {
            try (StoreRig rig = reopen(generations).recover()) {
                assertEquals(5 + 2 * left, rig.step());
                rig.assertWhole();
                rig.stepAndCommit();
                rig.skipAndCommit();
                rig.stepAndCommit();
                rig.assertWhole();
            }
        }
    }

    @Test
    void manyCommitsTurnTheJournalAndEveryOneIsThere() {
        try (StoreRig rig = create(2)) {
            rig.commit();
        }
        for (int round = 0; round < 12; round++) {
            try (StoreRig rig = reopen(2).recover()) {
                assertEquals(7 * round, rig.step());
                rig.assertWhole();
                for (int i = 0; i < 7; i++) {
                    rig.stepAndCommit();
                }
            }
        }
    }

    private static final StateLayout LACKING =
            new StateLayout(
                    StoreRig.LAYOUT.arrays(),
                    StoreRig.RUNS,
                    DType.FP32,
                    List.of(),
                    StateCoding.NONE,
                    Map.of(2, List.of(0)));

    @Test
    void aRunThatAnArrayLacksIsInNoFileAndWhatIsThereSurvives() throws IOException {
        FlatBuffer values = FlatBuffer.ofFloats(new float[2 * 1024]);
        values.set(7, 42);
        try (StoreRig rig =
                StoreRig.create(StoreRig.location(nvmePath), FileOperations.system(), 2, LACKING)) {
            rig.commit();
            rig.makeStep();
            rig.store().write(0, 3L * 1024, values);
            rig.commit();
            assertEquals(2 * 5 * 4096, Files.size(rig.path().resolve("master.bin")));
            assertEquals(2 * 3 * 4096, Files.size(rig.path().resolve("exp_avg.bin")));
        }
        Path rank = nvmePath.resolve("ds-rig/rank-0000-of-0001");
        assertTrue(Stores.verify(rank).isSpotless(), () -> Stores.verify(rank).toString());
        assertEquals(
                Map.of("master", 5L * 1024, "exp_avg", 3L * 1024),
                Stores.list(nvmePath).getFirst().lastCommit().orElseThrow().arrays());
        try (StoreRig rig =
                StoreRig.reopen(StoreRig.location(nvmePath), FileOperations.system(), 2, LACKING)) {
            rig.recover();
            FlatBuffer read = FlatBuffer.ofFloats(new float[5 * 1024]);
            rig.store().read(0, 0, read);
            assertEquals(1, read.get(0));
            assertEquals(42, read.get(3 * 1024 + 7));
            assertEquals(LACKING, rig.store().layout());
        }
        assertTrue(
                assertThrows(StorageException.class, () -> reopen(2))
                        .getMessage()
                        .contains(" is of another model, optimizer or stage: "));
    }

    @Test
    void aStoreFromBeforeArraysCouldLackRunsGoesOnAsItWasMade() {
        try (StoreRig rig = create(2)) {
            rig.commit();
            rig.stepAndCommit();
        }
        try (StoreRig rig =
                StoreRig.reopen(StoreRig.location(nvmePath), FileOperations.system(), 2, LACKING)) {
            rig.recover();
            rig.assertWhole();
            rig.stepAndCommit();
            rig.assertWhole();
            assertEquals(StoreRig.LAYOUT, rig.store().layout());
        }
        assertEquals(
                "StateLayout[arrays=[master, exp_avg], runLengths=[3072, 0, 2048], type=FP32, extras=[], coding=fp32[]]",
                LACKING.toString(),
                "stores hold a hash of this text");
    }

    @Test
    void aStoreGoesBackOneCommitAndNoFurther() {
        try (StoreRig rig = create(2)) {
            rig.commit();
            for (int i = 0; i < 4; i++) {
                rig.stepAndCommit();
            }
        }
        try (StoreRig rig = reopen(2)) {
            assertEquals(5, rig.store().lastCommit());
            StorageException failure = assertThrows(StorageException.class, () -> rig.recover(3));
            assertEquals(
                    rig.path() + " does not hold commit 3 any more: its last one is 5.",
                    failure.getMessage());
            rig.recover(4);
            assertEquals(3, rig.step());
            rig.assertWhole();
        }
        try (StoreRig rig = reopen(2).recover()) {
            assertEquals(3, rig.step(), "that it went back is durable");
            assertEquals(2, rig.store().epoch());
            rig.assertWhole();
            rig.stepAndCommit();
            rig.stepAndCommit();
            rig.assertWhole();
        }
        try (StoreRig rig = reopen(2).recover()) {
            assertEquals(5, rig.step());
            rig.assertWhole();
        }
    }

    @Test
    void goingBackOverATurnOfTheJournalAgainAndAgain() {
        try (StoreRig rig = create(2)) {
            rig.commit();
            for (int i = 0; i < 60; i++) {
                rig.stepAndCommit();
            }
        }
        long step = 60;
        for (int i = 0; i < 40; i++) {
            try (StoreRig rig = reopen(2)) {
                long last = rig.store().lastCommit();
                rig.recover(last - 1);
                assertEquals(step - 1, rig.step());
                rig.assertWhole();
                rig.stepAndCommit();
                rig.stepAndCommit();
                step++;
            }
        }
    }

    @Test
    void writesOfAnyRangeAreCommittedToo() {
        FlatBuffer values = FlatBuffer.ofFloats(1f, 2f, 3f);
        try (StoreRig rig = create(2)) {
            rig.commit();
            rig.stepAndCommit();
            rig.store().write(1, 2047, values);
            rig.store().write(1, 2048, values);
            rig.commit();
            rig.store().write(1, 2047, FlatBuffer.ofFloats(9f, 9f, 9f, 9f));
        }
        try (StoreRig rig = reopen(2).recover()) {
            FlatBuffer read = FlatBuffer.ofFloats(new float[6]);
            rig.store().read(1, 2046, read);
            float[] expected = {2048, 1, 1, 2, 3, 2053};
            for (int i = 0; i < expected.length; i++) {
                assertEquals(expected[i], read.get(i), "element " + i);
            }
        }
    }

    @Test
    void aStepOverBlocksInDifferentSlotsSeesAndLeavesThemRight() {
        try (StoreRig rig = create(2)) {
            rig.commit();
            rig.stepAndCommit();
            float[] page = new float[1024];
            for (int i = 0; i < page.length; i++) {
                page[i] = i + 1024 + 1;
            }
            rig.store().write(0, 1024, FlatBuffer.ofFloats(page)); // as they are already
            rig.commit();
            rig.assertWhole();
            for (int i = 0; i < 4; i++) {
                rig.stepAndCommit();
                rig.assertWhole();
            }
        }
        try (StoreRig rig = reopen(2).recover()) {
            assertEquals(5, rig.step());
            rig.assertWhole();
        }
    }

    @Test
    void stepsBetweenCommitsCostNoMoreThanThemselves() {
        try (StoreRig rig = create(2)) {
            rig.commit();
            rig.stepAndCommit();
            rig.makeStep();
            rig.makeStep();
            rig.makeStep();
            rig.assertWhole();
        }
        try (StoreRig rig = reopen(2).recover()) {
            assertEquals(1, rig.step());
            rig.assertWhole();
        }
    }

    @Test
    void aReleasedStoreIsDeletedAndOneThatNeverCommittedToo() {
        try (StoreRig rig = create(2)) {
            rig.makeStep();
        }
        assertFalse(Files.exists(nvmePath.resolve("ds-rig")));
        try (StoreRig rig = create(2)) {
            rig.commit();
            rig.release();
        }
        assertFalse(Files.exists(nvmePath.resolve("ds-rig")));
    }

    @Test
    void aFailedSyncIsNotTriedAgainAndTheCommitBeforeIsWhole() {
        FaultyFiles files = FaultyFiles.around(FileOperations.system());
        StoreRig rig = StoreRig.create(StoreRig.location(nvmePath), files, 2);
        try (rig) {
            rig.commit();
            rig.stepAndCommit();
            rig.store().awaitCommit();
            files.failing(FaultyFiles.Call.FORCE, 2);
            rig.stepAndCommit();
            StorageException failure =
                    assertThrows(StorageException.class, () -> rig.store().awaitCommit());
            assertTrue(
                    String.valueOf(failure.getMessage()).contains("Syncing"), failure.getMessage());
            long calls = files.calls(FaultyFiles.Call.FORCE);
            assertTrue(
                    String.valueOf(
                                    assertThrows(StorageException.class, rig::stepAndCommit)
                                            .getMessage())
                            .startsWith("The offload store cannot be used any more"));
            assertEquals(calls, files.calls(FaultyFiles.Call.FORCE));
        }
        try (StoreRig again = reopen(2).recover()) {
            assertEquals(1, again.step());
            again.assertWhole();
        }
    }

    @Test
    void aDamagedCopyOfARecordIsRepairedByTheOther() throws IOException {
        try (StoreRig rig = create(2)) {
            rig.commit();
            rig.stepAndCommit();
        }
        Path journal = nvmePath.resolve("ds-rig/rank-0000-of-0001/journal-a.log");
        byte[] good = Files.readAllBytes(journal);
        byte[] bad = good.clone();
        bad[100] ^= 4;
        Files.write(journal, bad);
        try (StoreRig rig = reopen(2).recover()) {
            assertEquals(1, rig.step());
            assertEquals(good[100], Files.readAllBytes(journal)[100]);
        }
    }

    private static void assertClosed(String backend, StoreLocation location) throws IOException {
        Path header = location.rankDirectory().resolve("owner");
        assertTrue(Files.readString(header).contains("\npid=0\n"), "nobody has it open");
        Stores.RankStore found =
                Stores.list(location.rankDirectory()).getFirst().ranks().getFirst();
        assertEquals(StoreLife.RESUMABLE, found.life());
        assertEquals(Optional.of(backend), found.backend());
    }

    /** One file that is mapped and written past the page cache would be two files. */
    @Test
    void theHeaderSaysWithWhichBackendAStoreIsOpenAndAnotherIsRefused() throws IOException {
        StorageProvider mapped =
                StorageProviders.named(ModuleLayer.boot(), "mapped", nvmePath).provider();
        StoreLocation location = StoreRig.location(nvmePath);
        Path header = location.rankDirectory().resolve("owner");
        try (StoreRig rig = create(2)) {
            rig.commit();
            assertTrue(Files.readString(header).contains("\nbackend=channel\n"));
            StorageException failure =
                    assertThrows(
                            StorageException.class,
                            () -> StoreDirectory.reopen(location, mapped, FileOperations.system()));
            assertEquals(
                    "The offload store %s is in use by process %d, with the backend 'channel', and a store is open with one backend at a time, not with 'mapped' too; end that run first."
                            .formatted(rig.path(), ProcessHandle.current().pid()),
                    failure.getMessage());
            rig.stepAndCommit(); // it was not disturbed
        }
        assertClosed("channel", location);
        try (StoreDirectory _ = StoreDirectory.reopen(location, mapped, FileOperations.system())) {
            assertTrue(Files.readString(header).contains("\nbackend=mapped\n"));
        }
        assertClosed("mapped", location);
        try (StoreRig rig = reopen(2).recover()) {
            assertEquals(1, rig.step());
            rig.assertWhole();
        }
    }

    @Test
    void anotherLayoutIsRefused() {
        try (StoreRig rig = create(2)) {
            rig.commit();
        }
        StorageException failure = assertThrows(StorageException.class, () -> reopen(3));
        assertTrue(
                String.valueOf(failure.getMessage())
                        .contains(
                                "keeps 2 generations in blocks of 4,096 bytes, this run asks for 3"),
                failure.getMessage());
        try (StoreRig rig = reopen(2).recover()) {
            assertEquals(0, rig.step());
        }
    }
}
