package ds.testkit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ds.offload.StorageException;
import ds.offload.StorageProviders;
import ds.offload.StoreTerms;
import ds.offload.StoreVerification;
import ds.offload.Stores;
import ds.offload.spi.StorageProvider;
import ds.testkit.Loss.Tally;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * With three generations a run goes on from the commit before the last after a step met a corrupt
 * block, however far that step came; with two it cannot. The long form is {@code ./mvnw verify
 * -Ploss}.
 */
class PreviousGenerationTest {
    private static final int FLIPS = Loss.count(60, 1_000);
    private static final int STEPS = 7;
    private static final long SEED = 20_261_127L;

    @TempDir private Path nvmePath;

    /** The backends that run everywhere; those of Linux are asked by the tests of whole runs. */
    static List<String> backends() {
        return List.of("channel", "mapped");
    }

    private StorageProvider provider(String backend) {
        return StorageProviders.named(ModuleLayer.boot(), backend, nvmePath).provider();
    }

    private StoreRig reopen(String backend, int generations) {
        return StoreRig.reopen(
                StoreRig.location(nvmePath),
                provider(backend),
                Loss.UNSYNCED,
                StoreTerms.DEFAULT.withGenerations(generations),
                StoreRig.LAYOUT);
    }

    /** Makes a store at step {@link #STEPS}, and returns its directory. */
    private Path make(String backend, int generations) {
        try (StoreRig rig =
                StoreRig.create(
                        StoreRig.location(nvmePath),
                        provider(backend),
                        Loss.UNSYNCED,
                        StoreTerms.DEFAULT.withGenerations(generations),
                        StoreRig.LAYOUT)) {
            rig.commit();
            for (int i = 0; i < STEPS; i++) {
                rig.stepAndCommit();
            }
            return rig.path();
        }
    }

    /** Flips a bit of the last commit, the one that a step reads first. */
    private static void flip(Path store, Map<String, byte[]> whole, Random random)
            throws IOException {
        String file = random.nextBoolean() ? "master.bin" : "exp_avg.bin";
        StoreVerification found;
        do {
            byte[] bytes = whole.get(file).clone();
            BitDamage.flipAny(bytes, random);
            Files.write(store.resolve(file), bytes);
            found = Stores.verify(store);
        } while (found.problems().isEmpty()); // it hit an older generation
    }

    /** Goes on from the last commit until the flipped bit stops the step. */
    private void assertStopped(String backend, int generations) {
        try (StoreRig rig = reopen(backend, generations).recover()) {
            assertEquals(STEPS, rig.step());
            String said = assertThrows(StorageException.class, rig::stepAndCommit).getMessage();
            assertTrue(said.contains("is not what was written"), said);
            assertEquals(generations > 2, said.contains("--generation previous"), said);
            assertThrows(StorageException.class, rig::stepAndCommit);
        }
    }

    @ParameterizedTest
    @MethodSource("backends")
    void aCorruptBlockInMidStepCostsOneCommit(String backend) throws IOException {
        Path store = make(backend, 3);
        Map<String, byte[]> whole = Loss.bytes(store);
        Random random = new Random(SEED);
        Tally tally = Tally.NONE;
        for (int i = 0; i < FLIPS; i++) {
            flip(store, whole, random);
            assertStopped(backend, 3);
            assertTrue(
                    Stores.verify(store).notes().stream()
                            .anyMatch(
                                    note ->
                                            note.startsWith(
                                                    "Commit 7, step 6, is whole: 'ds train --resume")),
                    () -> Stores.verify(store).toString());
            try (StoreRig rig = reopen(backend, 3)) {
                assertEquals(STEPS, rig.store().newestWhole(rig.store().lastCommit()));
                rig.recover(STEPS);
                assertEquals(STEPS - 1, rig.step());
                rig.assertWhole();
                for (int step = 0; step < 4; step++) {
                    rig.stepAndCommit();
                }
                rig.assertWhole();
            }
            try (StoreRig rig = reopen(backend, 3).recover()) {
                assertEquals(STEPS + 3, rig.step(), "that it went back is durable");
                rig.assertWhole();
            }
            assertEquals(List.of(), Stores.verify(store).problems());
            tally = tally.plus(true, true, false);
            Loss.restore(store, whole);
        }
        tally.report(
                "store of three generations, %s: bit flipped before a step".formatted(backend));
    }

    /** A step that was skipped has the bytes of the one before: going back goes past both. */
    @ParameterizedTest
    @MethodSource("backends")
    void commitsThatShareTheCorruptBlockAreAllPassedOver(String backend) throws IOException {
        Path store = make(backend, 3);
        try (StoreRig rig = reopen(backend, 3).recover()) {
            rig.skipAndCommit();
            rig.skipAndCommit();
        }
        flip(store, Loss.bytes(store), new Random(SEED));
        try (StoreRig rig = reopen(backend, 3)) {
            assertEquals(STEPS + 3, rig.store().lastCommit());
            assertEquals(STEPS, rig.store().newestWhole(STEPS + 3));
            rig.recover(STEPS);
            assertEquals(STEPS - 1, rig.step());
            rig.assertWhole();
        }
    }

    /** The negative control: with two slots the step that failed has written over the one before. */
    @ParameterizedTest
    @MethodSource("backends")
    void withTwoGenerationsThereIsNoWayBackFromTheMiddleOfAStep(String backend) throws IOException {
        Path store = make(backend, 2);
        Map<String, byte[]> whole = Loss.bytes(store);
        Random random = new Random(SEED);
        int none = 0;
        for (int i = 0; i < FLIPS; i++) {
            flip(store, whole, random);
            assertStopped(backend, 2);
            try (StoreRig rig = reopen(backend, 2)) {
                if (rig.store().newestWhole(rig.store().lastCommit()) == 0) {
                    none++;
                } else { // the first chunk was corrupt: nothing had been written
                    rig.recover(STEPS);
                    rig.assertWhole();
                }
            }
            Loss.restore(store, whole);
        }
        assertTrue(none > FLIPS / 4, none + " of " + FLIPS);
    }
}
