package example.inverse;

import static org.junit.jupiter.api.Assertions.assertEquals;

import ds.core.Settings;
import ds.optim.spi.Hyper;
import ds.optim.spi.Schedule;
import ds.optim.spi.ScheduleProvider;
import ds.optim.spi.Schedules;
import ds.testkit.ScheduleContract;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** The schedule is found by name, keeps what every schedule promises, and has its own values. */
class InverseRootTest extends ScheduleContract {
    @Override
    protected ScheduleProvider provider() {
        return new InverseRootProvider();
    }

    @Override
    protected Map<String, Object> params() {
        return Map.of("warmup_num_steps", 100);
    }

    @Test
    void isFoundByNameInAnyCase() {
        assertEquals("InverseRoot", Schedules.in(ModuleLayer.boot()).require("inverseroot").name());
    }

    @Test
    void climbsInALineAndFallsWithTheRoot() {
        Hyper base = new Hyper(0.4, 0.9, 0.999);
        Schedule schedule = provider().create(Settings.of(Map.of("warmup_num_steps", 100L)), base);
        assertEquals(0.2, schedule.at(49, base).lr(), 1e-15);
        assertEquals(0.4, schedule.at(99, base).lr(), 1e-15);
        assertEquals(0.2, schedule.at(399, base).lr(), 1e-15);
    }
}
