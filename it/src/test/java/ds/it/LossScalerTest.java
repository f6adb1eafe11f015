package ds.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ds.engine.LossScaler;
import ds.testkit.FixtureReport;
import ds.testkit.Golden;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** The loss scale follows DeepSpeed's recorded traces exactly: 164 of them. */
class LossScalerTest {
    @Test
    @Tag("fixtures")
    void followsEveryRecordedTrace() throws IOException {
        Assumptions.assumeTrue(Golden.isPresent("loss_scaler"), "no loss_scaler fixtures here");
        FixtureReport report = new FixtureReport("loss_scaler");
        AtomicInteger steps = new AtomicInteger();
        for (Map<String, Object> trace : Golden.read("loss_scaler").cases("cases")) {
            report.check(String.valueOf(trace.get("id")), () -> steps.addAndGet(follow(trace)));
        }
        System.out.println(report);
        assertEquals(List.of(), report.outside());
        assertTrue(steps.get() > 1_000, "only %d steps were recorded".formatted(steps.get()));
    }

    private static int follow(Map<String, Object> trace) {
        LossScaler scaler = scaler(trace);
        boolean raises =
                trace.get("kind").equals("dynamic")
                        && Boolean.TRUE.equals(
                                Golden.object(trace.get("args")).get("raise_error_at_min_scale"));
        List<?> flags = (List<?>) trace.get("flags");
        List<?> scales = (List<?>) trace.get("scale");
        List<?> hysteresis = (List<?>) trace.get("hysteresis");
        for (int i = 0; i < flags.size(); i++) {
            String where = "trace %s, step %d".formatted(trace.get("id"), i);
            boolean overflow = number(flags.get(i)) != 0;
            boolean raised = number(trace.get("raised_at")) == i;
            if (raises) {
                assertEquals(raised, overflow && scaler.exhausted(), where);
            }
            if (raised) {
                return i;
            }
            scaler.update(overflow);
            assertEquals(number(scales.get(i)), scaler.scale(), where);
            if (hysteresis.get(i) != null) {
                assertEquals(number(hysteresis.get(i)), scaler.hysteresis(), where);
            }
        }
        return flags.size();
    }

    private static LossScaler scaler(Map<String, Object> trace) {
        if (trace.get("kind").equals("static")) {
            return LossScaler.fixed(number(trace.get("static_scale")));
        }
        Map<String, Object> rules = Golden.object(trace.get("args"));
        return LossScaler.dynamic(
                new LossScaler.Dynamic(
                        number(rules.get("init_scale")),
                        (long) number(rules.get("scale_window")),
                        (int) number(rules.get("delayed_shift")),
                        (Boolean) rules.get("consecutive_hysteresis"),
                        number(rules.get("min_scale")),
                        true));
    }

    private static double number(Object value) {
        return value instanceof Number number ? number.doubleValue() : -1;
    }
}
