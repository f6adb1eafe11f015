package ds.engine.data;

import ds.model.Batch;
import ds.model.Field;
import ds.model.spi.ModelProvider.DataShape;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/**
 * Images and labels of unsigned bytes in the IDX format of MNIST, plain or gzip. Pixels become 0 to
 * 1; an image is one row of floats.
 */
public final class IdxDataset implements Dataset {
    private static final int UNSIGNED_BYTE = 8;
    private static final ValueLayout.OfInt INT =
            ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfFloat FLOAT =
            ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private record Content(byte[] bytes, int start, int count, int itemBytes) {}

    private final Path file;
    private final Content images;
    private final Content labels;
    private final int classes;
    private final int from;
    private final int to;

    private IdxDataset(Path file, Content images, Content labels, int classes, int from, int to) {
        this.file = file;
        this.images = images;
        this.labels = labels;
        this.classes = classes;
        this.from = from;
        this.to = to;
    }

    /**
     * Reads images and, from the file of the same name with {@code labels} for {@code images} (and
     * {@code idx1} for {@code idx3}), their labels.
     *
     * @throws DataException if a file is missing, is no IDX file, or the counts differ
     */
    public static IdxDataset read(Path images) {
        String name = images.getFileName().toString();
        String labels = name.replace("images", "labels").replace("idx3", "idx1");
        if (labels.equals(name)) {
            throw new DataException(
                    "%s has no 'images' in its name, so that the file with the labels is not known; name them images and labels."
                            .formatted(images));
        }
        return read(images, images.resolveSibling(labels));
    }

    /** Reads images and labels. */
    public static IdxDataset read(Path images, Path labels) {
        Content pixels = content(images);
        Content classes = content(labels);
        if (pixels.count() != classes.count() || classes.itemBytes() != 1 || pixels.count() < 1) {
            throw new DataException(
                    "%s has %,d images and %s %,d labels of %,d bytes; there must be one label of 1 byte per image."
                            .formatted(
                                    images,
                                    pixels.count(),
                                    labels,
                                    classes.count(),
                                    classes.itemBytes()));
        }
        int most = 0;
        for (int i = 0; i < classes.count(); i++) {
            most = Math.max(most, classes.bytes()[classes.start() + i] & 0xff);
        }
        return new IdxDataset(images, pixels, classes, most + 1, 0, pixels.count());
    }

    private static Content content(Path file) {
        byte[] bytes = DataFiles.readAll(file);
        int dimensions = bytes.length < 4 ? 0 : bytes[3];
        if (bytes.length < 4 + 4 * dimensions
                || dimensions < 1
                || bytes[0] != 0
                || bytes[1] != 0
                || bytes[2] != UNSIGNED_BYTE) {
            throw new DataException(
                    "%s is no IDX file of unsigned bytes: it must start with 0 0 8 and the number of dimensions."
                            .formatted(file));
        }
        long item = 1;
        for (int d = 1; d < dimensions; d++) {
            item = Math.multiplyExact(item, (long) size(bytes, d));
        }
        long expected = 4 + 4L * dimensions + item * size(bytes, 0);
        if (expected != bytes.length) {
            throw new DataException(
                    "%s has %,d bytes, its header says %,d; the file is truncated or not what it says."
                            .formatted(file, bytes.length, expected));
        }
        return new Content(bytes, 4 + 4 * dimensions, size(bytes, 0), (int) item);
    }

    private static int size(byte[] bytes, int dimension) {
        int at = 4 + 4 * dimension;
        return (bytes[at] & 0xff) << 24
                | (bytes[at + 1] & 0xff) << 16
                | (bytes[at + 2] & 0xff) << 8
                | bytes[at + 3] & 0xff;
    }

    @Override
    public long samples() {
        return to - from;
    }

    @Override
    public DataShape shape() {
        return new DataShape(images.itemBytes(), classes, false, true);
    }

    @Override
    public Field.Type inputType() {
        return Field.Type.FLOAT32;
    }

    @Override
    public List<Integer> inputShape() {
        return List.of(images.itemBytes());
    }

    @Override
    public Field.Type targetType() {
        return Field.Type.INT32;
    }

    @Override
    public List<Integer> targetShape() {
        return List.of();
    }

    @Override
    public String describe() {
        return "%s: %,d images of %,d pixels, %,d classes"
                .formatted(file, samples(), images.itemBytes(), classes);
    }

    @Override
    public Map<String, String> info() {
        return DataFiles.withShape(Map.of("kind", "idx", "file", file.toString()), shape());
    }

    @Override
    public void fill(long index, Batch batch, int row) {
        int item = from + Math.toIntExact(index);
        int size = images.itemBytes();
        int start = images.start() + item * size;
        for (int i = 0; i < size; i++) {
            batch.input()
                    .data()
                    .set(
                            FLOAT,
                            4L * ((long) row * size + i),
                            (images.bytes()[start + i] & 0xff) / 255f);
        }
        batch.target().data().set(INT, 4L * row, labels.bytes()[labels.start() + item] & 0xff);
    }

    /** Holds out the last images. */
    @Override
    public Split split(double trainShare) {
        DataFiles.checkShare(trainShare);
        int cut = from + (int) ((to - from) * trainShare);
        if (cut == from) {
            throw new DataException(
                    "%s has %,d images; split at %s leaves none to train on. Take more images or another split."
                            .formatted(file, samples(), trainShare));
        }
        return new Split(
                new IdxDataset(file, images, labels, classes, from, cut),
                new IdxDataset(file, images, labels, classes, cut, to));
    }
}
