package ds.offload.codec;

/**
 * Chooses between the two neighbours of a value, each as likely as the value is near, by bits drawn
 * from the value and its place in the granule. Rounding to nearest would hold an average where it is: with a decay of 0.999
 * a step changes it by less than half of a 16-bit unit.
 */
final class Dither {
    static final int PLACE_FACTOR = 0xC2B2AE3D;
    static final int FIRST_FACTOR = 0x9E3779B1;
    static final int FIRST_SHIFT = 15;
    static final int SECOND_FACTOR = 0x85EBCA6B;

    /** From a hash to 23 bits of it. */
    static final int UNIT_SHIFT = 9;

    static final float UNIT = 0x1p-23f;

    private Dither() {}

    /**
     * Returns 32 bits, the upper ones the best.
     *
     * @param bits of the value
     * @param place of the element among those encoded together
     */
    static int hash(int bits, int place) {
        int mixed = (bits + place * PLACE_FACTOR) * FIRST_FACTOR;
        return (mixed ^ mixed >>> FIRST_SHIFT) * SECOND_FACTOR;
    }

    /** Returns a number from 0 to below 1. */
    static float unit(int bits, int place) {
        return (hash(bits, place) >>> UNIT_SHIFT) * UNIT;
    }
}
