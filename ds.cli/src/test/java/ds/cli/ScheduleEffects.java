package ds.cli;

import static ds.cli.Effect.of;

import java.util.ArrayList;
import java.util.List;

/** What the settings of schedules do. */
final class ScheduleEffects {
    private ScheduleEffects() {}

    /** Returns their entries. */
    static List<Effect> all() {
        List<Effect> all = new ArrayList<>();
        for (String type : List.of("WarmupLR", "WarmupDecayLR")) {
            List<Object> set =
                    new ArrayList<>(
                            List.of(
                                    "scheduler.type",
                                    type,
                                    "scheduler.params.warmup_num_steps",
                                    3));
            if (type.equals("WarmupDecayLR")) {
                set.addAll(List.of("scheduler.params.total_num_steps", 6));
            }
            Object[] context = set.toArray();
            String name = "scheduler[" + type + "].";
            all.add(of(name + "warmup_min_lr", 0.0, 0.001, Observed::rates, context));
            all.add(of(name + "warmup_max_lr", 0.01, 0.02, Observed::rates, context));
            all.add(of(name + "warmup_num_steps", 2, 4, Observed::rates, context));
            all.add(of(name + "warmup_type", "log", "linear", Observed::rates, context));
            all.add(of(name + "last_batch_iteration", -1, 2, Observed::rates, context));
            if (type.equals("WarmupDecayLR")) {
                all.add(of(name + "total_num_steps", 5, 9, Observed::rates, context));
            }
        }
        Object[] cosine = {
            "scheduler.type",
            "WarmupCosineLR",
            "scheduler.params.warmup_num_steps",
            3,
            "scheduler.params.total_num_steps",
            6
        };
        String name = "scheduler[WarmupCosineLR].";
        all.add(of(name + "total_num_steps", 5, 9, Observed::rates, cosine));
        all.add(of(name + "warmup_min_ratio", 0.0, 0.1, Observed::rates, cosine));
        all.add(of(name + "warmup_num_steps", 2, 4, Observed::rates, cosine));
        all.add(of(name + "cos_min_ratio", 0.0, 0.1, Observed::rates, cosine));
        all.add(of(name + "warmup_type", "log", "linear", Observed::rates, cosine));
        all.add(of(name + "last_batch_iteration", -1, 2, Observed::rates, cosine));
        all.addAll(oneCycle());
        Object[] range = {
            "scheduler.type", "LRRangeTest", "scheduler.params.lr_range_test_step_size", 2
        };
        name = "scheduler[LRRangeTest].lr_range_test_";
        all.add(of(name + "min_lr", 0.001, 0.002, Observed::rates, range));
        all.add(of(name + "step_size", 2, 3, Observed::rates, range));
        all.add(of(name + "step_rate", 1.0, 2.0, Observed::rates, range));
        all.add(of(name + "staircase", false, true, Observed::rates, range));
        all.add(of("scheduler[LRRangeTest].last_batch_iteration", -1, 2, Observed::rates, range));
        return all;
    }

    private static List<Effect> oneCycle() {
        Object[] cycle = {
            "optimizer.type",
            "adam",
            "scheduler.type",
            "OneCycle",
            "scheduler.params.cycle_min_lr",
            0.001,
            "scheduler.params.cycle_max_lr",
            0.01,
            "scheduler.params.cycle_first_step_size",
            3,
            "scheduler.params.cycle_second_step_size",
            2,
            "scheduler.params.decay_step_size",
            1,
            "scheduler.params.decay_lr_rate",
            0.1
        };
        String name = "scheduler[OneCycle].";
        return List.of(
                of(name + "cycle_min_lr", 0.001, 0.002, Observed::rates, cycle),
                of(name + "cycle_max_lr", 0.01, 0.02, Observed::rates, cycle),
                of(name + "decay_lr_rate", 0.1, 0.2, Observed::rates, cycle),
                of(name + "cycle_first_step_size", 3, 4, Observed::rates, cycle),
                of(name + "cycle_second_step_size", 2, 3, Observed::rates, cycle),
                of(name + "cycle_first_stair_count", 0, 2, Observed::rates, cycle),
                of(name + "cycle_second_stair_count", 0, 1, Observed::rates, cycle),
                of(name + "decay_step_size", 1, 2, Observed::rates, cycle),
                of(name + "cycle_momentum", true, false, Observed::momenta, cycle),
                of(name + "cycle_min_mom", 0.8, 0.7, Observed::momenta, cycle),
                of(name + "cycle_max_mom", 0.9, 0.95, Observed::momenta, cycle),
                of(name + "decay_mom_rate", 0.0, 0.01, Observed::momenta, cycle),
                of(name + "last_batch_iteration", -1, 2, Observed::rates, cycle));
    }
}
