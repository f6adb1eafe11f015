package ds.engine.checkpoint;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ds.core.DType;
import ds.core.FlatBuffer;
import ds.offload.FileOperations;
import ds.testkit.BitDamage;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What was committed loads at any world size; what was damaged or torn never loads. */
class CheckpointTest {
    private static final List<TensorShape> LAYOUT =
            List.of(
                    new TensorShape("embed", List.of(300, 7), true),
                    new TensorShape("head@1/bias", List.of(5), true),
                    new TensorShape("fixed", List.of(11), false));
    private static final List<String> KINDS = List.of(Piece.MASTER, "exp_avg");

    @TempDir private Path temporary;

    private static CheckpointHeader header(int worldSize, long step) {
        return new CheckpointHeader(
                new RunState(step, step - 1, step * 2, step * 16, -42, Map.of("scale", "65536.0")),
                worldSize,
                LAYOUT,
                "gpt:layers=4,width=128",
                Map.of("kind", "text", "file", "a \"quoted\"\n name"),
                "{\"train_batch_size\": 8, // comment\n}");
    }

    /** The value of an element is a function of its place, so that a misplaced one is noticed. */
    private static float value(String kind, String parameter, long index, long step) {
        return (kind + parameter).hashCode() * 1e-3f + index * 0.25f + step;
    }

    private static List<Piece> pieces(int rank, int worldSize) {
        List<Piece> pieces = new ArrayList<>();
        for (TensorShape tensor : LAYOUT) {
            long from = tensor.elements() * rank / worldSize;
            long to = tensor.elements() * (rank + 1) / worldSize;
            for (String kind : tensor.trainable() ? KINDS : List.of(Piece.FROZEN)) {
                if (to > from) {
                    DType type = tensor.trainable() ? DType.FP32 : DType.BF16;
                    pieces.add(new Piece(kind, tensor.name(), from, to - from, type));
                }
            }
        }
        return pieces;
    }

    private static FlatBuffer buffer(DType type, long length) {
        return FlatBuffer.of(MemorySegment.ofArray(new byte[(int) type.bytesOf(length)]), type);
    }

    static Path save(Path root, int worldSize, long step, FileOperations files) {
        try (var writer = CheckpointWriter.begin(root, header(worldSize, step), files)) {
            for (int rank = 0; rank < worldSize; rank++) {
                List<Piece> pieces = pieces(rank, worldSize);
                try (var file = writer.rank(rank, pieces)) {
                    for (Piece piece : pieces) {
                        put(file, piece, step);
                    }
                    file.finish();
                }
            }
            return writer.commit();
        }
    }

    private static void put(RankWriter file, Piece piece, long step) {
        FlatBuffer all = buffer(piece.type(), piece.lengthElements());
        for (long i = 0; i < piece.lengthElements(); i++) {
            all.set(i, value(piece.kind(), piece.parameter(), piece.offsetElements() + i, step));
        }
        long half = piece.lengthElements() / 2;
        file.put(piece.kind(), piece.parameter(), piece.offsetElements(), all.slice(0, half));
        file.put(
                piece.kind(),
                piece.parameter(),
                piece.offsetElements() + half,
                all.slice(half, piece.lengthElements() - half));
    }

    static void assertHolds(Checkpoint checkpoint, long step) {
        assertEquals(header(checkpoint.header().worldSize(), step), checkpoint.header());
        for (TensorShape tensor : LAYOUT) {
            DType type = tensor.trainable() ? DType.FP32 : DType.BF16;
            for (String kind : tensor.trainable() ? KINDS : List.of(Piece.FROZEN)) {
                FlatBuffer read = buffer(type, tensor.elements());
                checkpoint.read(kind, tensor.name(), 0, read);
                FlatBuffer expected = buffer(type, tensor.elements());
                for (long i = 0; i < tensor.elements(); i++) {
                    expected.set(i, value(kind, tensor.name(), i, step));
                }
                assertArrayEquals(expected.toFloats(), read.toFloats(), kind + tensor.name());
            }
        }
    }

    @Test
    void anyWorldSizeReadsWhatAnyOtherWrote() {
        for (int worldSize : new int[] {1, 2, 3, 7}) {
            Path root = temporary.resolve("w" + worldSize);
            Path directory = save(root, worldSize, 20, FileOperations.system());
            assertEquals(root.resolve("step-00000020"), directory);
            try (Checkpoint checkpoint = Checkpoint.open(root)) {
                assertEquals(List.of(), checkpoint.notes());
                assertHolds(checkpoint, 20);
                FlatBuffer middle = buffer(DType.FP32, 500);
                checkpoint.read("exp_avg", "embed", 777, middle);
                assertEquals(value("exp_avg", "embed", 777 + 499, 20), middle.get(499));
            }
        }
    }

    @Test
    void manyBlocksOfAnUnevenFileAreReadBack() {
        long elements = (3L << 18) + 17; // three blocks of 1 MiB and a bit
        var tensor = new TensorShape("big", List.of((int) elements), true);
        var header =
                new CheckpointHeader(header(1, 1).state(), 1, List.of(tensor), "", Map.of(), "{}");
        FlatBuffer data = buffer(DType.FP32, elements);
        for (long i = 0; i < elements; i++) {
            data.set(i, i * 0.5f);
        }
        var piece = new Piece("master", "big", 0, elements, DType.FP32);
        try (var writer = CheckpointWriter.begin(temporary, header);
                var file = writer.rank(0, List.of(piece))) {
            file.put("master", "big", 0, data);
            file.finish();
            writer.commit();
        }
        try (Checkpoint checkpoint = Checkpoint.open(temporary)) {
            assertEquals(4, checkpoint.files().getFirst().blockCrcs().size());
            FlatBuffer read = buffer(DType.FP32, elements - 5);
            checkpoint.read("master", "big", 5, read);
            assertEquals(-1, read.segment().mismatch(data.slice(5, elements - 5).segment()));
        }
    }

    @Test
    void theNewestWinsAndASecondSaveOfAStepHarmsNothing() throws IOException {
        save(temporary, 2, 10, FileOperations.system());
        save(temporary, 1, 20, FileOperations.system());
        Path again = save(temporary, 2, 10, FileOperations.system());
        assertEquals("step-00000010.1", again.getFileName().toString());
        assertEquals("step-00000010.1\n", Files.readString(temporary.resolve("latest")));
        try (Checkpoint checkpoint = Checkpoint.open(temporary)) {
            assertEquals(again, checkpoint.directory());
            assertEquals(2, checkpoint.header().worldSize());
        }
        try (Checkpoint named = Checkpoint.open(temporary.resolve("step-00000020"))) {
            assertHolds(named, 20);
        }
        Checkpoints.keepNewest(temporary, 2);
        assertEquals(
                List.of(temporary.resolve("step-00000010.1"), temporary.resolve("step-00000020")),
                Checkpoints.list(temporary));
    }

    @Test
    void everyFlippedBitIsDetectedAndThePreviousCheckpointIsTaken() throws IOException {
        Path previous = save(temporary, 1, 10, FileOperations.system());
        Path newest = save(temporary, 2, 20, FileOperations.system());
        List<Path> targets = new ArrayList<>();
        try (var entries = Files.newDirectoryStream(newest)) {
            entries.forEach(targets::add);
        }
        assertEquals(3, targets.size());
        Random random = new Random(20261122);
        for (Path target : targets) {
            byte[] good = Files.readAllBytes(target);
            for (int flip = 0; flip < 70; flip++) {
                byte[] bad = good.clone();
                // the first flips hit the head, where a length or an offset may mislead the reader
                int bit = flip < 20 ? flip * 16 : random.nextInt(good.length * 8);
                BitDamage.flip(bad, bit);
                Files.write(target, bad);
                String place = target.getFileName() + " bit " + bit;
                assertEquals(1, damaged(Checkpoints.verify(temporary)), place);
                var failure =
                        assertThrows(
                                CheckpointException.class, () -> Checkpoint.open(newest), place);
                assertTrue(failure.getMessage().contains(target.getFileName().toString()), place);
                try (Checkpoint checkpoint = Checkpoint.open(temporary)) {
                    assertEquals(previous, checkpoint.directory(), place);
                    assertTrue(
                            checkpoint.notes().getFirst().contains(target.getFileName().toString()),
                            place);
                }
            }
            Files.write(target, good);
        }
        assertEquals(0, damaged(Checkpoints.verify(temporary)));
    }

    private static long damaged(List<Checkpoints.Verification> found) {
        return found.stream().filter(v -> !v.problems().isEmpty()).count();
    }

    @Test
    void aTruncatedOrMissingFileIsNamed() throws IOException {
        Path directory = save(temporary, 2, 20, FileOperations.system());
        Path file = directory.resolve("rank-0001-of-0002.safetensors");
        byte[] good = Files.readAllBytes(file);
        Files.write(file, java.util.Arrays.copyOf(good, good.length - 4));
        String message =
                assertThrows(CheckpointException.class, () -> Checkpoint.open(temporary))
                        .getMessage();
        assertEquals(
                "No checkpoint in %s verifies. Checkpoint file %s has %,d bytes, its manifest says %,d in 1 blocks."
                        .formatted(temporary, file, good.length - 4, good.length),
                message);
        Files.delete(file);
        message =
                assertThrows(CheckpointException.class, () -> Checkpoint.open(temporary))
                        .getMessage();
        assertTrue(message.contains("rank-0001-of-0002.safetensors cannot be opened"), message);
    }

    @Test
    void latestMustBeAPlainNameInAPlainFile() throws IOException {
        save(temporary, 1, 20, FileOperations.system());
        Path latest = temporary.resolve("latest");
        for (String name : List.of("../other", "/etc", "a\\b", "..")) {
            Files.writeString(latest, name);
            String message =
                    assertThrows(CheckpointException.class, () -> Checkpoint.open(temporary))
                            .getMessage();
            assertTrue(message.contains("must name an entry of its own directory"), message);
        }
        Files.delete(latest);
        Files.createSymbolicLink(latest, temporary.resolve("step-00000020/MANIFEST.json"));
        String message =
                assertThrows(CheckpointException.class, () -> Checkpoint.open(temporary))
                        .getMessage();
        assertTrue(message.contains("is not a plain file"), message);
        Files.delete(latest);
        Files.createSymbolicLink(
                temporary.resolve("step-00000099"), temporary.resolve("step-00000020"));
        Files.writeString(latest, "step-00000099\n");
        message =
                assertThrows(CheckpointException.class, () -> Checkpoint.open(temporary))
                        .getMessage();
        assertTrue(message.contains("which is a link"), message);
    }

    @Test
    void whatIsNoCheckpointIsSaid() throws IOException {
        Files.writeString(temporary.resolve("file"), "x");
        assertEquals(
                "%s is no checkpoint: it is not a directory. Give the directory that --save wrote."
                        .formatted(temporary.resolve("file")),
                assertThrows(
                                CheckpointException.class,
                                () -> Checkpoint.open(temporary.resolve("file")))
                        .getMessage());
        assertEquals(
                "%s is no checkpoint: it has no MANIFEST.json and no directory step-NNNNNNNN with one. Give the directory that --save wrote."
                        .formatted(temporary),
                assertThrows(CheckpointException.class, () -> Checkpoint.open(temporary))
                        .getMessage());
        assertFalse(Checkpoint.isPresent(temporary));
    }

    @Test
    void anotherModelIsRefusedByName() {
        save(temporary, 1, 20, FileOperations.system());
        try (Checkpoint checkpoint = Checkpoint.open(temporary)) {
            checkpoint.requireLayout(LAYOUT);
            List<TensorShape> other = new ArrayList<>(LAYOUT);
            other.set(0, new TensorShape("embed", List.of(300, 8), true));
            assertEquals(
                    "%s is of another model: parameter 'embed' is [300, 8] here and [300, 7] in the checkpoint. Resume with the model it was saved from, gpt:layers=4,width=128."
                            .formatted(checkpoint.directory()),
                    assertThrows(CheckpointException.class, () -> checkpoint.requireLayout(other))
                            .getMessage());
        }
    }

    @Test
    void piecesOutOfTheirOrderAreRefused() {
        var piece = new Piece("master", "embed", 0, 4, DType.FP32);
        try (var writer = CheckpointWriter.begin(temporary, header(1, 1));
                var file = writer.rank(0, List.of(piece))) {
            assertThrows(
                    IllegalArgumentException.class,
                    () -> file.put("master", "embed", 2, FlatBuffer.ofFloats(1, 2)));
            assertThrows(IllegalStateException.class, file::finish);
            assertThrows(IllegalStateException.class, writer::commit);
        }
        assertFalse(Checkpoint.isPresent(temporary));
    }

    @Test
    void twoSaversOfOneDirectoryExcludeEachOther() {
        try (var first = CheckpointWriter.begin(temporary, header(1, 1))) {
            assertEquals(
                    "Another run is saving into %s at this moment; give each run its own directory."
                            .formatted(temporary),
                    assertThrows(
                                    CheckpointException.class,
                                    () -> CheckpointWriter.begin(temporary, header(1, 2)))
                            .getMessage());
            first.rank(0, List.of()).close();
        }
    }
}
