package ds.kernels;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

/** The generator is Philox4x32-10: known answers of Random123. */
class PhiloxTest {
    @Test
    void knownAnswers() {
        int[] out = new int[4];
        new Philox(0, 0).draw(0, 0, out);
        assertArrayEquals(new int[] {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}, out);
        new Philox(-1, 0).draw(-1, -1, out);
        assertArrayEquals(new int[] {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}, out);
        new Philox(0x299f31d0a4093822L, 0).draw(0x0370734413198a2eL, 0x85a308d3243f6a88L, out);
        assertArrayEquals(new int[] {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}, out);
    }

    @Test
    void unitsLieBelowOne() {
        assertEquals(0f, Philox.unit(0));
        assertEquals(1f - 0x1p-24f, Philox.unit(-1));
    }
}
