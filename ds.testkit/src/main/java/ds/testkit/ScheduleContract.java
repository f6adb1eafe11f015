package ds.testkit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ds.core.Diagnostic;
import ds.core.KeyDeclaration;
import ds.core.Settings;
import ds.optim.spi.Hyper;
import ds.optim.spi.Schedule;
import ds.optim.spi.ScheduleProvider;
import java.util.List;
import java.util.Map;
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
        List<KeyDeclaration> settings = provider().settings();
        assertFalse(provider().name().isBlank());
        for (KeyDeclaration key : settings) {
            assertFalse(key.doc().isBlank(), key.name() + " has no doc");
        }
        assertEquals(
                settings.size(), settings.stream().map(KeyDeclaration::name).distinct().count());
    }

    @Test
    void aValueDependsOnTheStepOnly() {
        Schedule forwards = create();
        Schedule backwards = create();
        for (long step = STEPS; step >= 0; step--) {
            assertEquals(forwards.at(STEPS - step, BASE), backwards.at(STEPS - step, BASE));
            assertEquals(forwards.at(step, BASE), backwards.at(step, BASE), "step " + step);
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

    private static void assertUsable(long step, Hyper hyper) {
        assertTrue(hyper.lr() >= 0 && Double.isFinite(hyper.lr()), step + ": " + hyper);
        assertTrue(hyper.beta1OrMomentum() >= 0, step + ": " + hyper);
        assertTrue(hyper.beta1OrMomentum() < 1, step + ": " + hyper);
        assertTrue(hyper.beta2() >= 0 && hyper.beta2() < 1, step + ": " + hyper);
    }

    private Schedule create() {
        Settings.Checked checked = Settings.validate(provider().settings(), params(), "");
        assertEquals(
                List.of(), checked.diagnostics().stream().filter(Diagnostic::isError).toList());
        return provider().create(checked.settings(), BASE);
    }
}
