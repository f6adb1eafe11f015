package ds.kernels.spi;

import ds.core.DType;
import ds.core.FlatBuffer;

/**
 * What kernels demand of their operands. Each check throws an {@link IllegalArgumentException} that
 * names the operand.
 */
public final class Operands {
    private Operands() {}

    /** Requires room for {@code elements} at least. */
    public static void holds(FlatBuffer buffer, String name, long elements) {
        if (buffer.lengthElements() < elements) {
            throw new IllegalArgumentException(
                    "Operand %s needs %,d elements for these sizes, but holds %,d."
                            .formatted(name, elements, buffer.lengthElements()));
        }
    }

    /** Requires the length of {@code like}, the first operand. */
    public static void same(FlatBuffer buffer, String name, FlatBuffer like) {
        if (buffer.lengthElements() != like.lengthElements()) {
            throw new IllegalArgumentException(
                    "Operand %s must have the %,d elements of the first one, but has %,d."
                            .formatted(name, like.lengthElements(), buffer.lengthElements()));
        }
    }

    /** Requires fp32. */
    public static void fp32(FlatBuffer buffer, String name) {
        if (buffer.type() != DType.FP32) {
            throw new IllegalArgumentException(
                    "Operand %s must be fp32, but is %s."
                            .formatted(name, buffer.type().jsonName()));
        }
    }

    /** Requires fp32 and room for {@code elements} at least. */
    public static void fp32(FlatBuffer buffer, String name, long elements) {
        holds(buffer, name, elements);
        fp32(buffer, name);
    }

    /** Requires that no size is negative. */
    public static void sizes(int... sizes) {
        for (int size : sizes) {
            if (size < 0) {
                throw new IllegalArgumentException("A size must be at least 0, was " + size + ".");
            }
        }
    }
}
