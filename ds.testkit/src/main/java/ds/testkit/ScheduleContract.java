package ds.testkit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import ds.core.Diagnostic;
import ds.core.Settings;
import ds.optim.spi.Hyper;
import ds.optim.spi.Schedule;
import ds.optim.spi.ScheduleProvider;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.ToDoubleFunction;
import org.junit.jupiter.api.Test;

/**
 * What every schedule promises. Extend it in the provider's module and return the provider and the
 * parameters it needs.
 */
public abstract class ScheduleContract {
    private static final Hyper BASE = new Hyper(1e-3, 0.9, 0.999);
    private static final long STEPS = 3_000;
    private static final long FAR = 1L << 40;

    /** For subclasses. */
    protected ScheduleContract() {}

    /** Returns the provider under test. */
    protected abstract ScheduleProvider provider();

    /** Returns the {@code params} of the tests; defaults where none are given. */
    protected Map<String, Object> params() {
        return Map.of();
    }

    @Test
    void everySettingIsDocumentedAndNamedOnce() {
        DocumentedSettings.check(provider(), provider().settings());
    }

    @Test
    void aValueDependsOnTheStepOnly() {
        Schedule forwards = create();
        List<Hyper> values = new ArrayList<>();
        for (long step = 0; step <= STEPS; step++) {
            values.add(forwards.at(step, BASE));
        }
        Schedule backwards = create();
        for (int step = values.size() - 1; step >= 0; step--) {
            int asked = step;
            assertEquals(
                    values.get(step),
                    backwards.at(step, BASE),
                    () -> "step %d, asked forwards and backwards".formatted(asked));
        }
    }

    @Test
    void everyValueCanBeUsed() {
        Schedule schedule = create();
        for (long step = 0; step <= STEPS; step++) {
            assertUsable(step, schedule.at(step, BASE));
        }
        assertUsable(FAR, schedule.at(FAR, BASE));
    }

    @Test
    void decaysAreNotDropped() {
        Schedule schedule = create();
        assertNotDropped("beta1OrMomentum", schedule, Hyper::beta1OrMomentum);
        assertNotDropped("beta2", schedule, Hyper::beta2);
    }

    private static void assertNotDropped(
            String what, Schedule schedule, ToDoubleFunction<Hyper> value) {
        for (long step = 0; step <= STEPS; step++) {
            if (value.applyAsDouble(schedule.at(step, BASE)) != 0) {
                return;
            }
        }
        fail(
                "%s is 0 at every step, where the base has %s: pass on what the schedule does not change, as base.withLr(...) does."
                        .formatted(what, value.applyAsDouble(BASE)));
    }

    private static void assertUsable(long step, Hyper hyper) {
        assertTrue(
                hyper.lr() >= 0 && Double.isFinite(hyper.lr()),
                () -> "step %d: lr must be finite and 0 or more, was %s".formatted(step, hyper));
        assertDecay(step, "beta1OrMomentum", hyper.beta1OrMomentum());
        assertDecay(step, "beta2", hyper.beta2());
    }

    private static void assertDecay(long step, String what, double value) {
        assertTrue(
                value >= 0 && value < 1,
                () ->
                        "step %d: %s must be 0 or more and below 1, was %s"
                                .formatted(step, what, value));
    }

    private Schedule create() {
        Settings.Checked checked = Settings.validate(provider().settings(), params(), "");
        assertEquals(
                List.of(),
                checked.diagnostics().stream().filter(Diagnostic::isError).toList(),
                "the params of this test");
        return provider().create(checked.settings(), BASE);
    }
}
