package ds.zero;

import java.util.Arrays;
import java.util.NoSuchElementException;
import java.util.PrimitiveIterator;

/**
 * Guesses which units are gathered next: after units a and b, the one that followed a and b last time.
 * Forward and backward passes, which walk the same units in opposite directions, differ in a. Publishing
 * is part of the order, since what is read before it is out of date.
 */
final class GatherOrder {
    private static final int UNKNOWN = -1;

    private final int publishing;
    private final int[] successors;
    private int before;
    private int last;

    GatherOrder(int units) {
        this.publishing = units;
        this.successors = new int[(units + 1) * (units + 1)];
        Arrays.fill(successors, UNKNOWN);
        this.before = publishing;
        this.last = publishing;
    }

    /** Notes that {@code unit} is gathered. */
    void gathered(int unit) {
        successors[index(before, last)] = unit;
        before = last;
        last = unit;
    }

    /** Notes that all units have new values. */
    void published() {
        gathered(publishing);
    }

    private int index(int first, int second) {
        return first * (publishing + 1) + second;
    }

    /** Returns the units that are expected, one after the other, as far as one is before publishing. */
    PrimitiveIterator.OfInt after() {
        return new Expected(before, last);
    }

    private final class Expected implements PrimitiveIterator.OfInt {
        private int first;
        private int second;

        Expected(int first, int second) {
            this.first = first;
            this.second = second;
        }

        @Override
        public boolean hasNext() {
            int next = successors[index(first, second)];
            return next != UNKNOWN && next != publishing;
        }

        @Override
        public int nextInt() {
            if (!hasNext()) {
                throw new NoSuchElementException("no unit is expected");
            }
            int next = successors[index(first, second)];
            first = second;
            second = next;
            return next;
        }
    }
}
