package ds.model;

import java.lang.foreign.MemorySegment;
import java.util.List;

/**
 * One tensor of a batch: {@code samples} rows of {@code shape}.
 *
 * @param type what an element is; both kinds take 4 bytes
 * @param shape sizes of one sample; empty for a scalar
 * @param data samples × product(shape) little-endian elements
 */
public record Field(Type type, List<Integer> shape, MemorySegment data) {
    /** Element types of batch fields. */
    public enum Type {
        /** binary32. */
        FLOAT32,
        /** 32-bit integers: token ids, class labels. */
        INT32
    }

    /** Copies the shape. */
    public Field {
        shape = List.copyOf(shape);
    }

    /** Returns the elements of one sample. */
    public long elementsPerSample() {
        return shape.stream().mapToLong(Integer::longValue).reduce(1, Math::multiplyExact);
    }

    /** Returns the view of {@code count} samples starting at {@code first}. */
    public Field samples(int first, int count) {
        long bytes = 4 * elementsPerSample();
        return new Field(type, shape, data.asSlice(first * bytes, count * bytes));
    }
}
