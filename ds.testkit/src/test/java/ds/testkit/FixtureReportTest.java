package ds.testkit;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import org.junit.jupiter.api.Test;

/** What a report counts, and what it lets pass. */
class FixtureReportTest {
    @Test
    void aCaseCountsOnceAndFailsWhereAnyOfItIsOutside() {
        FixtureReport report = new FixtureReport("optim");
        report.add("a", "step 1", 1e-7, 1e-6);
        report.add("a", "step 2", 2e-6, 1e-6);
        report.add("a", "step 3", 3e-6, 1e-6);
        report.add("b", "step 1", 1e-6, 1e-6);
        assertEquals(
                "fixtures optim: 2 cases, 1 within tolerance, worst 3.0e-06", report.toString());
        assertEquals(
                List.of(
                        "a step 2: 2.00e-06, allowed 1.00e-06",
                        "a step 3: 3.00e-06, allowed 1.00e-06"),
                report.outside());
    }

    @Test
    void nanIsOutsideAndStays() {
        FixtureReport report = new FixtureReport("optim");
        report.add("a", "", Double.NaN, 1);
        report.add("b", "", 0, 1);
        assertEquals("fixtures optim: 2 cases, 1 within tolerance, worst NaN", report.toString());
        assertEquals(1, report.outside().size());
    }

    @Test
    void anAssertionThatFailsIsOutside() {
        FixtureReport report = new FixtureReport("clip");
        report.check("good", () -> {});
        report.check("bad", () -> assertEquals(1, 2));
        assertEquals(1, report.outside().size());
        assertEquals(2, report.cases());
    }
}
