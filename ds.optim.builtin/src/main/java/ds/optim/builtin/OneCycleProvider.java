package ds.optim.builtin;

import ds.core.KeyDeclaration;
import ds.core.Settings;
import ds.optim.spi.Hyper;
import ds.optim.spi.Schedule;
import ds.optim.spi.ScheduleProvider;
import java.util.List;
import java.util.Optional;

/** OneCycle: learning rate up and down, momentum down and up, then decay. */
public final class OneCycleProvider implements ScheduleProvider {
    private static final String MIN_LR = "cycle_min_lr";
    private static final String MAX_LR = "cycle_max_lr";
    private static final double FIRST = 2000;
    private static final double MIN_MOMENTUM = 0.8;
    private static final double MAX_MOMENTUM = 0.9;

    /** Called by the service loader. */
    public OneCycleProvider() {}

    @Override
    public String name() {
        return "OneCycle";
    }

    @Override
    public List<KeyDeclaration> settings() {
        return List.of(
                KeyDeclaration.number(MIN_LR)
                        .atLeast(0)
                        .required()
                        .doc("Learning rate at both ends of the cycle."),
                KeyDeclaration.number(MAX_LR)
                        .atLeast(0)
                        .required()
                        .doc("Learning rate at the top of the cycle."),
                KeyDeclaration.number("decay_lr_rate", 0)
                        .atLeast(0)
                        .doc("Decay of the learning rate after the cycle, per decay step size."),
                KeyDeclaration.number("cycle_first_step_size", FIRST)
                        .above(0)
                        .in("steps")
                        .doc("Steps of the climb."),
                KeyDeclaration.number("cycle_second_step_size")
                        .atLeast(0)
                        .in("steps")
                        .doc("Steps of the fall; by default as many as of the climb."),
                KeyDeclaration.integer("cycle_first_stair_count", 0)
                        .atLeast(0)
                        .doc("Stairs of the climb; 0 climbs at every step."),
                KeyDeclaration.integer("cycle_second_stair_count")
                        .atLeast(0)
                        .doc("Stairs of the fall; by default as many as of the climb."),
                KeyDeclaration.number("decay_step_size", 0)
                        .atLeast(0)
                        .in("steps")
                        .doc("Steps in which a decay acts once; 0 for no decay."),
                KeyDeclaration.flag("cycle_momentum", true)
                        .doc("Whether the first beta is cycled too; the second is then 0.99."),
                KeyDeclaration.number("cycle_min_mom", MIN_MOMENTUM)
                        .atLeast(0)
                        .below(1)
                        .doc("Momentum at the top of the learning rate."),
                KeyDeclaration.number("cycle_max_mom", MAX_MOMENTUM)
                        .atLeast(0)
                        .below(1)
                        .doc("Momentum at both ends of the cycle."),
                KeyDeclaration.number("decay_mom_rate", 0)
                        .atLeast(0)
                        .doc("Growth of the momentum after the cycle, per decay step size."),
                WarmupKeys.start());
    }

    @Override
    public Schedule create(Settings params, Hyper base) {
        if (!params.has(MIN_LR) || !params.has(MAX_LR)) {
            throw new IllegalArgumentException(
                    "OneCycle needs cycle_min_lr and cycle_max_lr, the learning rates at the ends and at the top.");
        }
        double first = params.doubleOr("cycle_first_step_size", FIRST);
        long stairs = params.longOr("cycle_first_stair_count", 0);
        Optional<OneCycle.Momentum> momentum =
                params.booleanOr("cycle_momentum", true)
                        ? Optional.of(
                                new OneCycle.Momentum(
                                        params.doubleOr("cycle_min_mom", MIN_MOMENTUM),
                                        params.doubleOr("cycle_max_mom", MAX_MOMENTUM),
                                        params.doubleOr("decay_mom_rate", 0)))
                        : Optional.empty();
        return new OneCycle(
                new OneCycle.Shape(
                        first,
                        params.doubleOr("cycle_second_step_size", first),
                        stairs,
                        params.longOr("cycle_second_stair_count", stairs)),
                params.doubleOr(MIN_LR, 0),
                params.doubleOr(MAX_LR, 0),
                params.doubleOr("decay_lr_rate", 0),
                params.doubleOr("decay_step_size", 0),
                momentum,
                WarmupKeys.start(params));
    }
}
