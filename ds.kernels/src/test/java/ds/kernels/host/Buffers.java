package ds.kernels.host;

import ds.core.DType;
import ds.core.FlatBuffer;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Random;

/** Operands for the tests of kernels. */
final class Buffers {
    private Buffers() {}

    /** Returns {@code length} zeros. */
    static FlatBuffer zeros(DType type, long length) {
        return FlatBuffer.of(
                MemorySegment.ofArray(new byte[Math.toIntExact(type.bytesOf(length))]), type);
    }

    /** Returns normal draws, rounded to {@code type}. */
    static FlatBuffer normal(DType type, long length, long seed) {
        FlatBuffer buffer = zeros(type, length);
        Random random = new Random(seed);
        for (long i = 0; i < length; i++) {
            buffer.set(i, (float) random.nextGaussian());
        }
        return buffer;
    }

    /** Returns {@code count} integers in [0, limit). */
    static MemorySegment numbers(int count, int limit, long seed) {
        int[] numbers = new Random(seed).ints(count, 0, limit).toArray();
        return MemorySegment.ofArray(numbers);
    }

    static byte[] bytes(FlatBuffer buffer) {
        return buffer.segment().toArray(ValueLayout.JAVA_BYTE);
    }
}
