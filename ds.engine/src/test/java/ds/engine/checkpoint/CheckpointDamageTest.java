package ds.engine.checkpoint;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ds.offload.FileOperations;
import ds.testkit.BitDamage;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * One bit flipped anywhere in a checkpoint, heads and padding included, is said when it is opened or
 * verified; what is opened instead is the checkpoint before, and that is said too. The long form is
 * {@code ./mvnw verify -Ploss}.
 */
class CheckpointDamageTest {
    private static final boolean LONG = Boolean.getBoolean("ds.loss");
    private static final int FLIPS = LONG ? 10_000 : 500;
    private static final long SEED = 20_261_127L;
    private static final long OLDER = 10;
    private static final long NEWER = 20;

    @TempDir private Path root;

    private Path newest;
    private final Map<Path, byte[]> whole = new TreeMap<>();

    /** Where a bit is. */
    private enum Place {
        HEAD,
        DATA,
        MANIFEST,
        LATEST
    }

    /** A part of a file. */
    private record Part(Path file, Place place, int firstByte, int sizeBytes) {}

    /** What came of one change. */
    private enum Outcome {
        /** Opening said what is wrong and gave the checkpoint before, whole. */
        FELL_BACK,
        /** Opening said what is wrong and gave all the same what was saved last. */
        SAID,
        /** Opening gave what was saved last; {@code verify} says what is wrong. */
        VERIFIED,
        /** Nobody said anything. */
        UNSEEN,
        /** Something else was loaded than what was saved. */
        LOST
    }

    /** Changes a part of the checkpoint as it lies there. */
    @FunctionalInterface
    private interface Damage {
        void apply(Part part, Random random) throws IOException;
    }

    @BeforeEach
    void save() throws IOException {
        CheckpointTest.save(root, 1, OLDER, FileOperations.system());
        newest = CheckpointTest.save(root, 2, NEWER, FileOperations.system());
        try (var files = Files.newDirectoryStream(newest)) {
            for (Path file : files) {
                whole.put(file, Files.readAllBytes(file));
            }
        }
        whole.put(root.resolve("latest"), Files.readAllBytes(root.resolve("latest")));
        assertEquals(4, whole.size());
        assertTrue(
                parts().stream()
                        .filter(part -> part.place() == Place.HEAD)
                        .anyMatch(part -> whole.get(part.file())[part.sizeBytes() - 1] == ' '),
                "no head is padded");
        assertEquals(Outcome.UNSEEN, outcome(), "there is nothing to see yet");
    }

    private List<Part> parts() {
        List<Part> parts = new ArrayList<>();
        whole.forEach(
                (file, bytes) -> {
                    String name = file.getFileName().toString();
                    if (name.endsWith(".safetensors")) {
                        int head =
                                SafetensorsHeader.LENGTH_BYTES
                                        + (int)
                                                ByteBuffer.wrap(bytes)
                                                        .order(ByteOrder.LITTLE_ENDIAN)
                                                        .getLong(0);
                        parts.add(new Part(file, Place.HEAD, 0, head));
                        parts.add(new Part(file, Place.DATA, head, bytes.length - head));
                    } else {
                        Place place = name.equals("latest") ? Place.LATEST : Place.MANIFEST;
                        parts.add(new Part(file, place, 0, bytes.length));
                    }
                });
        return parts;
    }

    /** Opens what lies there, reads all of it, and verifies it. */
    private Outcome outcome() {
        boolean sound =
                Checkpoints.verify(root).stream().allMatch(found -> found.problems().isEmpty());
        try (Checkpoint opened = Checkpoint.open(root)) {
            boolean last = opened.directory().equals(newest);
            if (!last && !opened.directory().equals(root.resolve("step-00000010"))) {
                return Outcome.LOST;
            }
            CheckpointTest.assertHolds(opened, last ? NEWER : OLDER);
            if (!opened.notes().isEmpty()) {
                String said = opened.notes().getLast();
                String name = opened.directory().getFileName().toString();
                assertEquals("Opened %s, the newest that verifies.".formatted(name), said);
                return last ? Outcome.SAID : Outcome.FELL_BACK;
            }
            return !last ? Outcome.LOST : sound ? Outcome.UNSEEN : Outcome.VERIFIED;
        } catch (CheckpointException e) {
            return Outcome.SAID; // an error names what is wrong, nothing was loaded
        } catch (AssertionError e) {
            return Outcome.LOST;
        }
    }

    /** Returns how often each outcome came, by place. */
    private Map<Place, Map<Outcome, Integer>> damage(int count, List<Part> parts, Damage damage)
            throws IOException {
        Random random = new Random(SEED);
        int total = parts.stream().mapToInt(Part::sizeBytes).sum();
        Map<Place, Map<Outcome, Integer>> tally = new EnumMap<>(Place.class);
        for (int i = 0; i < count; i++) {
            Part part = i % 2 == 0 ? parts.get(random.nextInt(parts.size())) : null;
            int at = random.nextInt(total);
            for (int next = 0; part == null; next++) { // any byte is as likely as any other
                at -= parts.get(next).sizeBytes();
                part = at < 0 ? parts.get(next) : null;
            }
            damage.apply(part, random);
            tally.computeIfAbsent(part.place(), _ -> new EnumMap<>(Outcome.class))
                    .merge(outcome(), 1, Integer::sum);
            for (Map.Entry<Path, byte[]> file : whole.entrySet()) {
                if (file.getKey().equals(part.file()) || part.place() != Place.LATEST) {
                    Files.write(file.getKey(), file.getValue());
                }
            }
        }
        return tally;
    }

    private void flip(Part part, Random random) throws IOException {
        byte[] bytes = whole.get(part.file()).clone();
        int bit = part.firstByte() * Byte.SIZE + random.nextInt(part.sizeBytes() * Byte.SIZE);
        BitDamage.flip(bytes, bit);
        Files.write(part.file(), bytes);
    }

    private static int sum(Map<Place, Map<Outcome, Integer>> tally, Outcome outcome) {
        return tally.values().stream().mapToInt(found -> found.getOrDefault(outcome, 0)).sum();
    }

    /** Notes the tally as a row of the fault table in {@code target/loss.md}. */
    private static void report(String kind, int count, Map<Place, Map<Outcome, Integer>> tally)
            throws IOException {
        int lost = sum(tally, Outcome.LOST);
        int detected = count - lost - sum(tally, Outcome.UNSEEN);
        Files.writeString(
                Path.of(System.getProperty("basedir", ""), "target", "loss.md"),
                "| %s | %,d | %,d | %,d fell back | %,d | %s%n"
                        .formatted(
                                kind, count, detected, sum(tally, Outcome.FELL_BACK), lost, tally),
                StandardCharsets.UTF_8,
                StandardOpenOption.CREATE,
                StandardOpenOption.APPEND);
    }

    @Test
    void everyFlippedBitIsSaidAndNoneIsLoaded() throws IOException {
        var tally = damage(FLIPS, parts(), this::flip);
        report("checkpoint: bit flipped", FLIPS, tally);
        assertEquals(4, tally.size(), tally::toString);
        assertEquals(0, sum(tally, Outcome.LOST), tally::toString);
        assertEquals(0, sum(tally, Outcome.UNSEEN), tally::toString);
        // what opening reads it checks: it never takes a later verify
        assertEquals(0, sum(tally, Outcome.VERIFIED), tally::toString);
        assertTrue(sum(tally, Outcome.FELL_BACK) > FLIPS / 2, tally::toString);
    }

    /** There is nothing to fall back to where a checkpoint is named, so it is an error. */
    @Test
    void aNamedCheckpointWithAFlippedBitIsRefused() throws IOException {
        Random random = new Random(SEED);
        List<Part> parts = parts();
        parts.removeIf(part -> part.place() == Place.LATEST);
        int refused = 0;
        for (int i = 0; i < FLIPS; i++) {
            Part part = parts.get(random.nextInt(parts.size()));
            flip(part, random);
            try (Checkpoint opened = Checkpoint.open(newest)) {
                assertTrue(opened.pieces().isEmpty(), () -> "opened with a flipped bit in " + part);
            } catch (CheckpointException e) {
                assertTrue(e.getMessage().contains(part.file().toString()), e::getMessage);
                refused++;
            }
            Files.write(part.file(), whole.get(part.file()));
        }
        assertEquals(FLIPS, refused);
    }

    /** A bit of {@code latest} may name another checkpoint that is there. */
    @Test
    void everyBitOfLatestIsSaid() throws IOException {
        CheckpointTest.save(root, 1, 30, FileOperations.system()); // one bit from 20 or 10
        CheckpointTest.save(root, 1, 31, FileOperations.system());
        byte[] good = Files.readAllBytes(root.resolve("latest"));
        int older = 0;
        for (int bit = 0; bit < good.length * Byte.SIZE; bit++) {
            byte[] bad = good.clone();
            BitDamage.flip(bad, bit);
            Files.write(root.resolve("latest"), bad);
            try (Checkpoint opened = Checkpoint.open(root)) {
                assertEquals(root.resolve("step-00000031"), opened.directory());
                assertTrue(opened.notes().getFirst().contains("latest"), opened.notes()::toString);
                older += opened.notes().getFirst().endsWith("which is older.") ? 1 : 0;
            } catch (CheckpointException e) {
                assertTrue(e.getMessage().contains("latest"), e::getMessage);
            }
        }
        assertEquals(1, older, "step-00000030 is one bit away");
    }

    /** The negative control: with checksums that follow the damage, the harness sees losses. */
    @Test
    void withoutChecksumsFlippedBitsWouldBeLoaded() throws IOException {
        List<Part> parts = parts();
        parts.removeIf(part -> part.place() == Place.LATEST); // has none
        int count = 200;
        var tally =
                damage(
                        count,
                        parts,
                        (part, random) -> {
                            flip(part, random);
                            reseal();
                        });
        report("control: checkpoint without checksums", count, tally);
        int lostData = tally.get(Place.DATA).getOrDefault(Outcome.LOST, 0);
        int data = tally.get(Place.DATA).values().stream().mapToInt(Integer::intValue).sum();
        assertEquals(data, lostData, tally::toString);
        assertTrue(tally.get(Place.MANIFEST).getOrDefault(Outcome.LOST, 0) > 0, tally::toString);
        assertTrue(tally.get(Place.HEAD).getOrDefault(Outcome.UNSEEN, 0) > 0, tally::toString);
    }

    /** Makes all checksums those of the files as they lie there. */
    private void reseal() throws IOException {
        Path file = newest.resolve(Manifest.FILE);
        String text = Files.readString(file, StandardCharsets.ISO_8859_1);
        for (Path rank : whole.keySet()) {
            if (rank.toString().endsWith(".safetensors")) {
                byte[] before = whole.get(rank);
                byte[] now = Files.readAllBytes(rank);
                text =
                        text.replace(sha256(before), sha256(now))
                                .replace(
                                        '"' + Checksums.hex(crc(before)) + '"',
                                        '"' + Checksums.hex(crc(now)) + '"');
            }
        }
        String seal = "\"sha256\":\"";
        int end = text.length() - seal.length() - 64 - 3;
        byte[] sealed = text.substring(0, end).getBytes(StandardCharsets.ISO_8859_1);
        String decoded = new String(sealed, StandardCharsets.UTF_8);
        Files.writeString(
                file,
                text.substring(0, end) + seal + Checksums.sha256(decoded) + "\"}\n",
                StandardCharsets.ISO_8859_1);
    }

    private static String sha256(byte[] bytes) {
        MessageDigest digest = Checksums.sha256();
        digest.update(bytes);
        return Checksums.hex(digest.digest());
    }

    private static int crc(byte[] bytes) {
        CRC32C crc = new CRC32C();
        crc.update(bytes);
        return (int) crc.getValue();
    }

    /** What one checksum cannot see another one does: the reason for SHA-256 beside CRC32C. */
    @Test
    void whatTheBlockChecksumCannotSeeVerifyDoes() throws IOException {
        Part data = parts().stream().filter(p -> p.place() == Place.DATA).findFirst().orElseThrow();
        byte[] bytes = whole.get(data.file()).clone();
        BitDamage.flipUnseen(bytes, (data.firstByte() + 100) * Byte.SIZE);
        assertEquals(crc(whole.get(data.file())), crc(bytes), "CRC32C does not see it");
        assertTrue(Arrays.mismatch(whole.get(data.file()), bytes) >= 0, "and yet it is there");
        Files.write(data.file(), bytes);
        assertEquals(
                List.of("%s does not match its SHA-256.".formatted(data.file())),
                Checkpoints.verify(newest).getFirst().problems());
    }
}
