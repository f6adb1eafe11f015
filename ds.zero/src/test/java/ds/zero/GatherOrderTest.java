package ds.zero;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.ArrayList;
import java.util.List;
import java.util.PrimitiveIterator;
import org.junit.jupiter.api.Test;

/** After one step the order of gathering is known, forward and backward. */
class GatherOrderTest {
    private static final int[] STEP = {0, 1, 2, 3, 2, 1, 0};

    private final GatherOrder order = new GatherOrder(4);

    private List<Integer> after() {
        List<Integer> units = new ArrayList<>();
        PrimitiveIterator.OfInt expected = order.after();
        while (expected.hasNext() && units.size() < STEP.length) {
            units.add(expected.nextInt());
        }
        return units;
    }

    private void step(int... units) {
        for (int unit : units) {
            order.gathered(unit);
        }
        order.published();
    }

    @Test
    void bothDirectionsAreLearntUpToTheNextPublishing() {
        step(STEP);
        step(STEP);
        List<Integer> rest = new ArrayList<>(List.of(0, 1, 2, 3, 2, 1, 0));
        assertEquals(rest, after());
        for (int unit : STEP) {
            rest.removeFirst();
            order.gathered(unit);
            assertEquals(rest, after(), "after unit " + unit);
        }
    }

    @Test
    void nothingIsExpectedBeforeItWasSeen() {
        assertEquals(List.of(), after());
        order.gathered(2);
        assertEquals(List.of(), after());
    }

    @Test
    void theOrderIsFollowedAgainAfterOneUnitThatFollowedAsBefore() {
        step(STEP);
        order.gathered(0);
        order.gathered(2); // never after 0
        assertEquals(List.of(), after());
        order.gathered(3); // the head after a block
        assertEquals(List.of(2, 1, 0), after());
    }

    @Test
    void anotherOrderTakesThePlaceOfTheOneBefore() {
        step(STEP);
        step(0, 2, 1, 3, 1, 2, 0);
        step(0, 2, 1, 3, 1, 2, 0);
        assertEquals(List.of(0, 2, 1, 3, 1, 2, 0), after());
    }
}
