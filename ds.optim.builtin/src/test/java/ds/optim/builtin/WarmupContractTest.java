package ds.optim.builtin;

import ds.optim.spi.ScheduleProvider;
import ds.testkit.ScheduleContract;
import java.util.Map;
import org.junit.jupiter.api.Nested;

/** The warm-up schedules keep the contract. */
class WarmupContractTest {
    @Nested
    class Constant extends ScheduleContract {
        @Override
        protected ScheduleProvider provider() {
            return new WarmupProvider();
        }
    }

    @Nested
    class Decay extends ScheduleContract {
        @Override
        protected ScheduleProvider provider() {
            return new WarmupDecayProvider();
        }

        @Override
        protected Map<String, Object> params() {
            return Map.of("total_num_steps", 2_500, "warmup_num_steps", 100);
        }
    }
}
