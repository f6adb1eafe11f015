package ds.optim.builtin;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ds.core.Settings;
import ds.optim.spi.Hyper;
import ds.optim.spi.Schedule;
import ds.optim.spi.ScheduleProvider;
import ds.testkit.FixtureReport;
import ds.testkit.Golden;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Traces of DeepSpeed's own schedulers, recorded; ours have the same values at the same steps. */
class RecordedSchedulesTest {
    private static final double RELATIVE = 1e-12;
    private static final Map<String, ScheduleProvider> PROVIDERS =
            Map.of(
                    "WarmupLR", new WarmupProvider(),
                    "WarmupDecayLR", new WarmupDecayProvider(),
                    "WarmupCosineLR", new WarmupCosineProvider(),
                    "OneCycle", new OneCycleProvider(),
                    "LRRangeTest", new LrRangeTestProvider());

    @Test
    @Tag("fixtures")
    void everyStepHasTheRecordedLearningRate() throws IOException {
        Assumptions.assumeTrue(Golden.isPresent("lr_schedules"), "no lr_schedules fixtures here");
        Golden golden = Golden.read("lr_schedules");
        FixtureReport report = new FixtureReport("lr_schedules");
        List<Map<String, Object>> all = new ArrayList<>(golden.cases("cases"));
        all.addAll(golden.cases("edge_cases"));
        for (int i = 0; i < all.size(); i++) {
            Map<String, Object> recorded = all.get(i);
            String id = i + " " + recorded.get("scheduler");
            if (recorded.containsKey("lr")) {
                follow(recorded, id, report);
            } else {
                report.check(id, () -> refuse(recorded));
            }
        }
        System.out.println(report);
        assertEquals(List.of(), report.outside());
        assertTrue(report.cases() > 0);
    }

    /** Were a recorded value another, the test above would fail and say where. */
    @Test
    void oneChangedValueIsOutside() throws IOException {
        Assumptions.assumeTrue(Golden.isPresent("lr_schedules"), "no lr_schedules fixtures here");
        List<Map<String, Object>> followed =
                Golden.read("lr_schedules").cases("cases").stream()
                        .filter(recorded -> recorded.containsKey("lr"))
                        .limit(2)
                        .toList();
        Map<String, Object> changed = new LinkedHashMap<>(followed.getFirst());
        List<Object> rates = new ArrayList<>((List<?>) changed.get("lr"));
        rates.set(4, ((Number) rates.get(4)).doubleValue() * (1 + 1e-9) + 1e-300);
        changed.put("lr", rates);
        FixtureReport report = new FixtureReport("lr_schedules");
        follow(changed, "changed", report);
        follow(followed.getLast(), "kept", report);
        assertEquals(List.of("changed changed at 5: 1.00e-09, allowed 1.00e-12"), report.outside());
        assertEquals(
                "fixtures lr_schedules: 2 cases, 1 within tolerance, worst 1.0e-09",
                report.toString());
    }

    @Test
    void aMomentumThatWouldLeaveItsRangeStaysBelowOne() {
        OneCycle cycle =
                new OneCycle(
                        new OneCycle.Shape(2, 2, 0, 0),
                        0.1,
                        0.2,
                        0,
                        1,
                        Optional.of(new OneCycle.Momentum(0.8, 0.9, 0.05)),
                        -1);
        Hyper base = new Hyper(1, 0.9, 0.999);
        // 0.9 (1 + 0.05 n) is 0.945, 0.99, 1.035 and so on.
        assertEquals(0.945, cycle.at(5, base).beta1OrMomentum(), 1e-15);
        assertEquals(0.99, cycle.at(6, base).beta1OrMomentum(), 1e-15);
        assertEquals(0.99, cycle.at(7, base).beta1OrMomentum(), 1e-15);
        assertEquals(0.99, cycle.at(1_000_000, base).beta1OrMomentum(), 1e-15);
    }

    @Test
    void anOptimizerWithoutASecondBetaKeepsItsMomentumThroughACycle() {
        Schedule cycle =
                new OneCycleProvider()
                        .create(
                                Settings.of(Map.of("cycle_min_lr", 0.1, "cycle_max_lr", 0.2)),
                                new Hyper(1, 0.5, 0));
        assertEquals(new Hyper(0.1, 0.5, 0), cycle.at(0, new Hyper(1, 0.5, 0)));
        assertEquals(0.99, cycle.at(1, new Hyper(1, 0.5, 0.9)).beta2());
    }

    /** What DeepSpeed refuses to construct is refused, by the same key. */
    private static void refuse(Map<String, Object> recorded) {
        ScheduleProvider provider = PROVIDERS.get((String) recorded.get("scheduler"));
        Map<String, Object> params = Golden.object(recorded.get("params"));
        Settings.Checked checked = Settings.validate(provider.settings(), params, "");
        assertFalse(checked.isUsable());
        String key = ((String) recorded.get("error")).split(" ")[1];
        assertTrue(
                checked.diagnostics().stream()
                        .anyMatch(diagnostic -> diagnostic.pointer().equals("/" + key)),
                () -> key + " in " + checked.diagnostics());
    }

    private static void follow(Map<String, Object> recorded, String id, FixtureReport report) {
        ScheduleProvider provider = PROVIDERS.get((String) recorded.get("scheduler"));
        Map<String, Object> params = Golden.object(recorded.get("params"));
        Settings.Checked checked = Settings.validate(provider.settings(), params, "");
        assertTrue(checked.isUsable(), () -> checked.diagnostics().toString());
        Hyper base = new Hyper(((Number) recorded.get("base_lr")).doubleValue(), 0.9, 0.999);
        Schedule schedule = provider.create(checked.settings(), base);
        Number momentum = (Number) recorded.getOrDefault("mom0", base.beta1OrMomentum());
        assertHyper(
                (Number) recorded.get("lr0"), momentum, schedule.at(0, base), id + " at 0", report);
        List<?> rates = (List<?>) recorded.get("lr");
        List<?> momenta = (List<?>) recorded.getOrDefault("mom", List.of());
        for (int k = 0; k < rates.size(); k++) {
            momentum = momenta.isEmpty() ? momentum : (Number) momenta.get(k);
            assertHyper(
                    (Number) rates.get(k),
                    momentum,
                    schedule.at(k + 1, base),
                    id + " at " + (k + 1),
                    report);
        }
    }

    /** A recorded momentum of 1 and above is a defect that is not imitated. */
    private static void assertHyper(
            Number expected, Number momentum, Hyper actual, String where, FixtureReport report) {
        String id = where.substring(0, where.indexOf(" at "));
        double rate = expected.doubleValue();
        report.add(id, where, relative(rate, actual.lr()), RELATIVE);
        double beta = momentum.doubleValue();
        double off = beta < 1 ? relative(beta, actual.beta1OrMomentum()) : 0;
        report.add(id, where, actual.beta1OrMomentum() < 1 ? off : 1, RELATIVE);
        double second = id.endsWith("OneCycle") ? OneCycle.SECOND_BETA : 0.999;
        report.add(id, where, relative(second, actual.beta2()), 0);
    }

    private static double relative(double expected, double actual) {
        return expected == actual ? 0 : Math.abs(expected - actual) / Math.abs(expected);
    }
}
