package ds.zero;

import java.util.Arrays;

/**
 * Guesses which unit is gathered next: after units a and b, the one that followed a and b last time.
 * Forward and backward passes, which walk the same units in opposite directions, differ in a.
 */
final class GatherOrder {
    /** No unit is expected. */
    static final int UNKNOWN = -1;

    private final int units;
    private final int[] successors;
    private int before;
    private int last;

    GatherOrder(int units) {
        this.units = units;
        this.successors = new int[(units + 1) * (units + 1)];
        Arrays.fill(successors, UNKNOWN);
        this.before = units;
        this.last = units;
    }

    /** Notes that {@code unit} is gathered, and returns the unit that is expected next. */
    int next(int unit) {
        successors[before * (units + 1) + last] = unit;
        before = last;
        last = unit;
        return successors[before * (units + 1) + last];
    }
}
