package ds.testkit;

import java.util.Random;

/** Damage to the bits of a file, by which tests ask whether a checksum finds it. */
public final class BitDamage {
    /** CRC32C's polynomial, all 33 bits: added to data, it leaves the checksum as it is. */
    private static final long POLYNOMIAL = 0x11EDC6F41L;

    private BitDamage() {}

    /** Flips one bit, counted from 0 in the order in which CRC32C takes them. */
    public static void flip(byte[] bytes, int bit) {
        bytes[bit / Byte.SIZE] ^= (byte) (1 << bit % Byte.SIZE);
    }

    /** Flips any one bit. */
    public static void flipAny(byte[] bytes, Random random) {
        flip(bytes, random.nextInt(bytes.length * Byte.SIZE));
    }

    /** Flips bits from {@code firstBit} on that CRC32C does not see. */
    public static void flipUnseen(byte[] bytes, int firstBit) {
        for (int i = 0; i <= 32; i++) {
            if ((POLYNOMIAL >> 32 - i & 1) != 0) {
                flip(bytes, firstBit + i);
            }
        }
    }
}
