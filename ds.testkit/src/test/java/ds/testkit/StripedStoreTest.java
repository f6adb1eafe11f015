package ds.testkit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ds.offload.FileOperations;
import ds.offload.StorageException;
import ds.offload.StorageProviders;
import ds.offload.StoreDirectory;
import ds.offload.StoreLife;
import ds.offload.StoreLocation;
import ds.offload.StoreUse;
import ds.offload.StoreVerification;
import ds.offload.Stores;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A store in three paths: it is one store, and says so where a part of it is not what it was. */
class StripedStoreTest {
    private static final String RUN = "ds-rig";
    private static final String RANK = "rank-0000-of-0001";
    private static final int STEPS = 3;
    private static final long SEED = 20_261_127L;

    @TempDir Path directory = Path.of("");

    private Path path(int index) {
        return directory.resolve("nvme" + index);
    }

    private Path part(int index) {
        return path(index).resolve(RUN).resolve(RANK);
    }

    private StoreLocation location(int... order) {
        return new StoreLocation(Arrays.stream(order).mapToObj(this::path).toList(), "rig", 0, 1);
    }

    private StoreLocation all() {
        return location(0, 1, 2);
    }

    /** Makes a store of some commits and leaves it. */
    private void leave() {
        try (StoreRig rig = StoreRig.create(all(), Loss.UNSYNCED, 2)) {
            rig.commit();
            for (int i = 0; i < STEPS; i++) {
                rig.stepAndCommit();
            }
        }
    }

    private static StoreRig reopen(StoreLocation location) {
        return StoreRig.reopen(location, Loss.UNSYNCED, 2);
    }

    private static String refusal(StoreLocation location) {
        return String.valueOf(
                assertThrows(StorageException.class, () -> reopen(location).close()).getMessage());
    }

    @Test
    void itGoesOnFromWhatItHolds() throws IOException {
        leave();
        for (int index = 0; index < 3; index++) {
            assertTrue(Files.size(part(index).resolve("master.bin")) > 0);
            assertEquals(index == 0, Files.exists(part(index).resolve("journal-a.log")));
            assertEquals(index == 0, Files.exists(part(index).resolve("owner")));
        }
        try (StoreRig rig = reopen(all()).recover()) {
            assertEquals(STEPS, rig.step());
            rig.assertWhole();
            rig.stepAndCommit();
            rig.assertWhole();
        }
        try (StoreRig rig = reopen(all()).recover()) {
            assertEquals(STEPS + 1, rig.step());
            rig.assertWhole();
        }
    }

    @Test
    void whatIsWrittenIsDealtOutByWeight() throws IOException {
        leave();
        long whole = 2L * StoreRig.ELEMENTS * Float.BYTES;
        for (int index = 0; index < 3; index++) {
            assertEquals(
                    StoreRig.stripes(3).partBytes(index, whole),
                    Files.size(part(index).resolve("master.bin")));
        }
    }

    @Test
    void anEndInOrderLeavesNothingInAnyPath() throws IOException {
        try (StoreRig rig = StoreRig.create(all(), Loss.UNSYNCED, 2)) {
            rig.commit();
            rig.stepAndCommit();
            rig.release();
        }
        for (int index = 0; index < 3; index++) {
            assertEmpty(path(index));
        }
    }

    private static void assertEmpty(Path path) throws IOException {
        try (Stream<Path> entries = Files.list(path)) {
            assertEquals(List.of(), entries.toList());
        }
    }

    @Test
    void aPartThatIsNotThereIsNamedAndSoIsTheWayOut() throws IOException {
        leave();
        Files.move(path(1), directory.resolve("away"));
        Files.createDirectories(path(1));
        assertEquals(
                "Part 1 of the offload store %s is not there: there is no directory %s; mount its drive, or name its path in jvm.nvme_paths. The store was made in %s."
                        .formatted(part(0), part(1), List.of(path(0), path(1), path(2))),
                refusal(all()));
        StoreVerification found = Stores.verify(part(0));
        assertFalse(found.problems().isEmpty());
        assertTrue(found.problems().getFirst().contains(part(1).toString()), found.toString());
        Files.delete(path(1));
        Files.move(directory.resolve("away"), path(1));
        try (StoreRig rig = reopen(all()).recover()) {
            rig.assertWhole();
        }
    }

    @Test
    void aDriveThatIsMountedElsewhereIsFoundByItsNewName() throws IOException {
        leave();
        Files.move(path(2), path(7));
        try (StoreRig rig = reopen(location(0, 1, 7)).recover()) {
            rig.assertWhole();
            rig.stepAndCommit();
        }
        assertTrue(Stores.verify(part(0)).problems().isEmpty());
        assertEquals(
                List.of(part(0), part(1), part(7)),
                List.copyOf(rank(0).paths().keySet()),
                "the store says where it is now");
    }

    @Test
    void pathsInAnotherOrderAreRefused() {
        leave();
        List<Path> made = List.of(path(0), path(1), path(2));
        String order = "; name its paths in the order in which it was made: " + made + ".";
        assertEquals(
                "%s is part 2 of the offload store %s, not part 1%s"
                        .formatted(part(2), part(0), order),
                refusal(location(0, 2, 1)));
        assertEquals(
                "The offload store %s lies in 3 paths and this run names 1; set jvm.nvme_paths to all of them, in this order: %s."
                        .formatted(part(0), made),
                refusal(location(0)));
        assertEquals(
                "The offload store %s lies in 3 paths and this run names 2; set jvm.nvme_paths to all of them, in this order: %s."
                        .formatted(part(0), made),
                refusal(location(0, 1)));
    }

    @Test
    void partsThatChangedPlacesAreRefused() throws IOException {
        leave();
        Files.move(path(1), path(9));
        Files.move(path(2), path(1));
        Files.move(path(9), path(2));
        assertTrue(refusal(all()).startsWith(part(1) + " is part 2 of the offload store "));
    }

    @Test
    void aPartOfAnotherStoreIsRefused() throws IOException {
        leave();
        Files.move(part(1), directory.resolve("kept"));
        StoreLocation others =
                new StoreLocation(
                        List.of(directory.resolve("other"), path(1), directory.resolve("third")),
                        "rig",
                        0,
                        1);
        try (StoreRig rig = StoreRig.create(others, Loss.UNSYNCED, 2)) {
            rig.commit();
            rig.stepAndCommit();
        }
        assertEquals(
                "%s is a part of another offload store than %s; name the path of this one's part 1 in jvm.nvme_paths. The store was made in %s."
                        .formatted(part(1), part(0), List.of(path(0), path(1), path(2))),
                refusal(all()));
    }

    @Test
    void aStoreInOnePathIsNoneInSeveral() {
        try (StoreRig rig = StoreRig.create(location(0), Loss.UNSYNCED, 2)) {
            rig.commit();
        }
        assertEquals(
                "The offload store %s lies in one path and this run names 2; a store keeps its paths, so give nvme_path instead of jvm.nvme_paths, or go by a checkpoint."
                        .formatted(part(0)),
                refusal(location(0, 1)));
    }

    private Map<Path, byte[]> bytes() throws IOException {
        Map<Path, byte[]> bytes = new HashMap<>();
        for (int index = 0; index < 3; index++) {
            for (Map.Entry<String, byte[]> file : Loss.bytes(part(index)).entrySet()) {
                bytes.put(part(index).resolve(file.getKey()), file.getValue());
            }
        }
        return bytes;
    }

    @Test
    void damageInAnyPartIsFoundAndNoneIsTakenForState() throws IOException {
        leave();
        Map<Path, byte[]> whole = bytes();
        assertTrue(Stores.verify(part(0)).isSpotless(), () -> Stores.verify(part(0)).toString());
        List<Path> files = new ArrayList<>(whole.keySet());
        files.removeIf(file -> !file.startsWith(path(1)) && !file.startsWith(path(2)));
        files.sort(null);
        assertEquals(6, files.size(), "two arrays and what the part is, in two paths");
        Random random = new Random(SEED);
        int count = Loss.count(200, 5_000);
        for (int i = 0; i < count; i++) {
            Path file = files.get(i % files.size());
            byte[] bytes = whole.get(file).clone();
            boolean cut = random.nextInt(4) == 0;
            if (cut) {
                bytes = Arrays.copyOf(bytes, random.nextInt(bytes.length));
            } else {
                BitDamage.flipAny(bytes, random);
            }
            Files.write(file, bytes);
            StoreVerification found = Stores.verify(part(0));
            String what = (cut ? "cut " : "flipped ") + file;
            assertFalse(found.isSpotless(), what);
            assertTrue(
                    Stream.concat(found.problems().stream(), found.notes().stream())
                            .anyMatch(said -> said.contains(file.toString())),
                    () -> what + ": " + found);
            assertNotEquals(Reopened.LOST, Reopened.of(all(), STEPS), what);
            for (Map.Entry<Path, byte[]> each : whole.entrySet()) {
                Files.write(each.getKey(), each.getValue());
            }
        }
    }

    private Stores.RankStore rank(int index) {
        return Stores.list(path(index)).getFirst().ranks().getFirst();
    }

    @Test
    void homeIsLookedIntoWithItsPartsAndAPartSaysWhereHomeIs() throws IOException {
        leave();
        Stores.RankStore home = rank(0);
        assertEquals(StoreLife.RESUMABLE, home.life());
        assertEquals(List.of(3, 1, 2), List.copyOf(home.paths().values()));
        long all = bytes().values().stream().mapToLong(bytes -> bytes.length).sum();
        assertEquals(all, home.sizeBytes());
        Stores.RankStore second = rank(1);
        assertEquals(StoreLife.RESUMABLE, second.life());
        assertEquals(
                "It is a part of the offload store %s; name that one.".formatted(part(0)),
                second.problem().orElseThrow());
        assertFalse(Stores.list(path(1)).getFirst().isResumable());
        StorageException failure =
                assertThrows(StorageException.class, () -> Stores.resumable(path(1)));
        assertTrue(String.valueOf(failure.getMessage()).contains("name that one"));
    }

    @Test
    void pruningFollowsThePartsAndLeavesNone() throws IOException {
        leave();
        StorageException failure =
                assertThrows(
                        StorageException.class,
                        () -> Stores.prune(Stores.list(path(2)).getFirst()));
        assertEquals(
                "%s is a part of the offload store %s; prune that one.".formatted(part(2), part(0)),
                failure.getMessage());
        assertTrue(Stores.prune(Stores.list(path(0)).getFirst()) > 0);
        for (int index = 0; index < 3; index++) {
            assertEmpty(path(index));
        }
    }

    @Test
    void aPartWhoseHomeIsGoneStaysUntilItIsPruned() throws IOException {
        leave();
        Files.move(path(0), directory.resolve("away"));
        try (StoreRig _ =
                StoreRig.create(new StoreLocation(path(1), "new", 0, 1), Loss.UNSYNCED, 2)) {
            assertTrue(Files.exists(part(1)), "its drive may come back");
        }
        assertEquals(
                "It is a part of the offload store %s, which is not there.".formatted(part(0)),
                rank(1).problem().orElseThrow());
        assertTrue(Stores.prune(Stores.list(path(1)).getFirst()) > 0);
        assertFalse(Files.exists(part(1)));
    }

    /** Whoever dies while parts are made leaves what the next one removes. */
    @Test
    void aCreationThatFailsAnywhereLeavesNothing() throws IOException {
        for (FaultyFiles.Call call :
                List.of(FaultyFiles.Call.WRITE, FaultyFiles.Call.FORCE, FaultyFiles.Call.RENAME)) {
            boolean failed = true;
            for (int nth = 1; failed; nth++) {
                FaultyFiles files = FaultyFiles.around(FileOperations.system()).failing(call, nth);
                try (StoreDirectory _ =
                        StoreDirectory.open(
                                all(),
                                StorageProviders.portable(),
                                files,
                                StoreUse.DURABLE,
                                StoreRig.stripes(3))) {
                    failed = false;
                } catch (StorageException e) {
                    assertTrue(nth < 20, () -> "never ends: " + e);
                }
                for (int index = 0; index < 3; index++) {
                    assertEmpty(path(index));
                }
            }
        }
    }

    @Test
    void whatADeadProcessLeftIsReclaimedInEveryPath() throws IOException {
        StoreDirectory made =
                StoreDirectory.open(
                        all(),
                        StorageProviders.portable(),
                        FileOperations.system(),
                        StoreUse.IN_PLACE,
                        StoreRig.stripes(3));
        Path away = directory.resolve("away");
        for (int index = 0; index < 3; index++) {
            copy(path(index), away.resolve("nvme" + index));
        }
        made.close();
        for (int index = 0; index < 3; index++) {
            copy(away.resolve("nvme" + index), path(index));
            Files.write(part(index).resolve("master.bin"), new byte[10]);
        }
        String owner = Files.readString(part(0).resolve("owner"));
        String dead = owner.substring(0, owner.indexOf("crc32c")).replaceFirst("pid=\\d+", "pid=0");
        CRC32C crc = new CRC32C();
        crc.update(dead.getBytes(StandardCharsets.UTF_8));
        Files.writeString(
                part(0).resolve("owner"), dead + "crc32c=%08x\n".formatted(crc.getValue()));
        try (StoreRig _ =
                StoreRig.create(new StoreLocation(path(0), "new", 0, 1), Loss.UNSYNCED, 2)) {
            for (int index = 0; index < 3; index++) {
                assertFalse(Files.exists(part(index)), "part " + index);
            }
        }
    }

    private static void copy(Path from, Path to) throws IOException {
        try (Stream<Path> entries = Files.walk(from)) {
            for (Path entry : entries.toList()) {
                Path target = to.resolve(from.relativize(entry).toString());
                if (Files.isDirectory(entry)) {
                    Files.createDirectories(target);
                } else {
                    Files.copy(entry, target, StandardCopyOption.REPLACE_EXISTING);
                }
            }
        }
    }
}
