package ds.testkit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ds.offload.Stores;
import ds.testkit.Loss.Tally;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Damage to any file of a store is found, and never taken for state. */
class StoreDamageTest {
    private static final int COMMITS = 130; // both files of the journal are in use
    private static final long SEED = 20_261_126L;

    @TempDir Path nvmePath = Path.of("");

    private Path store;
    private Map<String, byte[]> whole;

    /** Changes one file's bytes in place. */
    private interface Damage {
        void apply(String file, byte[] bytes, Random random);
    }

    @BeforeEach
    void makeStore() throws IOException {
        try (StoreRig rig = StoreRig.create(StoreRig.location(nvmePath), Loss.UNSYNCED, 2)) {
            rig.commit();
            for (int i = 0; i < COMMITS; i++) {
                rig.stepAndCommit();
            }
            store = rig.path();
        }
        whole = Loss.bytes(store);
        assertTrue(Stores.verify(store).isSpotless(), () -> Stores.verify(store).toString());
        assertEquals(Reopened.WHOLE, reopened());
    }

    private Reopened reopened() {
        return Reopened.of(StoreRig.location(nvmePath), COMMITS);
    }

    private Tally damage(int count, List<String> files, Damage damage) throws IOException {
        Random random = new Random(SEED);
        long total = files.stream().mapToLong(file -> whole.get(file).length).sum();
        Tally tally = Tally.NONE;
        for (int i = 0; i < count; i++) {
            long at = random.nextLong(total);
            int index = 0;
            while (at >= whole.get(files.get(index)).length) {
                at -= whole.get(files.get(index)).length;
                index++;
            }
            String file = files.get(index);
            byte[] bytes = whole.get(file).clone();
            damage.apply(file, bytes, random);
            Files.write(store.resolve(file), bytes);
            boolean found = !Stores.verify(store).isSpotless();
            tally = tally.plus(found, reopened());
            restore(file);
        }
        return tally;
    }

    private void restore(String damaged) throws IOException {
        Files.write(store.resolve(damaged), whole.get(damaged));
        Files.write(store.resolve("owner"), whole.get("owner")); // opening it changed it
    }

    private List<String> files() {
        List<String> files = new ArrayList<>(whole.keySet());
        files.remove("lock"); // empty
        return files;
    }

    private static void flip(String file, byte[] bytes, Random random) {
        BitDamage.flipAny(bytes, random);
    }

    @Test
    void everyFlippedBitIsFoundAndNoneIsTakenForState() throws IOException {
        int count = Loss.count(500, 10_000);
        Tally tally = damage(count, files(), StoreDamageTest::flip).report("store: bit flipped");
        assertEquals(count, tally.detected());
        assertEquals(0, tally.lost());
    }

    @Test
    void everyFlippedBitOfStateAndOwnerIsFound() throws IOException {
        List<String> files = files();
        files.removeIf(file -> file.endsWith(".log")); // by far the largest here
        int count = Loss.count(200, 5_000);
        Tally tally =
                damage(count, files, StoreDamageTest::flip)
                        .report("store: bit flipped in state or owner");
        assertEquals(count, tally.detected());
        assertEquals(0, tally.lost());
    }

    @Test
    void zeroedAndSwappedPagesAreFound() throws IOException {
        int count = Loss.count(60, 1_000);
        List<String> files = List.of("exp_avg.bin", "master.bin");
        Tally zeroed =
                damage(
                                count,
                                files,
                                (_, bytes, random) -> {
                                    int page = random.nextInt(bytes.length / 4096) * 4096;
                                    Arrays.fill(bytes, page, page + 4096, (byte) 0);
                                })
                        .report("store: page zeroed");
        assertEquals(count, zeroed.detected());
        assertEquals(0, zeroed.lost());
        Tally swapped =
                damage(
                                count,
                                files,
                                (_, bytes, random) -> {
                                    int page = random.nextInt(bytes.length / 4096 - 1) * 4096;
                                    byte[] first = Arrays.copyOfRange(bytes, page, page + 4096);
                                    System.arraycopy(bytes, page + 4096, bytes, page, 4096);
                                    System.arraycopy(first, 0, bytes, page + 4096, 4096);
                                })
                        .report("store: pages exchanged");
        assertEquals(count, swapped.detected());
        assertEquals(0, swapped.lost());
    }

    /** The negative control: with checksums that see nothing, the harness sees a loss. */
    @Test
    void damageThatTheChecksumCannotSeeWouldBeALoss() throws IOException {
        byte[] zeros = new byte[64];
        byte[] word = new byte[64];
        BitDamage.flipUnseen(word, 100);
        assertEquals(crc(zeros), crc(word), "the checksum does not see it");
        assertTrue(Arrays.mismatch(zeros, word) >= 0, "and yet it is there");
        Tally tally =
                damage(
                                100,
                                List.of("exp_avg.bin", "master.bin"),
                                (_, bytes, random) ->
                                        BitDamage.flipUnseen(
                                                bytes,
                                                random.nextInt(bytes.length - 4096)
                                                                / 4096
                                                                * 4096
                                                                * 8
                                                        + 800))
                        .report("control: checksums that see nothing");
        assertEquals(0, tally.detected());
        assertTrue(tally.lost() > 30, tally::toString); // half of the pages are current
    }

    private static long crc(byte[] bytes) {
        CRC32C crc = new CRC32C();
        crc.update(bytes);
        return crc.getValue();
    }

    @Test
    void aFileThatWasCutAnywhereIsFound() throws IOException {
        Map<String, Integer> steps = new TreeMap<>();
        for (String file : files()) {
            steps.put(file, file.endsWith(".log") ? Loss.count(64, 1) * 512 : 512);
        }
        steps.put("owner", 16);
        Tally tally = Tally.NONE;
        for (Map.Entry<String, Integer> step : steps.entrySet()) {
            byte[] bytes = whole.get(step.getKey());
            for (int size = 0; size < bytes.length; size += step.getValue()) {
                Files.write(store.resolve(step.getKey()), Arrays.copyOf(bytes, size));
                boolean found = !Stores.verify(store).isSpotless();
                tally = tally.plus(found, reopened());
                restore(step.getKey());
            }
        }
        tally.report("store: file cut");
        assertEquals(tally.injected(), tally.detected());
        assertEquals(0, tally.lost());
    }
}
