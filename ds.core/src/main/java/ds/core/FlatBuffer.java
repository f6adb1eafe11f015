package ds.core;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Objects;

/**
 * A typed, contiguous run of elements in memory: the currency between models, ZeRO, optimizers and
 * storage. Little-endian, no shape; shapes live beside it. Borrowed unless a method says otherwise.
 *
 * @param segment exactly {@code type.bytesOf(lengthElements)} bytes
 * @param type the element type
 * @param lengthElements the number of elements, at least 0
 */
public record FlatBuffer(MemorySegment segment, DType type, long lengthElements) {
    /** Little-endian floats at any alignment. */
    public static final ValueLayout.OfFloat FLOAT =
            ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    /** Little-endian 16-bit values at any alignment. */
    public static final ValueLayout.OfShort SHORT =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    /** Checks that the segment has the size that type and length say. */
    public FlatBuffer {
        if (lengthElements < 0 || segment.byteSize() != type.bytesOf(lengthElements)) {
            throw new IllegalArgumentException(
                    "A flat buffer of %,d %s elements needs %,d bytes, was given %,d."
                            .formatted(
                                    lengthElements,
                                    type.jsonName(),
                                    type.bytesOf(lengthElements),
                                    segment.byteSize()));
        }
    }

    /** Wraps a whole segment, whose size must be a multiple of the element size. */
    public static FlatBuffer of(MemorySegment segment, DType type) {
        return new FlatBuffer(segment, type, segment.byteSize() / type.sizeBytes());
    }

    /** Copies {@code values} into a new heap-backed fp32 buffer; for tests and small tables. */
    public static FlatBuffer ofFloats(float... values) {
        return of(MemorySegment.ofArray(values.clone()), DType.FP32);
    }

    /** Returns the view of {@code length} elements starting at {@code fromElement}. */
    public FlatBuffer slice(long fromElement, long length) {
        Objects.checkFromIndexSize(fromElement, length, lengthElements);
        return new FlatBuffer(
                segment.asSlice(type.bytesOf(fromElement), type.bytesOf(length)), type, length);
    }

    /** Returns the size in bytes. */
    public long sizeBytes() {
        return segment.byteSize();
    }

    /** Reads one element, widened exactly. Slow: for tests, tables and small user code. */
    public float get(long index) {
        return switch (type) {
            case FP32 -> segment.get(FLOAT, index * 4);
            case FP16 -> Rounding.fromFp16(segment.get(SHORT, index * 2));
            case BF16 -> Rounding.fromBf16(segment.get(SHORT, index * 2));
        };
    }

    /** Writes one element, rounded to nearest even. Slow: for tests, tables and small user code. */
    public void set(long index, float value) {
        switch (type) {
            case FP32 -> segment.set(FLOAT, index * 4, value);
            case FP16 -> segment.set(SHORT, index * 2, Rounding.toFp16(value));
            case BF16 -> segment.set(SHORT, index * 2, Rounding.toBf16(value));
        }
    }

    /** Copies bytes from a buffer of the same type and length. */
    public void copyFrom(FlatBuffer source) {
        if (source.type != type || source.lengthElements != lengthElements) {
            throw new IllegalArgumentException(
                    "Cannot copy %,d %s elements into %,d %s elements; use Kernels.convert to change type."
                            .formatted(
                                    source.lengthElements,
                                    source.type.jsonName(),
                                    lengthElements,
                                    type.jsonName()));
        }
        MemorySegment.copy(source.segment, 0, segment, 0, segment.byteSize());
    }

    /** Sets every byte to zero, which is 0.0 in every type. */
    public void zero() {
        segment.fill((byte) 0);
    }

    /** Returns the elements as floats in a new array; for tests and reports. */
    public float[] toFloats() {
        float[] values = new float[Math.toIntExact(lengthElements)];
        for (int i = 0; i < values.length; i++) {
            values[i] = get(i);
        }
        return values;
    }
}
