package ds.engine.data;

import ds.kernels.Philox;

/**
 * Which sample comes when: a pure function of (seed, epoch, position), so that a run needs no
 * generator state to resume and no rank needs another's. Each epoch is a permutation: a balanced
 * Feistel network keyed by Philox on the next even number of bits, walked along its cycle until the
 * value falls inside (Black and Rogaway, "Ciphers with arbitrary finite domains", 2002).
 *
 * @param seed the run's seed
 * @param samples samples of one epoch, at least 1
 */
public record SampleOrder(long seed, long samples) {
    private static final int ROUNDS = 6;

    /** Checks the range. */
    public SampleOrder {
        if (samples < 1) {
            throw new IllegalArgumentException(
                    "An epoch has %,d samples; it needs at least 1.".formatted(samples));
        }
    }

    /** Returns the data set's index of the {@code globalSample}-th sample of the run, from 0. */
    public long index(long globalSample) {
        long epoch = globalSample / samples;
        long position = globalSample % samples;
        int halfBits = Math.max(1, (64 - Long.numberOfLeadingZeros(samples - 1) + 1) / 2);
        Philox philox = new Philox(seed, Philox.SHUFFLE);
        int[] draw = new int[4];
        do {
            position = permute(philox, epoch, position, halfBits, draw);
        } while (position >= samples);
        return position;
    }

    private static long permute(Philox philox, long epoch, long value, int halfBits, int[] draw) {
        long mask = (1L << halfBits) - 1;
        long left = value >>> halfBits;
        long right = value & mask;
        for (int round = 0; round < ROUNDS; round++) {
            // halfBits is at most 32, so the round number has bits of its own
            philox.draw(epoch, (long) round << 32 | right, draw);
            long next = left ^ draw[0] & mask;
            left = right;
            right = next;
        }
        return left << halfBits | right;
    }
}
