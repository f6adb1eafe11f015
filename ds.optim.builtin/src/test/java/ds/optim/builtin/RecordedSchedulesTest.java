package ds.optim.builtin;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ds.core.Settings;
import ds.optim.spi.Hyper;
import ds.optim.spi.Schedule;
import ds.optim.spi.ScheduleProvider;
import ds.testkit.Golden;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** Traces of DeepSpeed's own schedulers, recorded; ours have the same values at the same steps. */
class RecordedSchedulesTest {
    private static final double RELATIVE = 1e-12;
    private static final Set<String> NOT_YET_PROVIDED =
            Set.of("WarmupCosineLR", "OneCycle", "LRRangeTest");
    private static final Map<String, ScheduleProvider> PROVIDERS =
            Map.of("WarmupLR", new WarmupProvider(), "WarmupDecayLR", new WarmupDecayProvider());

    @Test
    void everyStepHasTheRecordedLearningRate() throws IOException {
        Golden golden = Golden.read("lr_schedules");
        int traces = 0;
        for (Map<String, Object> recorded :
                Stream.concat(golden.cases("cases").stream(), golden.cases("edge_cases").stream())
                        .toList()) {
            if (PROVIDERS.containsKey((String) recorded.get("scheduler"))
                    && recorded.containsKey("lr")) {
                follow(recorded);
                traces++;
            }
        }
        assertEquals(33, traces);
    }

    @Test
    void whatDeepSpeedRefusesToConstructIsRefused() throws IOException {
        int refused = 0;
        for (Map<String, Object> recorded : Golden.read("lr_schedules").cases("edge_cases")) {
            ScheduleProvider provider = PROVIDERS.get((String) recorded.get("scheduler"));
            if (provider != null && recorded.containsKey("error")) {
                Map<String, Object> params = Golden.object(recorded.get("params"));
                assertFalse(Settings.validate(provider.settings(), params, "").isUsable());
                refused++;
            }
        }
        assertEquals(2, refused);
    }

    @Test
    void everyOtherSchedulerIsListedAsNotYetProvided() throws IOException {
        Set<String> others = new TreeSet<>();
        for (Map<String, Object> recorded : Golden.read("lr_schedules").cases("cases")) {
            if (!PROVIDERS.containsKey((String) recorded.get("scheduler"))) {
                others.add((String) recorded.get("scheduler"));
            }
        }
        assertEquals(new TreeSet<>(NOT_YET_PROVIDED), others);
    }

    private static void follow(Map<String, Object> recorded) {
        ScheduleProvider provider = PROVIDERS.get((String) recorded.get("scheduler"));
        Map<String, Object> params = Golden.object(recorded.get("params"));
        Settings.Checked checked = Settings.validate(provider.settings(), params, "");
        assertTrue(checked.isUsable(), () -> checked.diagnostics().toString());
        Hyper base = new Hyper(((Number) recorded.get("base_lr")).doubleValue(), 0.9, 0.999);
        Schedule schedule = provider.create(checked.settings(), base);
        assertRate((Number) recorded.get("lr0"), schedule.at(0, base), recorded, 0);
        List<?> rates = (List<?>) recorded.get("lr");
        for (int k = 0; k < rates.size(); k++) {
            assertRate((Number) rates.get(k), schedule.at(k + 1, base), recorded, k + 1);
        }
    }

    private static void assertRate(
            Number expected, Hyper actual, Map<String, Object> recorded, int step) {
        double rate = expected.doubleValue();
        assertEquals(
                rate,
                actual.lr(),
                Math.abs(rate) * RELATIVE,
                () -> recorded.get("scheduler") + " " + recorded.get("params") + " at " + step);
        assertEquals(0.9, actual.beta1OrMomentum());
        assertEquals(0.999, actual.beta2());
    }
}
