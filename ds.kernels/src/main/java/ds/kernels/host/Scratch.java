package ds.kernels.host;

import ds.core.DType;
import ds.core.FlatBuffer;
import ds.kernels.ExactNorm;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * One worker's memory on the heap: tiles on which kernels compute, whatever the type of the operands.
 * Arrays grow to the largest call and stay. Owned by the worker that runs.
 */
final class Scratch {
    /** Elements of a tile. */
    static final int TILE = 2048;

    private static final int SLOTS = 16;

    final Lanes lanes;
    final float[] a = new float[TILE];
    final float[] b = new float[TILE];
    final ExactNorm norm = new ExactNorm();
    final boolean[] mask = new boolean[TILE];
    final int[] draws = new int[4];
    boolean below;
    private final float[] old = new float[TILE];
    private final short[] halves = new short[TILE];
    private final float[][] slots = new float[SLOTS][];

    Scratch(Lanes lanes) {
        this.lanes = lanes;
        Arrays.fill(slots, new float[0]);
    }

    /** Returns this worker's array number {@code slot}, of at least {@code length}; content is old. */
    float[] slot(int slot, int length) {
        if (slots[slot].length < length) {
            slots[slot] = new float[length];
        }
        return slots[slot];
    }

    /** Reads {@code count} elements from {@code index}, widened exactly. */
    void load(FlatBuffer from, long index, float[] to, int offset, int count) {
        switch (from.type()) {
            case FP32 ->
                    MemorySegment.copy(
                            from.segment(), FlatBuffer.FLOAT, index * 4, to, offset, count);
            case FP16 -> {
                for (int done = 0; done < count; done += TILE) {
                    int part = Math.min(TILE, count - done);
                    MemorySegment.copy(
                            from.segment(), FlatBuffer.SHORT, (index + done) * 2, halves, 0, part);
                    lanes.widenFp16(halves, 0, to, offset + done, part);
                }
            }
            case BF16 -> {
                for (int done = 0; done < count; done += TILE) {
                    int part = Math.min(TILE, count - done);
                    MemorySegment.copy(
                            from.segment(), FlatBuffer.SHORT, (index + done) * 2, halves, 0, part);
                    lanes.widenBf16(halves, 0, to, offset + done, part);
                }
            }
        }
    }

    /** Reads rows of {@code width} elements that are {@code stride} apart, one after the other. */
    void loadRows(
            FlatBuffer from, long index, long stride, int rows, int width, float[] to, int offset) {
        if (!lanes.readRows(from, index, stride, rows, width, to, offset)) {
            for (int i = 0; i < rows; i++) {
                load(from, index + i * stride, to, offset + i * width, width);
            }
        }
    }

    /** Writes rows of {@code width} elements, {@code stride} apart, rounded to nearest even. */
    void storeRows(
            FlatBuffer to,
            long index,
            long stride,
            int rows,
            int width,
            float[] from,
            int offset,
            int fromStride) {
        if (!lanes.writeRows(from, offset, fromStride, to, index, stride, rows, width)) {
            for (int i = 0; i < rows; i++) {
                store(to, index + i * stride, from, offset + i * fromStride, width);
            }
        }
    }

    /** Writes {@code count} elements at {@code index}, rounded to nearest even. */
    void store(FlatBuffer to, long index, float[] from, int offset, int count) {
        switch (to.type()) {
            case FP32 ->
                    MemorySegment.copy(
                            from, offset, to.segment(), FlatBuffer.FLOAT, index * 4, count);
            case FP16 -> {
                for (int done = 0; done < count; done += TILE) {
                    int part = Math.min(TILE, count - done);
                    lanes.narrowFp16(from, offset + done, halves, 0, part);
                    MemorySegment.copy(
                            halves, 0, to.segment(), FlatBuffer.SHORT, (index + done) * 2, part);
                }
            }
            case BF16 -> {
                for (int done = 0; done < count; done += TILE) {
                    int part = Math.min(TILE, count - done);
                    lanes.narrowBf16(from, offset + done, halves, 0, part);
                    MemorySegment.copy(
                            halves, 0, to.segment(), FlatBuffer.SHORT, (index + done) * 2, part);
                }
            }
        }
    }

    /** Rounds {@code count} elements to what {@code type} can hold. */
    void round(DType type, float[] x, int count) {
        switch (type) {
            case FP32 -> {
                // Holds them all.
            }
            case FP16 -> {
                lanes.narrowFp16(x, 0, halves, 0, count);
                lanes.widenFp16(halves, 0, x, 0, count);
            }
            case BF16 -> {
                lanes.narrowBf16(x, 0, halves, 0, count);
                lanes.widenBf16(halves, 0, x, 0, count);
            }
        }
    }

    /** Adds what {@code to} holds to {@code from} if asked, and stores; {@code from} changes. */
    void store(FlatBuffer to, long index, float[] from, int offset, int count, boolean accumulate) {
        store(to, index, from, offset, count, accumulate ? to : null);
    }

    /** Adds {@code from} to the same place of an addend, if there is one, and stores; it changes. */
    void store(
            FlatBuffer to,
            long index,
            float[] from,
            int offset,
            int count,
            @Nullable FlatBuffer addend) {
        if (addend != null) {
            for (int done = 0; done < count; done += TILE) {
                int part = Math.min(TILE, count - done);
                load(addend, index + done, old, 0, part);
                lanes.add(old, 0, from, offset + done, from, offset + done, part);
            }
        }
        store(to, index, from, offset, count);
    }
}
