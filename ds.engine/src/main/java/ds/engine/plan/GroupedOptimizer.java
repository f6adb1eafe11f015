package ds.engine.plan;

import ds.optim.spi.Hyper;
import ds.optim.spi.Optimizer;
import ds.optim.spi.ParameterSpec;
import ds.optim.spi.Schedule;
import ds.optim.spi.StateSlot;
import ds.optim.spi.StepContext;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;

/**
 * An optimizer whose parameters do not all have the same hyper-parameters: because it says so itself
 * (Muon's Adam part), or because they are in groups. Each gets its own schedule. Immutable but for
 * what it remembers; used by all ranks at once.
 */
final class GroupedOptimizer implements Optimizer {
    /**
     * Parameters that are stepped alike.
     *
     * @param optimizer with this group's settings
     * @param multiplier of the scheduled learning rate
     */
    record Group(Optimizer optimizer, double multiplier) {}

    private record Key(Group group, Kind kind, Hyper base) {}

    private final Group others;
    private final Function<ParameterSpec, Group> groupOf;
    private final Function<Hyper, Schedule> schedules;
    private final Map<Key, Kind> kinds = new ConcurrentHashMap<>();

    /**
     * Groups parameters.
     *
     * @param others what is in no group, whose optimizer stands for all
     * @param groupOf the group of a parameter, {@code others} included
     * @param schedules makes the schedule for hyper-parameters of construction
     */
    GroupedOptimizer(
            Group others,
            Function<ParameterSpec, Group> groupOf,
            Function<Hyper, Schedule> schedules) {
        this.others = others;
        this.groupOf = groupOf;
        this.schedules = schedules;
    }

    @Override
    public Hyper base() {
        return others.optimizer().base();
    }

    @Override
    public Hyper base(ParameterSpec parameter) {
        return groupOf.apply(parameter).optimizer().base(parameter);
    }

    @Override
    public List<StateSlot> slots() {
        return others.optimizer().slots();
    }

    @Override
    public List<StateSlot> slots(ParameterSpec parameter) {
        return groupOf.apply(parameter).optimizer().slots(parameter);
    }

    @Override
    public Kind kind(ParameterSpec parameter) {
        Group group = groupOf.apply(parameter);
        Kind kind = group.optimizer().kind(parameter);
        Hyper own = group.optimizer().base(parameter);
        if (group.multiplier() == 1 && own.equals(base())) {
            return kind;
        }
        return kinds.computeIfAbsent(new Key(group, kind, own), this::made);
    }

    private Kind made(Key key) {
        Schedule schedule = schedules.apply(key.base());
        double multiplier = key.group().multiplier();
        return GroupKinds.of(
                key.kind(),
                context -> {
                    Hyper hyper = schedule.at(context.appliedSteps() - 1, key.base());
                    return withHyper(context, hyper.withLr(hyper.lr() * multiplier));
                });
    }

    private static StepContext withHyper(StepContext context, Hyper hyper) {
        return new StepContext(
                context.globalStep(),
                context.appliedSteps(),
                context.microStep(),
                hyper,
                context.gradientScale(),
                context.kernels());
    }

    @Override
    public String toString() {
        return others.optimizer().toString();
    }
}
