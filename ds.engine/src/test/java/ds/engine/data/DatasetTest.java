package ds.engine.data;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ds.model.Batch;
import java.io.IOException;
import java.io.OutputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.BitSet;
import java.util.List;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Files become samples, the same ones every time; what does not fit is named with its place. */
class DatasetTest {
    @TempDir private Path temporary;

    private static int[] ints(ds.model.Field field) {
        return field.data().toArray(ValueLayout.JAVA_INT);
    }

    private static float[] floats(ds.model.Field field) {
        return field.data().toArray(ValueLayout.JAVA_FLOAT);
    }

    private Path write(String name, String text) throws IOException {
        return Files.writeString(temporary.resolve(name), text);
    }

    private static String message(org.junit.jupiter.api.function.Executable call) {
        return assertThrows(DataException.class, call).getMessage();
    }

    @Test
    void windowsOfTextShareOnlyTheirLastByte() throws IOException {
        TextDataset data = TextDataset.bytes(write("a.txt", "abcdefghij"), 3);
        assertEquals(3, data.samples());
        try (Arena arena = Arena.ofConfined()) {
            Batch batch = data.allocate(arena, 2);
            data.fill(0, batch, 0);
            data.fill(2, batch, 1);
            assertArrayEquals(new int[] {'a', 'b', 'c', 'g', 'h', 'i'}, ints(batch.input()));
            assertArrayEquals(new int[] {'b', 'c', 'd', 'h', 'i', 'j'}, ints(batch.target()));
        }
    }

    @Test
    void aSplitOfTextSharesNoByte() {
        byte[] bytes = new byte[1000];
        for (int i = 0; i < bytes.length; i++) {
            bytes[i] = (byte) (i >= 950 ? 'v' : 't');
        }
        Split split = TextDataset.of("t", bytes, 10).split(0.95);
        TextDataset train = (TextDataset) split.train();
        TextDataset validation = (TextDataset) split.validation();
        assertEquals(950, train.sizeBytes());
        assertEquals(50, validation.sizeBytes());
        assertEquals('t', train.token(949));
        assertEquals('v', validation.token(0));
    }

    @Test
    void tooLittleTextIsSaidWithSizes() throws IOException {
        Path file = write("a.txt", "0123456789");
        assertEquals(
                file
                        + " has 10 bytes, one window of context 10 needs 11; take more text or a smaller context.",
                message(() -> TextDataset.bytes(file, 10)));
        assertEquals(
                file
                        + " has 10 bytes; split at 0.95 that leaves 9 and 1, and each part needs 3 for one window of context 2. Take more text, another split or a smaller context.",
                message(() -> TextDataset.bytes(file, 2).split(0.95)));
        assertEquals(
                "Data file %s does not exist; check the path.".formatted(temporary.resolve("b")),
                message(() -> TextDataset.bytes(temporary.resolve("b"), 2)));
    }

    @Test
    void eachEpochIsAnotherPermutation() {
        for (long samples : new long[] {1, 2, 3, 5, 64, 1000}) {
            SampleOrder order = new SampleOrder(42, samples);
            BitSet seen = new BitSet();
            for (long epoch = 0; epoch < 3; epoch++) {
                seen.clear();
                for (long i = 0; i < samples; i++) {
                    seen.set((int) order.index(epoch * samples + i));
                }
                assertEquals(samples, seen.cardinality());
                assertEquals(samples, seen.length());
            }
        }
        SampleOrder order = new SampleOrder(42, 1000);
        int same = 0;
        int fixed = 0;
        for (long i = 0; i < 1000; i++) {
            same += order.index(i) == order.index(1000 + i) ? 1 : 0;
            fixed += order.index(i) == i ? 1 : 0;
        }
        assertTrue(same < 10 && fixed < 10, same + " same, " + fixed + " fixed");
        assertTrue(order.index(0) != new SampleOrder(43, 1000).index(0));
    }

    @Test
    void tablesHaveClassesOrQuantities() throws IOException {
        Path file = write("t.csv", "x,\"y, z\",kind\n1,2,b\n3,2,a\r\n\n5,2,b\n");
        CsvDataset words = CsvDataset.read(file, "kind");
        assertEquals(List.of("a", "b"), words.classes());
        assertEquals(2, words.shape().outputElements());
        CsvDataset real = CsvDataset.read(write("r.csv", "1,0.5\n3,1.5\n"), "1");
        assertEquals(List.of(), real.classes());
        try (Arena arena = Arena.ofConfined()) {
            Batch batch = words.allocate(arena, 3);
            CsvDataset standard = words.standardised();
            for (int row = 0; row < 3; row++) {
                standard.fill(row, batch, row);
            }
            float far = (float) (2 / Math.sqrt(8.0 / 3));
            assertArrayEquals(new float[] {-far, 0, 0, 0, far, 0}, floats(batch.input()));
            assertArrayEquals(new int[] {1, 0, 1}, ints(batch.target()));
            Batch quantities = real.allocate(arena, 1);
            real.fill(1, quantities, 0);
            assertArrayEquals(new float[] {1.5f}, floats(quantities.target()));
        }
    }

    @Test
    void aTableReopensAsItWasTrainedOn() throws IOException {
        StringBuilder text = new StringBuilder("x,label\n");
        for (int i = 0; i < 40; i++) {
            text.append(i).append(',').append(i < 20 ? "low" : "high").append('\n');
        }
        Path file = write("t.csv", text.toString());
        Split split = Datasets.openSplit(file, DataOptions.DEFAULT.withTarget("label"), 0.9);
        assertEquals(36, split.train().samples());
        assertEquals(4, split.validation().samples());
        assertEquals(split.train().shape(), Datasets.shape(split.train().info()));
        Path other = write("other.csv", "x,label\n7,low\n");
        Dataset reopened = Datasets.reopen(other, split.train().info());
        try (Arena arena = Arena.ofConfined()) {
            Batch batch = reopened.allocate(arena, 1);
            reopened.fill(0, batch, 0);
            assertEquals(1, ints(batch.target())[0]);
            assertTrue(floats(batch.input())[0] < 0);
        }
        Path strange = write("strange.csv", "x,label\n7,middle\n");
        assertEquals(
                strange
                        + " line 2: class 'middle' was not in the data trained on, which had [high, low].",
                message(() -> Datasets.reopen(strange, split.train().info())));
    }

    @Test
    void aTableSaysWhichCellIsWrong() throws IOException {
        Path file = write("t.csv", "x,y\n1,2\nabc,3\n");
        assertEquals(
                file
                        + " line 3, column 0: 'abc' is no finite number; features and real targets must be. Remove the row or encode the column as numbers.",
                message(() -> CsvDataset.read(file, "y")));
        assertEquals(
                file
                        + " has no column 'z'; it has [x, y]. Name one of them, or its index from 0, as the target.",
                message(() -> CsvDataset.read(file, "z")));
        assertEquals(
                file + " is a table: name the column to predict with --target.",
                message(() -> Datasets.open(file, DataOptions.DEFAULT)));
        Path ragged = write("r.csv", "1,2\n1,2,3\n");
        assertEquals(
                ragged + " line 2 has 3 columns, the first line has 2; every line needs the same.",
                message(() -> CsvDataset.read(ragged, "0")));
    }

    @Test
    void imagesComeWithTheirLabels() throws IOException {
        byte[] images = {0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2, 0, (byte) 255, 51, 102};
        byte[] labels = {0, 0, 8, 1, 0, 0, 0, 2, 7, 3};
        Path file = temporary.resolve("t-images-idx3-ubyte.gz");
        for (Path each : List.of(file, temporary.resolve("t-labels-idx1-ubyte.gz"))) {
            try (OutputStream out = new GZIPOutputStream(Files.newOutputStream(each))) {
                out.write(each == file ? images : labels);
            }
        }
        Dataset data = Datasets.open(file, DataOptions.DEFAULT);
        assertEquals(8, data.shape().outputElements());
        try (Arena arena = Arena.ofConfined()) {
            Batch batch = data.allocate(arena, 2);
            data.fill(0, batch, 0);
            data.fill(1, batch, 1);
            assertArrayEquals(new float[] {0, 1, 0.2f, 0.4f}, floats(batch.input()));
            assertArrayEquals(new int[] {7, 3}, ints(batch.target()));
        }
        Path short_ = temporary.resolve("s-images.idx");
        Files.write(short_, java.util.Arrays.copyOf(images, 18));
        assertEquals(
                short_
                        + " has 18 bytes, its header says 20; the file is truncated or not what it says.",
                message(() -> Datasets.open(short_, DataOptions.DEFAULT)));
    }

    @Test
    void jsonLinesGiveTheirTexts() throws IOException {
        Path file =
                write("d.jsonl", "{\"id\":1,\"text\":\"a\\u00e9\"}\n{\"text\":\"b\",\"x\":[1]}\n");
        TextDataset data = (TextDataset) Datasets.open(file, DataOptions.DEFAULT.withContext(2));
        byte[] bytes = "aé\nb\n".getBytes(StandardCharsets.UTF_8);
        assertEquals(bytes.length, data.sizeBytes());
        assertEquals(bytes[1] & 0xff, data.token(1));
        Path bad = write("e.jsonl", "{\"text\":\"a\"}\n{\"txt\":\"b\"}\n");
        assertEquals(
                bad + " line 2 is no JSON object with a string 'text'; give each line one.",
                message(() -> JsonlDataset.read(bad, 2)));
    }

    @Test
    void theBigramIsADistribution() {
        byte[] text = new byte[4096];
        for (int i = 0; i < text.length; i++) {
            text[i] = (byte) ("ab".charAt(i % 2));
        }
        TextDataset data = TextDataset.of("t", text, 8);
        assertTrue(new ByteBigram(data).loss(data) < 0.02);
        TextDataset other =
                TextDataset.of("o", "zzzzzzzzzz".getBytes(StandardCharsets.US_ASCII), 8);
        double unseen = new ByteBigram(data).loss(other);
        assertTrue(unseen > 7 && Double.isFinite(unseen), "" + unseen);
    }

    @Test
    void whatIsNoFileIsRefusedAndNotWaitedFor() {
        for (String path : new String[] {"/", "/dev/null", "/dev"}) {
            var refused =
                    assertThrows(
                            DataException.class,
                            () -> Datasets.open(Path.of(path), DataOptions.DEFAULT));
            assertEquals(
                    "Data %s is %s; give a file."
                            .formatted(
                                    path,
                                    path.equals("/dev/null")
                                            ? "a pipe or a device"
                                            : "a directory"),
                    refused.getMessage());
        }
    }
}
