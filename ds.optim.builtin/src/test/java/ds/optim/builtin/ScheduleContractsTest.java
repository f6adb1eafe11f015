package ds.optim.builtin;

import ds.optim.spi.ScheduleProvider;
import ds.testkit.ScheduleContract;
import java.util.Map;
import org.junit.jupiter.api.Nested;

/** Every schedule keeps the contract. */
class ScheduleContractsTest {
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

    @Nested
    class Cosine extends ScheduleContract {
        @Override
        protected ScheduleProvider provider() {
            return new WarmupCosineProvider();
        }

        @Override
        protected Map<String, Object> params() {
            return Map.of("total_num_steps", 2_500, "warmup_num_steps", 100);
        }
    }

    @Nested
    class Cycle extends ScheduleContract {
        @Override
        protected ScheduleProvider provider() {
            return new OneCycleProvider();
        }

        @Override
        protected Map<String, Object> params() {
            return Map.of(
                    "cycle_min_lr", 1e-3,
                    "cycle_max_lr", 1e-2,
                    "cycle_first_step_size", 500,
                    "decay_step_size", 10,
                    "decay_lr_rate", 0.1,
                    "decay_mom_rate", 0.01);
        }
    }

    @Nested
    class RangeTest extends ScheduleContract {
        @Override
        protected ScheduleProvider provider() {
            return new LrRangeTestProvider();
        }
    }
}
