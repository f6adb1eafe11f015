package ds.testkit;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;

/**
 * How one family of recorded fixtures compares: every case with how far it is off, in one line such
 * as {@code fixtures optim: 96 cases, 96 within tolerance, worst 3.1e-07}. Owned by one test.
 */
public final class FixtureReport {
    private final String family;
    private final Set<String> cases = new LinkedHashSet<>();
    private final Set<String> failed = new LinkedHashSet<>();
    private final List<String> outside = new ArrayList<>();
    private double worst;

    /** Starts a family without cases. */
    public FixtureReport(String family) {
        this.family = family;
    }

    /**
     * Notes one comparison.
     *
     * @param id the case; each counts once, however often it is compared
     * @param where what was compared, for the list of those outside
     * @param deviation how far off, 0 or more; NaN is outside
     * @param tolerance how far off it may be
     */
    public void add(String id, String where, double deviation, double tolerance) {
        cases.add(id);
        worst = Double.isNaN(deviation) ? deviation : Math.max(worst, deviation);
        if (!(deviation <= tolerance)) {
            failed.add(id);
            outside.add("%s %s: %.3g, allowed %.3g".formatted(id, where, deviation, tolerance));
        }
    }

    /** Notes a case of which everything must be exact: {@code comparison} throws where it is not. */
    public void check(String id, Runnable comparison) {
        try {
            comparison.run();
            add(id, "", 0, 0);
        } catch (AssertionError e) {
            add(id, String.valueOf(e.getMessage()), 1, 0);
        }
    }

    /** Returns how many cases there were. */
    public int cases() {
        return cases.size();
    }

    /** Returns what was outside its tolerance, one line each. */
    public List<String> outside() {
        return List.copyOf(outside);
    }

    @Override
    public String toString() {
        return String.format(
                Locale.ROOT,
                "fixtures %s: %d cases, %d within tolerance, worst %.1e",
                family,
                cases.size(),
                cases.size() - failed.size(),
                worst);
    }
}
