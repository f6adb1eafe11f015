package ds.zero;

import ds.comm.Split;
import ds.core.FlatBuffer;
import ds.kernels.Workers;
import java.lang.foreign.MemorySegment;

/**
 * Signs of numbers, {@value #PER_WORD} in a 16-bit word, part by part: each part begins with a word of
 * its own. Spread over the workers in pieces whose cuts depend on lengths alone, and element by
 * element, so that nothing depends on who does it.
 */
final class SignBits {
    /** Signs of a word. */
    static final int PER_WORD = 16;

    private static final long PIECE_WORDS = 2_048;

    /** Work on signs {@code from} to {@code to} − 1 of a part, whole words but for the last. */
    @FunctionalInterface
    private interface Piece {
        void run(long from, long to);
    }

    private SignBits() {}

    /** Returns how many words each part takes. */
    static Split words(Split parts) {
        long[] starts = new long[parts.size() + 1];
        for (int part = 0; part < parts.size(); part++) {
            starts[part + 1] = starts[part] + Math.ceilDiv(parts.length(part), (long) PER_WORD);
        }
        return new Split(starts);
    }

    /**
     * Writes the signs of {@code x}, part by part, and what {@code scale} times them loses. The sign
     * bit counts, so that −0 is negative, as DeepSpeed's packing has it.
     */
    static void pack(
            Workers workers,
            FlatBuffer x,
            Split parts,
            float scale,
            FlatBuffer signs,
            Split words,
            FlatBuffer error) {
        MemorySegment from = x.segment();
        MemorySegment to = signs.segment();
        MemorySegment lost = error.segment();
        for (int part = 0; part < parts.size(); part++) {
            long start = parts.start(part);
            long firstWord = words.start(part);
            pieces(
                    workers,
                    parts.length(part),
                    (begin, end) -> {
                        for (long i = begin; i < end; i += PER_WORD) {
                            int count = (int) Math.min(PER_WORD, end - i);
                            long at = (start + i) * Float.BYTES;
                            short word = pack(from, at, count, scale, lost);
                            to.set(FlatBuffer.SHORT, 2 * (firstWord + i / PER_WORD), word);
                        }
                    });
        }
    }

    private static short pack(
            MemorySegment x, long from, int count, float scale, MemorySegment error) {
        int word = 0;
        for (int bit = 0; bit < count; bit++) {
            long at = from + (long) bit * Float.BYTES;
            float value = x.get(FlatBuffer.FLOAT, at);
            int negative = Float.floatToRawIntBits(value) >>> 31;
            word |= (1 - negative) << bit;
            error.set(FlatBuffer.FLOAT, at, negative == 0 ? value - scale : value + scale);
        }
        return (short) word;
    }

    /** Writes {@code scale} times the signs into one part of {@code x}. */
    static void unpack(
            Workers workers,
            FlatBuffer signs,
            long firstWord,
            float scale,
            FlatBuffer x,
            long start,
            long length) {
        MemorySegment from = signs.segment();
        MemorySegment to = x.segment();
        pieces(
                workers,
                length,
                (begin, end) -> {
                    for (long i = begin; i < end; i++) {
                        to.set(
                                FlatBuffer.FLOAT,
                                (start + i) * Float.BYTES,
                                sign(from, firstWord, i) * scale);
                    }
                });
    }

    /**
     * Writes the mean of one part over all senders, and what was carried over: a left fold in order of
     * the ranks of sign · scale / ranks.
     *
     * @param signs one part after the other, each {@code words} long
     * @param scales one per sender
     */
    static void mean(
            Workers workers,
            FlatBuffer signs,
            long words,
            FlatBuffer scales,
            FlatBuffer carried,
            FlatBuffer mean) {
        MemorySegment from = signs.segment();
        MemorySegment before = carried.segment();
        MemorySegment to = mean.segment();
        float[] scale = scales.toFloats();
        pieces(
                workers,
                mean.lengthElements(),
                (begin, end) -> {
                    for (long i = begin; i < end; i++) {
                        float sum = 0;
                        for (int rank = 0; rank < scale.length; rank++) {
                            sum += sign(from, rank * words, i) * scale[rank] / scale.length;
                        }
                        long at = i * Float.BYTES;
                        to.set(FlatBuffer.FLOAT, at, sum + before.get(FlatBuffer.FLOAT, at));
                    }
                });
    }

    private static float sign(MemorySegment signs, long firstWord, long index) {
        short word = signs.get(FlatBuffer.SHORT, 2 * (firstWord + index / PER_WORD));
        return (word >> index % PER_WORD & 1) != 0 ? 1 : -1;
    }

    private static void pieces(Workers workers, long signs, Piece piece) {
        long length = PIECE_WORDS * PER_WORD;
        workers.run(
                Math.toIntExact(Math.ceilDiv(signs, length)),
                (_, index) -> piece.run(index * length, Math.min(signs, (index + 1) * length)));
    }
}
