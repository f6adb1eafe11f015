package ds.optim.builtin;

import ds.core.KeyDeclaration;
import ds.core.Settings;
import ds.optim.spi.Hyper;
import ds.optim.spi.Schedule;
import ds.optim.spi.ScheduleProvider;
import java.util.List;

/** LRRangeTest: a learning rate that grows until training breaks. */
public final class LrRangeTestProvider implements ScheduleProvider {
    private static final double MIN_LR = 1e-3;
    private static final long STEP_SIZE = 2000;
    private static final double RATE = 1;

    /** Called by the service loader. */
    public LrRangeTestProvider() {}

    @Override
    public String name() {
        return "LRRangeTest";
    }

    @Override
    public List<KeyDeclaration> settings() {
        return List.of(
                KeyDeclaration.number("lr_range_test_min_lr", MIN_LR)
                        .atLeast(0)
                        .doc("Learning rate at the start."),
                KeyDeclaration.integer("lr_range_test_step_size", STEP_SIZE)
                        .atLeast(1)
                        .in("steps")
                        .doc("Steps in which the learning rate grows by the step rate."),
                KeyDeclaration.number("lr_range_test_step_rate", RATE)
                        .atLeast(0)
                        .doc("Growth per step size, as a multiple of the first learning rate."),
                KeyDeclaration.flag("lr_range_test_staircase", false)
                        .doc("Whether the learning rate grows at the end of a step size only."),
                WarmupKeys.start());
    }

    @Override
    public Schedule create(Settings params, Hyper base) {
        return new LrRangeTest(
                params.doubleOr("lr_range_test_min_lr", MIN_LR),
                params.longOr("lr_range_test_step_size", STEP_SIZE),
                params.doubleOr("lr_range_test_step_rate", RATE),
                params.booleanOr("lr_range_test_staircase", false),
                WarmupKeys.start(params));
    }
}
