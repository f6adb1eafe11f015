package ds.testkit;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import ds.core.KeyDeclaration;
import ds.core.Settings;
import ds.optim.spi.Hyper;
import ds.optim.spi.Schedule;
import ds.optim.spi.ScheduleProvider;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;

/** The schedule contract lets a right schedule pass, and finds each way of breaking it. */
class ScheduleContractTest {
    private record Made(Supplier<Schedule> schedule) implements ScheduleProvider {
        @Override
        public String name() {
            return "made";
        }

        @Override
        public List<KeyDeclaration> settings() {
            return List.of();
        }

        @Override
        public Schedule create(Settings params, Hyper base) {
            return schedule.get();
        }
    }

    private static ScheduleContract contract(Supplier<Schedule> schedule) {
        return new ScheduleContract() {
            @Override
            protected ScheduleProvider provider() {
                return new Made(schedule);
            }
        };
    }

    private static void broken(
            Supplier<Schedule> mutant, Consumer<ScheduleContract> test, String says) {
        var failure = assertThrows(AssertionError.class, () -> test.accept(contract(mutant)));
        assertEquals(says, String.valueOf(failure.getMessage()).lines().findFirst().orElse(""));
    }

    @Test
    void aRightSchedulePasses() {
        ScheduleContract contract =
                contract(() -> (step, base) -> base.withLr(base.lr() / Math.sqrt(1.0 + step)));
        assertDoesNotThrow(contract::everySettingIsDocumentedAndNamedOnce);
        assertDoesNotThrow(contract::aValueDependsOnTheStepOnly);
        assertDoesNotThrow(contract::everyValueCanBeUsed);
        assertDoesNotThrow(contract::decaysAreNotDropped);
    }

    @Test
    void oneThatCountsIsFound() {
        broken(
                () -> {
                    AtomicLong calls = new AtomicLong();
                    return (_, base) -> base.withLr(calls.incrementAndGet());
                },
                ScheduleContract::aValueDependsOnTheStepOnly,
                "step 3000, asked forwards and backwards ==>"
                        + " expected: <Hyper[lr=3001.0, beta1OrMomentum=0.9, beta2=0.999]>"
                        + " but was: <Hyper[lr=1.0, beta1OrMomentum=0.9, beta2=0.999]>");
    }

    @Test
    void aNegativeRateIsFound() {
        broken(
                () -> (step, base) -> base.withLr(1e-3 - step * 1e-6),
                ScheduleContract::everyValueCanBeUsed,
                "step 1001: lr must be finite and 0 or more, was"
                        + " Hyper[lr=-9.999999999999159E-7, beta1OrMomentum=0.9, beta2=0.999]"
                        + " ==> expected: <true> but was: <false>");
    }

    @Test
    void aForgottenBetaIsFound() {
        broken(
                () -> (_, base) -> new Hyper(base.lr(), base.beta1OrMomentum(), 0),
                ScheduleContract::decaysAreNotDropped,
                "beta2 is 0 at every step, where the base has 0.999: pass on what the schedule does"
                        + " not change, as base.withLr(...) does.");
    }
}
