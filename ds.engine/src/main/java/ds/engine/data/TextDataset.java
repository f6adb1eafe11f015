package ds.engine.data;

import ds.model.Batch;
import ds.model.Field;
import ds.model.spi.ModelProvider.DataShape;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/**
 * Text as bytes: tokens are 0 to 255. Sample i is the window of {@code context + 1} bytes at
 * {@code i × context}: the input is its first, the target its last {@code context} bytes.
 */
public final class TextDataset implements Dataset {
    /** The number of different tokens. */
    public static final int VOCABULARY = 256;

    private static final ValueLayout.OfInt INT =
            ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final String name;
    private final byte[] bytes;
    private final int from;
    private final int to;
    private final int context;

    private TextDataset(String name, byte[] bytes, int from, int to, int context) {
        this.name = name;
        this.bytes = bytes;
        this.from = from;
        this.to = to;
        this.context = context;
        if (to - from < context + 1) {
            throw new DataException(
                    "%s has %,d bytes, one window of context %,d needs %,d; take more text or a smaller context."
                            .formatted(name, to - from, context, context + 1));
        }
    }

    /**
     * Reads a file of any text, at most 2 GiB.
     *
     * @param context tokens of one window, at least 1
     * @throws DataException if the file cannot be read or is smaller than one window
     */
    public static TextDataset bytes(Path file, int context) {
        return of(file.toString(), DataFiles.readAll(file), context);
    }

    /** Takes text that is in memory already; {@code name} is for messages. */
    public static TextDataset of(String name, byte[] text, int context) {
        return new TextDataset(name, text.clone(), 0, text.length, context);
    }

    @Override
    public long samples() {
        return (to - from - 1) / context;
    }

    /** Returns the number of bytes. */
    public int sizeBytes() {
        return to - from;
    }

    /** Returns the token at {@code position}, 0 to 255. */
    public int token(int position) {
        return bytes[from + position] & 0xff;
    }

    /** Returns the tokens of one window. */
    public int context() {
        return context;
    }

    @Override
    public DataShape shape() {
        return new DataShape(context, VOCABULARY, true, true);
    }

    @Override
    public Field.Type inputType() {
        return Field.Type.INT32;
    }

    @Override
    public List<Integer> inputShape() {
        return List.of(context);
    }

    @Override
    public Field.Type targetType() {
        return Field.Type.INT32;
    }

    @Override
    public List<Integer> targetShape() {
        return List.of(context);
    }

    @Override
    public String describe() {
        return "%s: %,d bytes, %,d windows of %,d + 1"
                .formatted(name, sizeBytes(), samples(), context);
    }

    @Override
    public Map<String, String> info() {
        return DataFiles.withShape(
                Map.of("kind", "text", "file", name, "context", Integer.toString(context)),
                shape());
    }

    @Override
    public void fill(long index, Batch batch, int row) {
        int start = from + Math.toIntExact(index * context);
        MemorySegment input = batch.input().data();
        MemorySegment target = batch.target().data();
        long base = 4L * row * context;
        for (int i = 0; i < context; i++) {
            input.set(INT, base + 4L * i, bytes[start + i] & 0xff);
            target.set(INT, base + 4L * i, bytes[start + i + 1] & 0xff);
        }
    }

    /** Cuts by bytes, so that no window of one part holds a byte of the other. */
    @Override
    public Split split(double trainShare) {
        DataFiles.checkShare(trainShare);
        int cut = from + (int) ((to - from) * trainShare);
        if (cut - from < context + 1 || to - cut < context + 1) {
            throw new DataException(
                    "%s has %,d bytes; split at %s that leaves %,d and %,d, and each part needs %,d for one window of context %,d. Take more text, another split or a smaller context."
                            .formatted(
                                    name,
                                    to - from,
                                    trainShare,
                                    cut - from,
                                    to - cut,
                                    context + 1,
                                    context));
        }
        return new Split(
                new TextDataset(name, bytes, from, cut, context),
                new TextDataset(name, bytes, cut, to, context));
    }
}
