package ds.zero;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

/** After one step the order of gathering is known, forward and backward. */
class GatherOrderTest {
    @Test
    void bothDirectionsAreLearnt() {
        GatherOrder order = new GatherOrder(4);
        int[] step = {0, 1, 2, 3, 2, 1, 0};
        for (int unit : step) {
            order.next(unit);
        }
        int[] expected = {1, 2, 3, 2, 1, 0, 0}; // the next step begins with 0
        order.next(0);
        order.next(1);
        for (int i = 2; i < step.length; i++) {
            assertEquals(expected[i], order.next(step[i]), "after gather " + i);
        }
    }

    @Test
    void nothingIsExpectedBeforeItWasSeen() {
        assertEquals(GatherOrder.UNKNOWN, new GatherOrder(4).next(2));
    }
}
